"""Promise P4 at the database: each line's news in their order, owed until somebody settles it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from schemas.ids import EventId
from tests.builders import an_intent
from tests.store.conftest import LEASE, Shop, a_change, news_of
from worker.lifecycle import LineState
from worker.outcome import Confirmed, Goods, InDoubt, LineReport
from worker.store import accounts, deliveries
from worker.store.deliveries import Delivered
from worker.store.notifications import Owed
from worker.store.tables_told import NotificationState

SetClock = Callable[[timedelta], None]

LATER = LEASE + timedelta(seconds=1)


def a_delivery(
    owed: Owed,
    state: NotificationState = NotificationState.ACKNOWLEDGED,
    due_in: timedelta | None = None,
) -> Delivered:
    return Delivered(
        event_id=owed.event_id,
        fence=owed.fence,
        replays=owed.replays,
        tries=owed.tries + 1,
        state=state,
        due_in=due_in,
        milliseconds=12,
        code=204 if state is NotificationState.ACKNOWLEDGED else 500,
        error=None,
        excerpt=None,
    )


async def record(shop: Shop, *tried: Delivered) -> bool:
    """Whether later notifications are owed now."""
    return any(await deliveries.record(shop.db, tried))


async def doubted_and_placed(shop: Shop, set_clock: SetClock, *deliver_ids: str) -> None:
    """Two events for each line: in doubt, then accepted."""
    claimed = await shop.attempt(await shop.claimed(*deliver_ids))
    await shop.settle(a_change(claimed, InDoubt("reset")))
    set_clock(timedelta(minutes=1))
    (again,) = await shop.claim()
    await shop.settle(a_change(again, Confirmed("their-id")))


async def state_of(shop: Shop, event_id: EventId) -> Any:
    return await shop.one("SELECT * FROM notifications WHERE event_id = :id", id=event_id)


async def test_what_is_owed_carries_the_whole_message(shop: Shop) -> None:
    claimed = await shop.attempt(await shop.claimed())
    report = LineReport(
        claimed.order.lines[0].line_ref, LineState.DELIVERED, goods=Goods(({"code": "ABCD"},))
    )
    change = a_change(claimed, Confirmed("their-id", (report,)))
    (settled,) = await shop.settle(change)
    (owed,) = await shop.owed()
    assert (owed.url, owed.producer) == ("https://shop.example/hooks", "shop")
    assert (owed.fence, owed.tries) == (1, 0)
    assert owed.webhook_id == f"evt_{change.moves[0].event_id.hex}"
    message = owed.notification
    assert (message.type, message.timestamp) == ("line.delivered", settled.at)
    assert news_of(owed).goods == ({"code": "ABCD"},)
    assert news_of(owed).deliver_id == "d-1"


async def test_a_later_event_of_a_line_waits_for_the_earlier_one(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock)
    (first,) = await shop.owed()
    assert first.notification.data.sequence == 1
    assert await shop.owed() == []
    assert await accounts.any_owed(shop.db) is False, "what waits for another is not due"
    assert await record(shop, a_delivery(first)) is True
    (second,) = await shop.owed()
    assert second.notification.data.sequence == 2
    assert await record(shop, a_delivery(second)) is False


async def test_one_lines_trouble_does_not_hold_up_another_line(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock, "slow", "quick")
    first = {news_of(each).deliver_id: each for each in await shop.owed()}
    await record(
        shop,
        a_delivery(first["slow"], NotificationState.PENDING, timedelta(hours=1)),
        a_delivery(first["quick"]),
    )
    (next_one,) = await shop.owed()
    assert news_of(next_one).deliver_id == "quick"
    assert next_one.notification.data.sequence == 2


async def test_a_failed_delivery_is_due_again_when_it_was_said_to_be(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    (owed,) = await shop.owed()
    wait = timedelta(seconds=300)
    await record(shop, a_delivery(owed, NotificationState.PENDING, wait))
    assert await shop.owed() == []
    set_clock(wait)
    (again,) = await shop.owed()
    assert (again.tries, again.fence) == (1, 2)
    assert again.notification == owed.notification


async def test_an_exhausted_notification_stays_visible_and_lets_the_next_one_go(
    shop: Shop, set_clock: SetClock
) -> None:
    await doubted_and_placed(shop, set_clock)
    (first,) = await shop.owed()
    assert await record(shop, a_delivery(first, NotificationState.EXHAUSTED)) is True
    row = await state_of(shop, first.event_id)
    assert (row.state, row.due_at, row.acknowledged_at) == ("exhausted", None, None)
    assert len(await shop.owed()) == 1


async def test_a_lost_delivery_is_made_again_under_a_higher_fence(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    await shop.owed()
    set_clock(LATER)
    (again,) = await shop.owed()
    assert again.fence == 2


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (NotificationState.ACKNOWLEDGED, "acknowledged"),
        (NotificationState.PENDING, "pending"),
        (NotificationState.EXHAUSTED, "pending"),
    ],
)
async def test_only_a_yes_counts_after_the_lease_is_gone(
    shop: Shop, set_clock: SetClock, said: NotificationState, state: str
) -> None:
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    (stale,) = await shop.owed()
    set_clock(LATER)
    (current,) = await shop.owed()
    due_in = timedelta(days=1) if said is NotificationState.PENDING else None
    await record(shop, a_delivery(stale, said, due_in))
    row = await state_of(shop, stale.event_id)
    assert (row.state, row.fence) == (state, current.fence)
    assert row.due_at is None or row.due_at == row.lease_until
    assert len(await shop.rows("SELECT number FROM deliveries")) == 1


async def test_an_acknowledged_notification_stays_acknowledged(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    (owed,) = await shop.owed()
    await record(shop, a_delivery(owed))
    acknowledged = await state_of(shop, owed.event_id)
    assert acknowledged.acknowledged_at is not None
    set_clock(timedelta(hours=1))
    await record(shop, a_delivery(owed, NotificationState.PENDING, timedelta()))
    assert await state_of(shop, owed.event_id) == acknowledged


async def test_deliveries_written_twice_count_once(shop: Shop) -> None:
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    (owed,) = await shop.owed()
    tried = a_delivery(owed, NotificationState.PENDING, timedelta())
    for _ in range(2):
        await record(shop, tried)
    assert await shop.rows("SELECT number, code FROM deliveries") == [(1, 500)]
    assert (await state_of(shop, owed.event_id)).tries == 1


async def test_claims_at_the_same_time_share_the_notifications(shop: Shop) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(30)))
    for claimed in await shop.claim(free=30):
        await shop.settle(a_change(await shop.attempt(claimed), Confirmed("x")))
    heaps = await asyncio.gather(*(shop.owed(free=5) for _ in range(6)))
    ids = [each.event_id for heap in heaps for each in heap]
    assert len(ids) == len(set(ids))
    assert all(len(heap) <= 5 for heap in heaps)
    assert len(ids) + len(await shop.owed(free=100)) == 30


async def test_a_notification_that_cannot_be_opened_stands_in_nobodys_way(shop: Shop) -> None:
    await shop.accept(an_intent("a"), an_intent("b", intent_id="i-2"))
    for claimed in await shop.claim():
        await shop.settle(a_change(await shop.attempt(claimed), Confirmed("x")))
    await shop.execute(
        "UPDATE events SET sealed_goods = 'sealed with a lost key'"
        " WHERE line_id = (SELECT id FROM lines WHERE deliver_id = 'a')"
    )
    assert [news_of(each).deliver_id for each in await shop.owed()] == ["b"]


async def test_a_lease_given_back_makes_the_notification_due_at_once(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    (owed,) = await shop.owed()
    await deliveries.release(shop.db, [(owed.event_id, owed.fence)])
    (again,) = await shop.owed()
    await deliveries.release(shop.db, [(owed.event_id, owed.fence)])
    assert await shop.owed() == []
    assert again.fence == owed.fence + 1
    set_clock(LATER)
    assert len(await shop.owed()) == 1


# --- what the sweep asks ---------------------------------------------------------------------

PATIENCE = timedelta(seconds=5)


async def test_an_account_with_due_orders_is_rung_for_once_until_somebody_answers(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.accept(an_intent(), an_intent("x", intent_id="i-2", account="other"))
    (one, two) = await accounts.ring_due(shop.db, PATIENCE)
    assert {one.account, two.account} == {"default", "other"}
    assert (one.step, len(one.order_ids)) == ("place", 1)
    assert await accounts.ring_due(shop.db, PATIENCE) == []
    await accounts.answer(shop.db, "hyperteknoloji", "other")
    (again,) = await accounts.ring_due(shop.db, PATIENCE)
    assert again.account == "other"
    set_clock(PATIENCE + timedelta(seconds=1))
    assert len(await accounts.ring_due(shop.db, PATIENCE)) == 2


async def test_an_account_with_nothing_due_is_not_rung_for(shop: Shop) -> None:
    await shop.claimed()
    assert await accounts.ring_due(shop.db, PATIENCE) == []


async def test_two_sweeps_at_once_ring_once(shop: Shop) -> None:
    await shop.accept(an_intent())
    rung = await asyncio.gather(*(accounts.ring_due(shop.db, PATIENCE) for _ in range(4)))
    assert sum(map(len, rung)) == 1


async def test_a_bell_names_the_orders_that_have_waited_longest_of_one_step(shop: Shop) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(30)))
    await shop.execute(
        "UPDATE orders SET step = 'poll', due_at = orderline_now() - interval '1 hour'"
        " WHERE intent_id IN ('i-3', 'i-4')"
    )
    (due,) = await accounts.ring_due(shop.db, PATIENCE)
    assert due.step == "poll"
    names = await shop.rows(
        "SELECT intent_id FROM orders WHERE id = ANY(:i)", i=list(due.order_ids)
    )
    assert {row.intent_id for row in names} == {"i-3", "i-4"}


async def test_whether_something_is_owed_is_known(shop: Shop) -> None:
    assert await accounts.any_owed(shop.db) is False
    await shop.settle(a_change(await shop.attempt(await shop.claimed()), Confirmed("x")))
    assert await accounts.any_owed(shop.db) is True
