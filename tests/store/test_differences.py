"""Differences as they are kept: open once, closed once, and found by an index."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import pytest

from schemas.ids import OrderId, new_uuid
from schemas.money import Money
from tests.store.conftest import Shop
from tests.store.test_reconciliations import HOUR, an_entry, orders, started
from worker.books import Difference, DifferenceKind, Rule
from worker.store import beside, book_entries, differences, reconciliations
from worker.store.differences import Found
from worker.store.reconciliations import Run
from worker.store.session import as_rows
from worker.store.tables_books import Handling, RunState

SEEN: Final = "SELECT * FROM differences ORDER BY found_at, line"


def a_difference(order_id: OrderId | None, **fields: Any) -> Difference:
    facts: dict[str, Any] = {
        "kind": DifferenceKind.STATUS_DIFFERS,
        "rule": Rule.PARK,
        "order_id": order_id,
        "provider_ref": "9",
        "ours": "delivered",
        "theirs": "accepted (2)",
    }
    return Difference(**facts | fields)


async def next_run(shop: Shop, run: Run) -> Run:
    await reconciliations.end(shop.db, run, RunState.DONE)
    return await started(shop)


async def find(shop: Shop, run: Run, *found: Difference) -> list[Found]:
    return await differences.find(shop.db, run, found)


async def told(shop: Shop) -> int:
    kind = "order.difference_found"
    return len(await shop.rows("SELECT FROM events WHERE type = :kind", kind=kind))


async def test_a_difference_is_open_once_and_told_once(shop: Shop) -> None:
    [order_id] = await orders(shop, "1")
    run = await started(shop)
    one, line = a_difference(order_id), a_difference(order_id, line="55")
    first = await find(shop, run, one, line)
    assert [each.fresh for each in first] == [True, True]
    assert [each.difference for each in first] == [one, line]
    run = await next_run(shop, run)
    changed = replace(one, theirs="failed (4)", rule=Rule.MOVE)
    [again] = await find(shop, run, changed)
    assert (again.difference_id, again.fresh) == (first[0].difference_id, False)
    rows = await shop.rows(SEEN)
    assert [(row.theirs, row.rule, row.line) for row in rows] == [
        ("failed (4)", "move", ""),
        ("accepted (2)", "park", "55"),
    ]
    assert await told(shop) == 2


async def test_a_run_counts_what_it_found_also_after_it_was_left_in_the_midst(shop: Shop) -> None:
    [order_id] = await orders(shop, "1")
    run = await started(shop)
    [found] = await find(shop, run, a_difference(order_id))
    await differences.handled(shop.db, found.difference_id, Handling.PARKED, stays=False)
    await reconciliations.note(shop.db, run, None)
    heir = await started(shop, "heir")
    heir = await reconciliations.note(shop.db, heir, HOUR, tally=True)
    assert heir.found == {"status_differs": 1}
    await find(shop, heir, a_difference(None, rule=Rule.REPORT, kind=DifferenceKind.MISSING_HERE))
    for _ in range(2):
        heir = await reconciliations.note(shop.db, heir, HOUR, tally=True)
        assert heir.found == {"status_differs": 1, "missing_here": 1}
    another = await next_run(shop, heir)
    another = await reconciliations.note(shop.db, another, HOUR, tally=True)
    assert another.found == {}


async def test_what_was_dealt_with_and_is_there_again_is_a_new_one(shop: Shop) -> None:
    [order_id] = await orders(shop, "1")
    run = await started(shop)
    [found] = await find(shop, run, a_difference(order_id))
    await differences.handled(shop.db, found.difference_id, Handling.MOVED, stays=False)
    [again] = await find(shop, await next_run(shop, run), a_difference(order_id))
    assert again.fresh
    assert again.difference_id != found.difference_id


async def test_what_a_person_closed_is_found_again_only_if_their_books_say_something_else(
    shop: Shop,
) -> None:
    [order_id] = await orders(shop, "1")
    run = await started(shop)
    one = a_difference(order_id)
    stranger = a_difference(None, kind=DifferenceKind.MISSING_HERE, rule=Rule.REPORT)
    for found in await find(shop, run, one, stranger):
        closed = [
            await differences.close(shop.db, found.difference_id, by="ada", why="by phone")
            for _ in range(2)
        ]
        assert closed == [True, False]
        await differences.handled(shop.db, found.difference_id, Handling.MOVED, stays=False)
    run = await next_run(shop, run)
    assert await find(shop, run, one, stranger) == []
    rows = await shop.rows(SEEN)
    assert [(row.handling, row.closed_by, row.why) for row in rows] == [
        ("closed", "ada", "by phone")
    ] * 2
    [other] = await find(shop, run, replace(one, theirs="failed (4)"), stranger)
    assert other.fresh
    assert await differences.close(shop.db, run.run_id, by="ada", why="no such one") is False


async def test_what_is_agreed_about_or_has_to_stay_is_open_and_says_so(shop: Shop) -> None:
    [order_id] = await orders(shop, "1")
    run = await started(shop)
    lagging, alarm = a_difference(order_id), a_difference(order_id, rule=Rule.ALERT, line="1")
    one, other = await find(shop, run, lagging, alarm)
    await differences.handled(shop.db, one.difference_id, Handling.AGREED, stays=False)
    await differences.handled(shop.db, other.difference_id, Handling.RECORDED, stays=True)
    rows = await shop.rows(SEEN)
    assert [(row.handling, row.closed_at, row.closed_by) for row in rows] == [
        ("agreed", None, None),
        ("recorded", None, None),
    ]


async def test_gone_is_only_what_was_compared_and_not_seen_and_an_alarm_stays(shop: Shop) -> None:
    compared, seen, left, alarmed = await orders(shop, "1", "2", "3", "4")
    run = await started(shop)
    stranger = a_difference(None, kind=DifferenceKind.MISSING_HERE, rule=Rule.REPORT)
    alarm = a_difference(alarmed, kind=DifferenceKind.PRICE_DIFFERS, rule=Rule.ALERT)
    await find(shop, run, *map(a_difference, (compared, seen, left)), alarm, stranger)
    elsewhere = await started(shop, account="other")
    await find(shop, elsewhere, a_difference(compared))
    run = await next_run(shop, run)
    await find(shop, run, a_difference(seen))
    await differences.gone(shop.db, run, [compared, seen, alarmed], whole=False)
    gone = await shop.rows(SEEN.replace("ORDER", "WHERE handling = 'gone' ORDER"))
    assert [(row.order_id, row.account, row.closed_by) for row in gone] == [
        (compared, "default", "orderline")
    ]
    await differences.gone(shop.db, run, [], whole=True)
    gone = await shop.rows("SELECT order_id FROM differences WHERE handling = 'gone'")
    assert {row.order_id for row in gone} == {compared, None}


async def test_a_price_is_written_down_once_and_told_as_what_it_is(shop: Shop) -> None:
    [order_id] = await orders(shop, "1")
    price = Money(Decimal("0.3"), "EUR")
    kind = DifferenceKind.PRICE_DIFFERS
    for rule, total in (
        (Rule.RECORD, price),
        (Rule.RECORD, price),
        (Rule.ALERT, Money(Decimal(99), "EUR")),
    ):
        await differences.charge(shop.db, a_difference(order_id, kind=kind, rule=rule, total=total))
    row = await shop.one("SELECT total, total_currency FROM orders")
    assert (row.total, row.total_currency) == (99, "EUR")
    events = await shop.rows("SELECT type FROM events WHERE line_id IS NULL ORDER BY at")
    assert [row.type for row in events] == ["order.price_recorded", "order.charged_above_max"]


async def test_what_turned_out_to_be_the_order_itself_is_no_surplus_order(shop: Shop) -> None:
    [order_id] = await orders(shop, "1")
    surplus = a_difference(order_id, kind=DifferenceKind.SURPLUS_ORDER, provider_ref="78")
    await shop.execute("UPDATE orders SET provider_ref = '78'")
    await differences.add_surplus(shop.db, surplus)
    assert await shop.rows("SELECT FROM surplus_orders") == []
    for _ in range(2):
        await differences.add_surplus(shop.db, replace(surplus, provider_ref="79"))
    assert len(await shop.rows("SELECT FROM surplus_orders")) == 1
    await shop.execute(
        "UPDATE orders SET state = 'refused', finished_at = orderline_now(),"
        " step = NULL, due_at = NULL"
    )
    await differences.add_surplus(shop.db, surplus)
    assert len(await shop.rows("SELECT FROM surplus_orders")) == 2


# --- our books beside theirs ---------------------------------------------------------------------


async def test_an_order_is_beside_all_that_bears_its_id_or_a_reference_of_it(shop: Shop) -> None:
    [one, other] = await orders(shop, "1", "2")
    await shop.execute("UPDATE orders SET provider_ref = '9' WHERE intent_id = '1'")
    await shop.execute(
        "INSERT INTO surplus_orders (id, order_id, provider_ref, reason)"
        " SELECT gen_random_uuid(), id, '8', '' FROM orders WHERE intent_id = '1'"
    )
    row = await shop.one("SELECT line_ref FROM lines WHERE deliver_id = 'd-2'")
    run = await reconciliations.scope(shop.db, await started(shop), HOUR, "")
    entries = [
        an_entry("9"),
        an_entry("10", gives_back="9"),
        an_entry("11", ref=one.hex),
        an_entry("12", ref=row.line_ref),
        an_entry("13", ref=new_uuid().hex),
        an_entry("14", ref="PO 4711"),
    ]
    run = await book_entries.keep_page(shop.db, run, HOUR, "", entries, next_page=None)
    pairs = {
        order.order_id: (order, [e.provider_ref for e in found])
        for order, found in await beside.beside(shop.db, run, [one, other])
    }
    assert pairs[one][1] == ["10", "11", "9"]
    assert pairs[other][1] == ["12"]
    assert pairs[one][0].surplus == {"8"}
    run = replace(run, since=entries[0].placed_at or run.since)
    last, strange = await beside.strangers(shop.db, run, None, 10)
    assert [each.provider_ref for each in strange] == ["10", "13", "14"]
    assert last == an_entry("9")
    assert await beside.strangers(shop.db, run, last, 10) == (None, [])
    assert await beside.strangers(shop.db, run, strange[1], 1) == (strange[2], strange[2:])
    old = replace(run, since=run.started_at)
    assert await beside.strangers(shop.db, old, None, 10) == (last, [])


async def test_what_is_held_by_a_worker_or_moved_meanwhile_or_unread_is_not_compared(
    shop: Shop,
) -> None:
    leased, moved, still = await orders(shop, "1", "2", "3")
    run = await reconciliations.scope(shop.db, await started(shop), HOUR, "")
    assert await beside.beside(shop.db, run, [leased, moved, still]) == []  # nothing is read yet
    run = await book_entries.keep_page(shop.db, run, HOUR, "", (), next_page=None)
    await shop.execute(
        "UPDATE orders SET leased_by = 'w', lease_until = orderline_now() + interval '1 min'"
        " WHERE id = :id",
        id=leased,
    )
    await shop.execute("UPDATE orders SET updated_at = orderline_now() WHERE id = :id", id=moved)
    [(order, _)] = await beside.beside(shop.db, run, [leased, moved, still])
    assert order.order_id == still
    await shop.execute("UPDATE reconciled_shelves SET state = 'refused'")
    assert await beside.beside(shop.db, run, [still]) == []


# --- how they are found --------------------------------------------------------------------------

MANY: Final = """
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, finished_at, provider_ref, created_at, updated_at)
SELECT gen_random_uuid(), 'shop', 'i-' || n, '', 'hyperteknoloji',
    CASE WHEN n <= 100000 THEN 'default' ELSE 'other' END, '{}', '', 'fulfilled', now(),
    'p-' || n, now() - make_interval(mins => n), now() - interval '1 day'
FROM generate_series(1, 120000) n;
INSERT INTO lines (id, order_id, index, producer, deliver_id, line_ref, state)
SELECT gen_random_uuid(), id, 0, 'shop', intent_id, replace(gen_random_uuid()::text, '-', ''),
    'delivered' FROM orders;
INSERT INTO tombstones (producer, intent_id, fingerprint, order_id, state, ended_at)
SELECT 'shop', 'old-' || n, '', gen_random_uuid(), 'fulfilled', now()
FROM generate_series(1, 50000) n;
INSERT INTO differences (id, provider, account, kind, rule, order_id, provider_ref, line, ours,
    theirs, found_in, seen_in, found_at, closed_at, closed_by)
SELECT gen_random_uuid(), provider, account, 'status_differs', 'park', id, provider_ref, '', '', '',
    gen_random_uuid(), gen_random_uuid(), created_at, now(), 'orderline'
FROM orders WHERE intent_id LIKE '%7'
"""
ENTRIES: Final = """
INSERT INTO book_entries (run_id, provider_ref, provider_line_ref, ref, state, said, placed_at)
SELECT r.id, o.provider_ref, l.line_ref, l.line_ref, 'delivered', '1', now()
FROM reconciliations r, orders o JOIN lines l ON l.order_id = o.id
ORDER BY o.created_at DESC LIMIT 20000
"""


@pytest.mark.slow
async def test_nothing_is_found_by_reading_every_row(shop: Shop) -> None:
    for statement in MANY.split(";"):
        await shop.execute(statement)
    run = await started(shop)
    await shop.execute("ANALYZE")
    scope = await shop.plan(
        reconciliations._SCOPE, id=run.run_id, provider=run.provider, account=run.account,
        since=run.since, shelf="",
    )  # fmt: skip
    run = await reconciliations.scope(shop.db, run, HOUR, "")
    run = await book_entries.keep_page(shop.db, run, HOUR, "", (), next_page=None)
    await shop.execute(ENTRIES)
    await shop.execute("ANALYZE")
    ids = await reconciliations.next_orders(shop.db, run, 200)
    assert len(ids) == 200
    rows = await shop.rows(
        "SELECT o.id, provider_ref, line_ref FROM orders o JOIN lines l ON l.order_id = o.id"
        " WHERE o.id = ANY(:ids)",
        ids=ids,
    )
    named = [{"id": new_uuid(), "event_id": new_uuid(), "order_id": row.id} for row in rows]
    kept = {"provider": run.provider, "account": run.account, "run_id": run.run_id}
    plans = [
        scope,
        await shop.plan(reconciliations._NEXT_ORDERS, id=run.run_id, after=None, limit=200),
        await shop.plan(reconciliations._TALLY, id=run.run_id),
        await shop.plan(beside._OURS, id=run.run_id, ids=ids, started_at=run.started_at),
        await shop.plan(
            beside._ENTRIES, id=run.run_id, provider_refs=[r.provider_ref for r in rows],
            refs=[each for row in rows for each in (row.line_ref, row.id.hex)],
        ),
        await shop.plan(
            beside._STRANGERS, id=run.run_id, provider=run.provider, since=run.since,
            after_ref="", after_line="", limit=200,
        ),
        await shop.plan(differences._FIND, **kept, found=as_rows(named)),
        await shop.plan(differences._GONE, **kept, ids=ids, whole=False, since=run.since),
        await shop.plan(differences._GONE, **kept, ids=[], whole=True, since=run.since),
    ]  # fmt: skip
    small = {"reconciliations", "reconciled_shelves", "surplus_orders"}
    read = {table for each in plans for table in re.findall(r"Seq Scan on (\w+)", each)}
    assert read <= small, "\n\n".join(each for each in plans if "Seq Scan" in each)
