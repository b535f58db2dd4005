"""Runs of a reconciliation at the database: one at a time, left and taken over, page by page."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from schemas.ids import OrderId, new_uuid
from schemas.money import Money
from tests.builders import an_intent
from tests.store.conftest import Shop
from worker.books import BookEntry
from worker.lifecycle import LineState
from worker.store import book_entries, reconciliations
from worker.store.reconciliations import Run, Superseded
from worker.store.tables_books import RunState, ShelfState

LEASE: Final = timedelta(minutes=2)
DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
PLACED: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)
TABLES: Final = ("book_entries", "reconciled_orders", "reconciled_shelves")


async def start(
    shop: Shop, worker: str = "w1", *, every: timedelta | None = None, account: str = "default"
) -> Run | None:
    return await reconciliations.start(
        shop.db,
        provider="hyperteknoloji",
        account=account,
        back=DAY,
        every=every,
        asked_by="ada",
        worker=worker,
        lease=LEASE,
    )


async def started(shop: Shop, worker: str = "w1", **how: Any) -> Run:
    run = await start(shop, worker, **how)
    assert run is not None
    return run


def an_entry(name: str, **fields: Any) -> BookEntry:
    facts: dict[str, Any] = {
        "provider_ref": name,
        "ref": None,
        "state": LineState.DELIVERED,
        "said": "1",
        "placed_at": PLACED,
    }
    return BookEntry(**facts | fields)


async def keep(
    shop: Shop, run: Run, *names: str, shelf: str = "", next_page: str | None = None
) -> Run:
    return await book_entries.keep_page(
        shop.db, run, LEASE, shelf, [an_entry(name) for name in names], next_page=next_page
    )


async def count(shop: Shop, table: str) -> int:
    rows = await shop.rows(f"SELECT 1 FROM {table}")  # noqa: S608 -- our own tables
    return len(rows)


# --- who does it ---------------------------------------------------------------------------------


async def test_of_two_that_start_at_once_one_does(shop: Shop) -> None:
    for _ in range(5):
        runs = await asyncio.gather(*(start(shop, f"w{n}") for n in range(4)))
        [run] = [run for run in runs if run is not None]
        assert (run.fence, run.state) == (1, RunState.READING)
        await reconciliations.end(shop.db, run, RunState.DONE)


async def test_each_account_has_a_run_of_its_own(shop: Shop) -> None:
    one, other = await started(shop), await started(shop, account="other")
    assert one.run_id != other.run_id
    assert await start(shop, "w2") is None


async def test_it_is_due_so_often_by_the_rows_and_whenever_somebody_asks(
    shop: Shop, set_clock: Callable[[timedelta], None]
) -> None:
    first = await started(shop, every=HOUR)
    await reconciliations.end(shop.db, first, RunState.DONE)
    assert await start(shop, every=HOUR) is None
    asked = await started(shop)
    await reconciliations.end(shop.db, asked, RunState.FAILED)
    assert await start(shop, every=HOUR) is None
    set_clock(HOUR + timedelta(seconds=5))
    runs = await asyncio.gather(*(start(shop, f"w{n}", every=HOUR) for n in range(3)))
    assert len([run for run in runs if run is not None]) == 1


async def test_a_run_that_was_left_is_gone_on_with_where_it_was_and_nobody_else_writes(
    shop: Shop, set_clock: Callable[[timedelta], None]
) -> None:
    old = await reconciliations.scope(shop.db, await started(shop), LEASE, "")
    old = await keep(shop, old, "1", "2", next_page="two")
    set_clock(LEASE - timedelta(seconds=5))
    assert await start(shop, "w2") is None
    set_clock(LEASE + timedelta(seconds=5))
    heirs = await asyncio.gather(*(start(shop, f"w{n}") for n in (2, 3)))
    [heir] = [run for run in heirs if run is not None]
    assert heir == replace(old, fence=2)
    assert await book_entries.next_shelf(shop.db, heir) == book_entries.Shelf("", "two")
    before = await shop.one("SELECT * FROM reconciliations")
    for write in (
        keep(shop, old, "3"),
        reconciliations.note(shop.db, old, LEASE, compared=7),
        reconciliations.scope(shop.db, old, LEASE, ""),
        reconciliations.end(shop.db, old, RunState.DONE),
        book_entries.put_on_shelves(shop.db, old, LEASE, {}),
    ):
        with pytest.raises(Superseded):
            await write
    assert await shop.one("SELECT * FROM reconciliations") == before
    assert await count(shop, "book_entries") == 2


async def test_a_run_that_is_given_back_is_anybodys_at_once(shop: Shop) -> None:
    run = await started(shop)
    given = await reconciliations.note(shop.db, run, None)
    assert given == run
    heir = await started(shop, "w2")
    assert (heir.run_id, heir.fence) == (run.run_id, 2)


# --- what it compares ----------------------------------------------------------------------------


async def orders(shop: Shop, *names: str) -> list[OrderId]:
    bodies = [an_intent(f"d-{name}", intent_id=name) for name in names]
    await shop.accept(*bodies)
    return [OrderId(row.id) for row in await shop.rows("SELECT id FROM orders ORDER BY intent_id")]


async def test_the_orders_of_its_account_since_then_are_compared_on_one_shelf(shop: Shop) -> None:
    ids = await orders(shop, "1", "2", "3", "4")
    await shop.execute("UPDATE orders SET account = 'other' WHERE intent_id = '1'")
    await shop.execute(
        "UPDATE orders SET created_at = created_at - interval '25 h' WHERE intent_id = '2'"
    )
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, "")
    assert (run.orders, run.collected, run.after) == (2, True, None)
    found = await reconciliations.next_orders(shop.db, run, 10)
    assert len(found) == 2
    assert set(found) < set(ids)
    assert await reconciliations.next_orders(shop.db, run, 1) == found[:1]
    on = await reconciliations.note(shop.db, run, LEASE, after=found[0])
    assert await reconciliations.next_orders(shop.db, on, 10) == found[1:]
    again = await reconciliations.scope(shop.db, on, LEASE, "")
    assert (again.orders, again.after) == (2, found[0])


async def test_shelves_are_collected_and_gone_on_with_after_the_last_one(shop: Shop) -> None:
    ids = sorted(await orders(shop, "1", "2", "3"))
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, None)
    assert (run.orders, run.collected) == (3, False)
    assert await book_entries.next_shelf(shop.db, run) is None
    run = await book_entries.put_on_shelves(shop.db, run, LEASE, {ids[0]: "a", ids[1]: None})
    assert (run.after, run.collected) == (ids[1], False)
    heir = await started_again(shop, run)
    heir = await reconciliations.scope(shop.db, heir, LEASE, None)
    assert (heir.after, heir.orders) == (ids[1], 3)
    assert await reconciliations.next_orders(shop.db, heir, 10) == [ids[2]]
    heir = await book_entries.put_on_shelves(shop.db, heir, LEASE, {ids[2]: "a"})
    heir = await book_entries.put_on_shelves(shop.db, heir, LEASE, {})
    assert heir.collected
    assert await book_entries.count_shelves(shop.db, heir) == (1, 0)


async def started_again(shop: Shop, run: Run) -> Run:
    await reconciliations.note(shop.db, run, None)
    return await started(shop, "heir")


async def test_a_run_without_orders_has_nothing_to_collect(shop: Shop) -> None:
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, None)
    run = await book_entries.put_on_shelves(shop.db, run, LEASE, {})
    assert (run.orders, run.collected) == (0, True)


# --- what it reads -------------------------------------------------------------------------------


async def test_a_page_that_is_kept_twice_is_kept_once(shop: Shop) -> None:
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, "")
    kept = await keep(shop, run, "1", "2", next_page="two")
    again = await keep(shop, run, "1", "2", next_page="two")
    assert kept == again
    assert (again.pages, again.entries) == (1, 2)
    assert await count(shop, "book_entries") == 2


async def test_what_moved_to_another_page_while_it_was_read_is_one_entry_as_it_is_now(
    shop: Shop,
) -> None:
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, "")
    run = await keep(shop, run, "1", "2", "2", next_page="two")
    moved = an_entry("2", state=None, said="9", price=Money(Decimal("0.1"), "EUR"))
    run = await book_entries.keep_page(shop.db, run, LEASE, "", [moved], next_page=None)
    assert (run.pages, run.entries) == (2, 2)
    [row] = await shop.rows("SELECT * FROM book_entries WHERE provider_ref = '2'")
    assert (row.state, row.said, row.price, row.currency) == (None, "9", Decimal("0.1"), "EUR")


async def test_a_shelf_that_is_half_read_goes_first_and_one_that_is_read_no_more(
    shop: Shop,
) -> None:
    ids = await orders(shop, "1", "2")
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, None)
    run = await book_entries.put_on_shelves(shop.db, run, LEASE, {ids[0]: "a", ids[1]: "b"})
    run = await keep(shop, run, "1", shelf="b", next_page="two")
    assert await book_entries.next_shelf(shop.db, run) == book_entries.Shelf("b", "two")
    run = await keep(shop, run, "2", shelf="b")
    assert await book_entries.next_shelf(shop.db, run) == book_entries.Shelf("a", None)
    assert await book_entries.all_read(shop.db, run) is False
    run = await book_entries.keep_page(shop.db, run, LEASE, "a", (), next_page=None, refused=True)
    assert await book_entries.next_shelf(shop.db, run) is None
    assert await book_entries.count_shelves(shop.db, run) == (2, 2)
    assert await book_entries.all_read(shop.db, run) is False
    states = await shop.rows("SELECT state FROM reconciled_shelves ORDER BY shelf")
    assert [row.state for row in states] == [ShelfState.REFUSED, ShelfState.READ]


async def test_when_it_ends_what_was_read_is_forgotten_and_the_counts_stay(shop: Shop) -> None:
    await orders(shop, "1")
    other = await started(shop, account="other")
    other = await reconciliations.scope(shop.db, other, LEASE, "")
    await keep(shop, other, "1")
    run = await reconciliations.scope(shop.db, await started(shop), LEASE, "")
    run = await keep(shop, run, "1", "2")
    run = await reconciliations.note(shop.db, run, LEASE, compared=1)
    ended = await reconciliations.end(shop.db, run, RunState.FAILED, "dark for long")
    assert (ended.pages, ended.entries, ended.orders, ended.compared) == (1, 2, 1, 1)
    left = [await count(shop, table) for table in TABLES]
    assert left == [1, 0, 1]  # what another account's run has read
    row = await shop.one("SELECT * FROM reconciliations WHERE account = 'default'")
    assert (row.state, row.reason) == ("failed", "dark for long")
    assert row.ended_at >= row.started_at


async def test_an_ended_run_is_nobodys(shop: Shop) -> None:
    run = await reconciliations.end(shop.db, await started(shop), RunState.DONE)
    another = await started(shop)
    assert another.run_id != run.run_id
    assert another.run_id != new_uuid()
