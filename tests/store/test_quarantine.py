"""What lies in quarantine is decided about once, in the commit of what it became."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from schemas.intents import FaultCode
from schemas.quarantine import Became
from tests.builders import an_entry, an_intent, raw
from tests.store.conftest import Shop
from worker.steps.accept import Sorted, accept_into
from worker.steps.replay import Replayed, replay
from worker.store import accounts, producers, quarantine
from worker.store.intake import Entry, EntryKind
from worker.store.quarantine import AlreadyClosed, Decided, Kept
from worker.store.session import Boundary, Database, Side
from worker.store.views_quarantine import kept
from worker.store.views_upkeep import taken_in as taken_in_so_far

ADA = Decided(by="ada@mail-1", why="mended by hand")
BOB = Decided(by="bob@mail-2", why=None)

GOOD = an_intent()
BAD = an_intent(colour="red")
"""The same, with a field that nobody knows."""


async def in_quarantine(shop: Shop, *entries: Entry) -> list[Kept]:
    """What of these was set aside, the oldest first."""
    await accept_into(shop.db, shop.vault, shop.settings, entries)
    rows = await shop.rows("SELECT id FROM quarantine WHERE closed_at IS NULL ORDER BY id")
    return [await kept(shop.db, shop.vault, row.id) for row in rows]


async def set_aside(shop: Shop, body: Any = BAD) -> Kept:
    [entry] = await in_quarantine(shop, an_entry(body))
    return entry


async def taken_in(
    shop: Shop, entry: Kept, decided: Decided = ADA, *, rehearse: bool = False
) -> Replayed:
    return await replay(shop.db, shop.vault, shop.settings, entry, decided, rehearse=rehearse)


async def everything(shop: Shop) -> list[Any]:
    tables = ("orders", "lines", "events", "notifications", "accounts", "quarantine")
    return [await shop.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]  # noqa: S608 -- our own tables


async def story_of(shop: Shop) -> Any:
    return await shop.one("SELECT closed_by, decision, why, code, path FROM quarantine")


# --- what a replay comes to --------------------------------------------------------------------


async def test_a_mended_entry_is_an_order_that_is_due_and_its_story_says_whose_doing_it_was(
    shop: Shop,
) -> None:
    entry = await set_aside(shop)
    came_to = await taken_in(shop, entry.saying(raw(GOOD)))
    assert came_to.result is Became.ACCEPTED
    order = await shop.one("SELECT id, state, due_at <= orderline_now() AS due FROM orders")
    assert (order.id, order.state, order.due) == (came_to.order_id, "accepted", True)
    [rung] = await accounts.ring_due(shop.db, timedelta(seconds=5))
    assert rung.order_ids == (order.id,)
    closed = await story_of(shop)
    assert (closed.closed_by, closed.decision, closed.why) == (ADA.by, "replayed", ADA.why)
    event = await shop.one("SELECT id, order_id, type, data FROM events WHERE order_id IS NOT NULL")
    assert (event.id, event.order_id) == (entry.quarantine_id, order.id)
    assert event.type == "order.taken_from_quarantine"
    assert event.data == {"by": ADA.by, "reason": ADA.why, "mended": True}


async def test_what_arrived_stays_kept_beside_what_was_made_of_it_and_both_are_sealed(
    shop: Shop,
) -> None:
    entry = await set_aside(shop)
    await taken_in(shop, entry.saying(raw(GOOD)))
    row = await shop.one("SELECT sealed_entry, sealed_mended FROM quarantine")
    assert shop.vault.unseal(row.sealed_entry) == raw(BAD)
    assert shop.vault.unseal(row.sealed_mended) == raw(GOOD)
    again = await kept(shop.db, shop.vault, entry.quarantine_id)
    assert (again.entry.raw, again.newest.raw) == (raw(BAD), raw(GOOD))


async def test_an_entry_whose_producer_was_registered_meanwhile_is_taken_in_as_it_was(
    shop: Shop,
) -> None:
    [entry] = await in_quarantine(shop, an_entry(GOOD, producer="late"))
    assert (await story_of(shop)).code == FaultCode.UNKNOWN_PRODUCER
    assert (await taken_in(shop, entry)).result is Became.FAULTY
    await producers.add(
        shop.db, shop.vault, name="late", notify_url="https://late.example", secret="whsec_"
    )
    assert (await taken_in(shop, entry)).result is Became.ACCEPTED
    assert (await shop.one("SELECT producer FROM orders")).producer == "late"
    assert (await shop.one("SELECT sealed_mended FROM quarantine")).sealed_mended is None


async def test_without_any_producer_an_intent_is_set_aside_too(shop: Shop) -> None:
    for table in ("webhook_secrets", "endpoints", "producers"):
        await shop.execute(f"DELETE FROM {table}")  # noqa: S608 -- one of these
    await set_aside(shop, GOOD)
    assert (await story_of(shop)).code == FaultCode.UNKNOWN_PRODUCER


async def test_what_is_still_faulty_stays_open_with_its_new_fault_and_what_was_made_of_it(
    shop: Shop,
) -> None:
    entry = await set_aside(shop)
    worse = raw(GOOD | {"account": "NO"})
    came_to = await taken_in(shop, entry.saying(worse))
    assert came_to.result is Became.FAULTY
    assert came_to.fault
    assert (came_to.fault.code, came_to.fault.path) == (FaultCode.OUT_OF_RANGE, "account")
    now = await story_of(shop)
    assert (now.decision, now.code, now.path) == (None, "out_of_range", "account")
    assert await shop.rows("SELECT FROM orders") == []
    again = await kept(shop.db, shop.vault, entry.quarantine_id)
    assert again.newest.raw == worse
    assert (await taken_in(shop, again.saying(raw(GOOD)))).result is Became.ACCEPTED


async def test_who_goes_back_to_what_arrived_leaves_no_other_text(shop: Shop) -> None:
    entry = await set_aside(shop)
    await taken_in(shop, entry.saying(b"{"))
    await taken_in(shop, replace(entry, mended=None))
    row = await shop.one("SELECT code, sealed_mended FROM quarantine")
    assert (row.code, row.sealed_mended) == ("unknown_field", None)


async def test_a_repeat_of_a_known_intent_closes_its_entry_and_orders_nothing(shop: Shop) -> None:
    entry = await set_aside(shop)
    first = (await shop.accept(GOOD)).fresh[0].order_id
    came_to = await taken_in(shop, entry.saying(raw(GOOD)))
    assert (came_to.result, came_to.order_id) == (Became.REPEATED, first)
    assert (await story_of(shop)).decision == "replayed"
    assert (await shop.one("SELECT count(*) AS n FROM orders")).n == 1


async def test_other_content_under_a_known_id_stays_open(shop: Shop) -> None:
    await shop.accept(GOOD)
    entry = await set_aside(shop, an_intent(account="other"))
    came_to = await taken_in(shop, entry)
    assert came_to.fault
    assert came_to.fault.code is FaultCode.REPEATED_WITH_OTHER_CONTENT
    assert (await story_of(shop)).decision is None


async def test_a_wish_whose_intent_came_later_is_a_wish_after_all(shop: Shop) -> None:
    wish = an_entry({"intent_id": "i-1", "reason": "too late"}, kind=EntryKind.CANCEL)
    [entry] = await in_quarantine(shop, wish)
    assert (await story_of(shop)).code == FaultCode.UNKNOWN_INTENT
    order_id = (await shop.accept(GOOD)).fresh[0].order_id
    came_to = await taken_in(shop, entry)
    assert (came_to.result, came_to.order_id) == (Became.TO_CANCEL, order_id)
    order = await shop.one("SELECT cancel_asked_at, due_at <= orderline_now() AS due FROM orders")
    assert order.cancel_asked_at
    assert order.due
    events = await shop.rows("SELECT type FROM events WHERE order_id IS NOT NULL ORDER BY type")
    assert [event.type for event in events] == [
        "order.cancel_asked",
        "order.taken_from_quarantine",
    ]


async def test_what_only_the_database_refuses_is_a_fault_like_any_other(shop: Shop) -> None:
    entry = await set_aside(shop)
    await shop.execute("""
        CREATE FUNCTION too_much() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING ERRCODE = '22003'; END $$
    """)
    await shop.execute("""
        CREATE TRIGGER too_much BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION too_much()
    """)
    came_to = await taken_in(shop, entry.saying(raw(GOOD)))
    assert came_to.fault
    assert came_to.fault.code is FaultCode.BAD_TEXT
    assert (await story_of(shop)).code == "bad_text"


@pytest.mark.parametrize("body", [GOOD, {"nothing": 1}, b"{"], ids=["good", "faulty", "no json"])
async def test_a_rehearsal_says_what_would_be_and_changes_nothing(shop: Shop, body: Any) -> None:
    entry = await set_aside(shop)
    mended = entry.saying(body if isinstance(body, bytes) else raw(body))
    before = await everything(shop)
    rehearsed = await taken_in(shop, mended, rehearse=True)
    assert await everything(shop) == before
    done = await taken_in(shop, mended)
    assert (rehearsed.result, str(rehearsed.fault)) == (done.result, str(done.fault))


async def test_who_sent_an_entry_that_was_taken_in_hears_of_its_order_not_of_its_old_fault(
    shop: Shop,
) -> None:
    entry = await set_aside(shop)
    places = [(entry.entry.stream, entry.entry.entry_id)]
    await taken_in(shop, entry.saying(b"{"))
    assert (await taken_in_so_far(shop.db, [("shop", "i-1")], places)).faults
    await taken_in(shop, entry.saying(raw(GOOD)))
    found = await taken_in_so_far(shop.db, [("shop", "i-1")], places)
    assert found.faults == {}
    assert len(found.orders) == 1


# --- closed once -------------------------------------------------------------------------------


async def test_what_is_dropped_stays_kept_with_who_and_why(shop: Shop) -> None:
    entry = await set_aside(shop)
    await quarantine.drop(shop.db, entry.quarantine_id, ADA)
    closed = await story_of(shop)
    assert (closed.closed_by, closed.decision, closed.why) == (ADA.by, "dropped", ADA.why)
    assert (await kept(shop.db, shop.vault, entry.quarantine_id)).entry.raw == raw(BAD)


async def test_what_is_closed_is_neither_dropped_nor_taken_in_again(shop: Shop) -> None:
    entry = await set_aside(shop)
    await quarantine.drop(shop.db, entry.quarantine_id, ADA)
    before = await everything(shop)
    with pytest.raises(AlreadyClosed):
        await quarantine.drop(shop.db, entry.quarantine_id, BOB)
    for text_of_it in (raw(GOOD), b"{"):
        came_to = await taken_in(shop, entry.saying(text_of_it), BOB)
        assert came_to.result is Became.CLOSED
    assert await everything(shop) == before


async def test_a_closed_entry_that_is_read_again_from_its_stream_stays_closed(shop: Shop) -> None:
    entries = [an_entry(BAD), an_entry(b"{")]
    replayed, dropped = await in_quarantine(shop, *entries)
    await taken_in(shop, replayed.saying(raw(GOOD)))
    await quarantine.drop(shop.db, dropped.quarantine_id, ADA)
    before = await everything(shop)
    await accept_into(shop.db, shop.vault, shop.settings, entries)
    assert await everything(shop) == before


# --- at once -----------------------------------------------------------------------------------


async def at_once(shop: Shop, lock: str, *together: Awaitable[Any]) -> list[Any]:
    """What all of these come to, held up by a lock until each of them waits."""
    async with shop.db.engine.connect() as holder:
        await holder.execute(text(lock))
        running = []
        for number, each in enumerate(together, start=1):
            running.append(asyncio.ensure_future(each))
            async with asyncio.timeout(20):
                while len(await shop.rows("SELECT FROM pg_locks WHERE NOT granted")) < number:
                    await asyncio.sleep(0.01)
        await holder.rollback()
    return await asyncio.gather(*running, return_exceptions=True)


AT_THE_ORDER = "LOCK TABLE orders IN SHARE MODE"
"""Reads go on, inserts wait: everybody has looked, nobody has written, and any may be the first."""
AT_THE_ENTRY = "SELECT FROM quarantine FOR UPDATE"
"""Who waits first goes on first."""


async def orders_of(shop: Shop) -> list[tuple[str, str]]:
    return [(o.intent_id, o.account) for o in await shop.rows("SELECT * FROM orders ORDER BY id")]


@pytest.mark.parametrize("lock", [AT_THE_ORDER, AT_THE_ENTRY], ids=["order", "entry"])
async def test_of_two_replays_at_once_one_takes_it_in(shop: Shop, lock: str) -> None:
    entry = (await set_aside(shop)).saying(raw(GOOD))
    adas, bobs = await at_once(shop, lock, taken_in(shop, entry, ADA), taken_in(shop, entry, BOB))
    assert {adas.result, bobs.result} == {Became.ACCEPTED, Became.CLOSED}
    winner = ADA if adas.result is Became.ACCEPTED else BOB
    assert (await story_of(shop)).closed_by == winner.by
    assert await orders_of(shop) == [("i-1", "default")]
    assert (await shop.one("SELECT data FROM events WHERE order_id IS NOT NULL")).data[
        "by"
    ] == winner.by


async def test_of_two_replays_of_different_minds_the_loser_orders_nothing(shop: Shop) -> None:
    entry = await set_aside(shop)
    other = entry.saying(raw(an_intent("d-9", intent_id="i-9")))
    came_to = await at_once(
        shop,
        AT_THE_ENTRY,
        taken_in(shop, entry.saying(raw(GOOD)), ADA),
        taken_in(shop, other, BOB),
    )
    assert [each.result for each in came_to] == [Became.ACCEPTED, Became.CLOSED]
    assert await orders_of(shop) == [("i-1", "default")]


async def test_of_a_replay_and_a_later_drop_at_once_the_replay_counts(shop: Shop) -> None:
    entry = (await set_aside(shop)).saying(raw(GOOD))
    dropping = quarantine.drop(shop.db, entry.quarantine_id, BOB)
    replayed, dropped = await at_once(shop, AT_THE_ENTRY, taken_in(shop, entry, ADA), dropping)
    assert replayed.result is Became.ACCEPTED
    assert isinstance(dropped, AlreadyClosed)
    closed = await story_of(shop)
    assert (closed.decision, closed.closed_by) == ("replayed", ADA.by)
    assert await orders_of(shop) == [("i-1", "default")]


@pytest.mark.parametrize("mended", [raw(GOOD), b"{"], ids=["good", "faulty"])
async def test_of_a_drop_and_a_later_replay_at_once_the_drop_counts(
    shop: Shop, mended: bytes
) -> None:
    entry = (await set_aside(shop)).saying(mended)
    dropping = quarantine.drop(shop.db, entry.quarantine_id, BOB)
    came_to = await at_once(shop, AT_THE_ENTRY, dropping, taken_in(shop, entry, ADA))
    assert came_to == [None, Replayed(Became.CLOSED)]
    closed = await story_of(shop)
    assert (closed.decision, closed.closed_by) == ("dropped", BOB.by)
    assert closed.code == "unknown_field", "a fault that was found too late is not written"
    assert await orders_of(shop) == []


async def test_a_producer_that_sends_the_intent_again_meanwhile_finds_the_same_order(
    shop: Shop,
) -> None:
    entry = (await set_aside(shop)).saying(raw(GOOD))
    replayed, sent = await at_once(shop, AT_THE_ORDER, taken_in(shop, entry), shop.accept(GOOD))
    order = await shop.one("SELECT id FROM orders")
    assert replayed.order_id == order.id
    assert isinstance(sent, Sorted)
    if replayed.result is Became.ACCEPTED:
        assert [order_id for _, order_id in sent.repeated] == [order.id]
    else:
        assert replayed.result is Became.REPEATED
        assert [each.order_id for each in sent.fresh] == [order.id]
    assert (await story_of(shop)).decision == "replayed"


async def test_a_producer_that_sends_it_otherwise_meanwhile_does_not_get_a_second_order(
    shop: Shop,
) -> None:
    entry = (await set_aside(shop)).saying(raw(GOOD))
    theirs = shop.accept(an_intent(account="other"))
    replayed, sent = await at_once(shop, AT_THE_ORDER, taken_in(shop, entry), theirs)
    rows = await shop.rows("SELECT code FROM quarantine WHERE closed_at IS NULL")
    assert [row.code for row in rows] == ["repeated_with_other_content"], "whoever came second"
    kept_account = "default" if replayed.result is Became.ACCEPTED else "other"
    assert await orders_of(shop) == [("i-1", kept_account)]
    assert bool(sent.fresh) == (kept_account == "other")


# --- a death at the commit ---------------------------------------------------------------------


class Died(Exception):
    pass


@asynccontextmanager
async def dying(shop: Shop, at: Boundary, side: Side) -> AsyncIterator[Shop]:
    """The shop of somebody who dies at a commit."""

    def die(boundary: Boundary, reached: Side) -> None:
        if (boundary, reached) == (at, side):
            raise Died

    url = shop.db.engine.url.render_as_string(hide_password=False)
    mortal = Database(url, on_boundary=die)
    try:
        yield replace(shop, db=mortal)
    finally:
        await mortal.close()


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_replay_that_dies_at_its_commit_is_done_whole_or_not_at_all(
    shop: Shop, side: Side
) -> None:
    entry = (await set_aside(shop)).saying(raw(GOOD))
    before = await everything(shop)
    async with dying(shop, Boundary.INTAKE, side) as mortal:
        with pytest.raises(Died):
            await taken_in(mortal, entry)
    if side == "before":
        assert await everything(shop) == before
    again = await taken_in(shop, entry)
    assert again.result is (Became.ACCEPTED if side == "before" else Became.CLOSED)
    assert (await shop.one("SELECT count(*) AS n FROM orders")).n == 1
    assert (await story_of(shop)).decision == "replayed"


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_drop_that_dies_at_its_commit_is_done_or_not(shop: Shop, side: Side) -> None:
    entry = await set_aside(shop)
    async with dying(shop, Boundary.QUARANTINE, side) as mortal:
        with pytest.raises(Died):
            await quarantine.drop(mortal.db, entry.quarantine_id, ADA)
    assert (await story_of(shop)).decision == (None if side == "before" else "dropped")
