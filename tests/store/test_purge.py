"""The purge at the database: what it meets there, how it finds it, and what waits for it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from schemas.ids import EventId, new_uuid
from schemas.intents import FaultCode
from tests.builders import an_entry, an_intent, raw
from tests.store.conftest import Shop, a_change
from worker.lifecycle import LineState
from worker.outcome import Confirmed, LineReport
from worker.steps.accept import Sorted, accept_into
from worker.store import deliveries, erasing, intake, purge, views_tombstones
from worker.store.deliveries import Delivered
from worker.store.intake import EntryKind
from worker.store.session import as_rows
from worker.store.tables_told import NotificationState
from worker.store.views_upkeep import taken_in

NOW = timedelta()
DAY = timedelta(days=1)


async def ended(shop: Shop, *, told: bool = True) -> None:
    """One order, delivered, of which its producer was told."""
    tried = await shop.attempt(await shop.claimed())
    [line] = tried.order.lines
    yes = Confirmed("their-id", (LineReport(line.line_ref, LineState.DELIVERED),))
    await shop.settle(a_change(tried, yes))
    if told:
        await deliveries.record(shop.db, [delivered(e.event_id) for e in await shop.owed()])


def delivered(event_id: EventId) -> Delivered:
    return Delivered(
        event_id=event_id,
        fence=1,
        replays=0,
        tries=1,
        state=NotificationState.ACKNOWLEDGED,
        due_in=None,
        milliseconds=1,
        code=200,
        error=None,
        excerpt="thanks, Ayşe",
    )


@asynccontextmanager
async def held_up(shop: Shop) -> AsyncIterator["asyncio.Task[int]"]:
    """A purge that has written its tombstone, and does not get through to delete an attempt."""
    async with shop.db.engine.connect() as holder:
        await holder.execute(text("SELECT FROM attempts FOR UPDATE"))
        purging = asyncio.create_task(purge.bury(shop.db, NOW, 10))
        await shop.until_waiting(1)
        yield purging
        await holder.rollback()
    assert await purging == 1


def codes(heaps: Sorted) -> list[FaultCode]:
    return [fault.code for _, fault in heaps.faulty]


async def test_a_wish_that_waits_for_the_purge_finds_the_tombstone(shop: Shop) -> None:
    await ended(shop)
    wish = an_entry(raw({"intent_id": "i-1"}), kind=EntryKind.CANCEL)
    async with held_up(shop):
        wishing = asyncio.create_task(accept_into(shop.db, shop.vault, shop.settings, [wish]))
        await shop.until_waiting(2)
    assert codes(await wishing) == [FaultCode.PURGED_INTENT]


async def test_until_the_purge_is_committed_the_order_is_there_and_then_its_tombstone(
    shop: Shop,
) -> None:
    await ended(shop)
    async with held_up(shop):
        before = await shop.accept(an_intent())
        assert (await taken_in(shop.db, [("shop", "i-1")], [])).orders
        assert await views_tombstones.buried(shop.db, "i-1") == []
    after = await shop.accept(an_intent())
    assert before.repeated[0][1] == after.repeated[0][1]
    [(known, _)] = (await taken_in(shop.db, [("shop", "i-1")], [])).orders.values()
    [tombstone] = await views_tombstones.buried(shop.db, "i-1")
    assert known == tombstone.order_id == after.repeated[0][1]


async def test_what_somebody_holds_is_left_for_the_next_time(shop: Shop) -> None:
    await ended(shop)
    async with shop.db.engine.connect() as holder:
        await holder.execute(text("SELECT FROM orders FOR UPDATE"))
        assert await purge.bury(shop.db, NOW, 10) == 0
        assert await erasing.erase(shop.db, NOW, 10) == 0
    assert await purge.bury(shop.db, NOW, 10) == 1


async def test_what_changed_after_the_choice_is_seen_under_the_lock(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(shop)
    blind = "SELECT id FROM orders o WHERE CAST(:age AS float8) = 0 LIMIT :limit FOR UPDATE"
    monkeypatch.setattr(purge, "_CHOOSE", text(blind))
    await shop.execute(
        "INSERT INTO surplus_orders (id, order_id, reason)"
        " SELECT gen_random_uuid(), id, 'a late yes' FROM orders"
    )
    assert await purge.bury(shop.db, NOW, 10) == 0
    assert (await shop.one("SELECT count(*) AS orders FROM orders")).orders == 1
    assert await shop.rows("SELECT FROM tombstones") == []


async def test_of_a_batch_no_delivery_is_lost_because_another_ones_order_was_purged(
    shop: Shop,
) -> None:
    await ended(shop, told=False)
    [owed] = await shop.owed()
    gone = EventId(new_uuid())
    assert len(await deliveries.record(shop.db, [delivered(gone), delivered(owed.event_id)])) == 2
    assert [row.event_id for row in await shop.rows("SELECT * FROM deliveries")] == [owed.event_id]


async def test_nothing_of_a_producers_answer_outlives_the_erasure(shop: Shop) -> None:
    await ended(shop)
    assert await erasing.erase(shop.db, NOW, 10) == 1
    assert [row.excerpt for row in await shop.rows("SELECT excerpt FROM deliveries")] == [None]
    assert await erasing.erase(shop.db, NOW, 10) == 0


async def test_an_order_keeps_what_may_have_to_be_sent_again_as_it_was(shop: Shop) -> None:
    await ended(shop)
    await shop.execute(
        "INSERT INTO attempts (id, order_id, number, step, reference, fence, outcome)"
        " SELECT gen_random_uuid(), id, 2, 'cancel', 'r', 1, 'in_doubt' FROM orders"
    )
    await shop.execute("UPDATE orders SET attempts = 2")
    assert await erasing.erase(shop.db, NOW, 10, sent_again_for=DAY) == 0
    await shop.execute("UPDATE orders SET created_at = created_at - interval '1 day'")
    assert await erasing.erase(shop.db, NOW, 10, sent_again_for=DAY) == 1


# --- how it is found ------------------------------------------------------------------------------

MANY = """
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, step, due_at, finished_at, erased_at)
SELECT gen_random_uuid(), 'shop', 'i-' || n, '', 'hyperteknoloji', 'default', '{}', '',
    CASE WHEN n % 500 = 0 THEN 'placed' ELSE 'fulfilled' END,
    CASE WHEN n % 500 = 0 THEN 'poll' END,
    CASE WHEN n % 500 = 0 THEN now() END,
    CASE WHEN n % 500 > 0 THEN now() - make_interval(mins => n * 3) END,
    CASE WHEN n % 500 > 0 AND n > 6800 THEN now() END
FROM generate_series(1, 50000) n;
INSERT INTO lines (id, order_id, index, producer, deliver_id, line_ref, state)
SELECT gen_random_uuid(), id, 0, 'shop', intent_id, intent_id, 'delivered' FROM orders;
INSERT INTO attempts (id, order_id, number, step, reference, fence, outcome)
SELECT gen_random_uuid(), id, 1, 'place', '', 1, CASE WHEN state = 'fulfilled' THEN 'confirmed' END
FROM orders;
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT gen_random_uuid(), order_id, id, 1, 'line.delivered', '{}' FROM lines;
INSERT INTO notifications (event_id, subject, sequence, producer, url, state, due_at)
SELECT e.id, line_id, 1, 'shop', 'https://shop.example/hooks',
    CASE WHEN state = 'placed' THEN 'pending' ELSE 'acknowledged' END,
    CASE WHEN state = 'placed' THEN now() END
FROM events e JOIN orders o ON o.id = e.order_id;
INSERT INTO deliveries (event_id, number, milliseconds, code, excerpt)
SELECT event_id, 1, 1, 200, 'OK' FROM notifications WHERE state = 'acknowledged';
INSERT INTO tombstones (producer, intent_id, fingerprint, order_id, state, ended_at)
SELECT 'shop', 'old-' || n, '', gen_random_uuid(), 'fulfilled', now()
FROM generate_series(1, 50000) n;
INSERT INTO used_deliver_ids (producer, deliver_id, order_id)
SELECT producer, intent_id, order_id FROM tombstones;
INSERT INTO quarantine (id, producer, stream, entry_id, digest, sealed_entry, code, path, detail,
    closed_at, closed_by, decision)
SELECT gen_random_uuid(), 'shop', 's', n || '-0', '', '', '', '', '',
    now() - make_interval(mins => n * 3), 'ada', 'dropped' FROM generate_series(1, 50000) n
"""


async def test_nothing_is_found_by_reading_every_row(shop: Shop) -> None:
    for statement in MANY.split(";"):
        await shop.execute(statement)
    await shop.execute("ANALYZE")
    few = [row.id for row in await shop.rows("SELECT id FROM orders LIMIT 20")]
    old, young = (90 * DAY).total_seconds(), (14 * DAY).total_seconds()
    orders = as_rows([{"producer": "shop", "intent_id": f"i-{n}"} for n in range(200)])
    lines = as_rows([{"producer": "shop", "deliver_id": f"i-{n}"} for n in range(200)])
    name = {"order_id": None, "low": None, "high": None, "name": "old-7", "limit": 20}
    plans = [
        await shop.plan(purge._CHOOSE, age=old, limit=500),
        await shop.plan(purge._CHOOSE_CLOSED, age=old, limit=len(few)),
        await shop.plan(erasing._CHOOSE, age=young, limit=100, sent_again_for=0.0),
        await shop.plan(erasing._ERASE_CLOSED, age=young, limit=len(few)),
        await shop.plan(intake.KNOWN_ORDERS, keys=orders),
        await shop.plan(intake._KNOWN_DELIVER_IDS, keys=lines),
        await shop.plan(views_tombstones._NAMED, **name),
        *[
            await shop.plan(statement, ids=few)
            for statement in (purge._BURY, purge._KEEP_DELIVER_IDS, *purge._DELETE)
        ],
        *[await shop.plan(statement, ids=few) for statement in erasing._ERASE[1:]],
        *[await shop.plan(statement, ids=few) for statement in purge._DELETE_CLOSED],
    ]
    small = ("producers", "surplus_orders", "differences")
    read = [table for each in plans for table in re.findall(r"Seq Scan on (\w+)", each)]
    assert {*read} <= {*small}, "\n\n".join(plans)
    assert "orders_ended" in plans[0]
    assert "orders_to_erase" in plans[2]
