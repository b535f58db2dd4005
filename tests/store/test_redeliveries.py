"""Replays at the database: new deliveries of the same events, which nothing of before cancels."""

from collections.abc import Callable
from datetime import timedelta

from tests.store.conftest import Shop
from tests.store.test_notifications import a_delivery, doubted_and_placed, record, state_of
from worker.store import redeliveries
from worker.store.deliveries import Delivered
from worker.store.notifications import Owed
from worker.store.redeliveries import Replay
from worker.store.tables_told import NotificationState

SetClock = Callable[[timedelta], None]
PENDING, EXHAUSTED = NotificationState.PENDING, NotificationState.EXHAUSTED


async def replay(shop: Shop, *owed: Owed, url: str | None = None) -> int:
    ids = [each.event_id for each in owed]
    return await redeliveries.replay(shop.db, Replay(event_ids=ids, by="ada", why="lost", url=url))


def of(owed: Owed, state: NotificationState = NotificationState.ACKNOWLEDGED) -> Delivered:
    due_in = timedelta(hours=1) if state is PENDING else None
    return a_delivery(owed, state, due_in)


async def told(shop: Shop, set_clock: SetClock) -> tuple[Owed, Owed]:
    """The two events of one line, both acknowledged."""
    await doubted_and_placed(shop, set_clock)
    (first,) = await shop.owed()
    await record(shop, of(first))
    (second,) = await shop.owed()
    await record(shop, of(second))
    return first, second


async def test_a_replay_is_a_new_delivery_of_the_same_event(
    shop: Shop, set_clock: SetClock
) -> None:
    first, _ = await told(shop, set_clock)
    received = (await state_of(shop, first.event_id)).acknowledged_at
    assert await replay(shop, first) == 1
    (again,) = await shop.owed()
    assert (again.webhook_id, again.notification) == (first.webhook_id, first.notification)
    assert (again.tries, again.replays) == (0, 1)
    await record(shop, of(again, PENDING))
    row = await state_of(shop, first.event_id)
    assert (row.state, row.tries, row.acknowledged_at) == ("pending", 1, received)
    assert (
        len(await shop.rows("SELECT 1 FROM deliveries WHERE event_id = :id", id=first.event_id))
        == 2
    )


async def test_an_earlier_try_that_was_under_way_cancels_no_replay(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock)
    (early,) = await shop.owed()
    await replay(shop, early)
    assert await record(shop, of(early)) is False
    row = await state_of(shop, early.event_id)
    assert (row.state, row.replays, row.acknowledged_at) == ("pending", 1, None)
    assert len(await shop.rows("SELECT 1 FROM deliveries")) == 1, "it is noted all the same"
    (again,) = await shop.owed()
    assert await record(shop, of(again)) is True
    assert len(await shop.rows("SELECT 1 FROM deliveries")) == 2


async def test_a_replay_of_what_was_received_holds_back_nothing(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock)
    (first,) = await shop.owed()
    await record(shop, of(first))
    await replay(shop, first)
    assert {each.event_id for each in await shop.owed()} > {first.event_id}


async def test_replays_of_one_line_keep_their_order(shop: Shop, set_clock: SetClock) -> None:
    first, second = await told(shop, set_clock)
    assert await replay(shop, second, first) == 2
    (again,) = await shop.owed()
    assert again.event_id == first.event_id
    assert await record(shop, of(again)) is True
    assert [each.event_id for each in await shop.owed()] == [second.event_id]


async def test_an_exhausted_one_that_is_replayed_goes_before_later_ones(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock)
    (first,) = await shop.owed()
    await record(shop, of(first, EXHAUSTED))
    await replay(shop, first)
    assert [each.event_id for each in await shop.owed()] == [first.event_id]


async def test_a_replay_may_go_elsewhere_and_the_order_tells_who_wanted_it(
    shop: Shop, set_clock: SetClock
) -> None:
    first, _ = await told(shop, set_clock)
    await replay(shop, first, url="https://shop.example/new?key=1")
    (again,) = await shop.owed()
    assert again.url == "https://shop.example/new?key=1"
    (event,) = await shop.rows(
        "SELECT data, order_id FROM events WHERE type = 'notification.replayed'"
    )
    assert event.order_id is not None
    assert event.data == {
        "webhook_id": first.webhook_id,
        "event": first.notification.type,
        "replay": 1,
        "by": "ada",
        "reason": "lost",
    }


async def test_what_is_not_there_is_not_replayed(shop: Shop, set_clock: SetClock) -> None:
    first, _ = await told(shop, set_clock)
    await shop.execute("DELETE FROM deliveries")
    await shop.execute("DELETE FROM notifications")
    assert await replay(shop, first) == 0


NOTICE = """
WITH set_aside AS (
    INSERT INTO quarantine (id, producer, stream, entry_id, digest, sealed_entry, kind, code, path,
        detail)
    VALUES (gen_random_uuid(), 'shop', 's', '1-0', '', '', 'intent', 'not_json', '', '')
    RETURNING id
), fact AS (
    INSERT INTO events (id, quarantine_id, sequence, type, data)
    SELECT gen_random_uuid(), id, 1, 'intent.quarantined', '{}' FROM set_aside
    RETURNING id, quarantine_id
)
INSERT INTO notifications (event_id, subject, sequence, producer, url, state)
SELECT id, quarantine_id, 1, 'shop', 'https://shop.example/hooks', 'exhausted' FROM fact
"""


async def test_a_replay_of_a_notice_about_the_quarantine_is_told_of_its_endpoint(
    shop: Shop, set_clock: SetClock
) -> None:
    await told(shop, set_clock)
    await shop.execute(NOTICE)
    row = await shop.one("SELECT event_id FROM notifications WHERE state = 'exhausted'")
    wanted = Replay(event_ids=[row.event_id], by="ada", why=None)
    assert await redeliveries.replay(shop.db, wanted) == 1
    event = await shop.one("SELECT * FROM events WHERE type = 'notification.replayed'")
    assert (event.order_id, event.endpoint) == (None, "https://shop.example/hooks")
