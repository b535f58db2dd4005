"""Wishes to call orders off, as they are written down: once each, and never forgotten."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from schemas.ids import OrderId, new_uuid
from tests.builders import a_decider, an_intent
from tests.store.conftest import LEASE, Shop, a_change
from worker.change import Change
from worker.outcome import Confirmed, Outcome, RefusalCode, Refused
from worker.store import cancels
from worker.store.cancels import Wish
from worker.store.session import LOCK_ORDERS

SetClock = Callable[[timedelta], None]

ORDER = "SELECT state, step, due_at <= orderline_now() AS due, cancel_asked_at FROM orders"


def wish(order_id: OrderId, event_id: UUID | None = None) -> Wish:
    return Wish(event_id=event_id or new_uuid(), said_by="operator", order_id=order_id)


async def test_a_wish_makes_its_order_due(shop: Shop) -> None:
    heaps = await shop.accept(an_intent())
    await shop.execute("UPDATE orders SET due_at = orderline_now() + interval '1 hour'")
    asked = await cancels.ask(shop.db, wish(heaps.fresh[0].order_id))
    assert asked
    assert (asked.provider, asked.account) == ("hyperteknoloji", "default")
    row = await shop.one(ORDER)
    assert (row.step, row.due) == ("place", True)
    (claimed,) = await shop.claim()
    assert claimed.cancel_asked_at == row.cancel_asked_at


async def test_a_wish_for_nothing_is_no_wish(shop: Shop) -> None:
    assert await cancels.ask(shop.db, wish(OrderId(new_uuid()))) is None


async def test_the_same_wish_twice_is_one_also_after_its_answer(shop: Shop) -> None:
    heaps = await shop.accept(an_intent())
    once = wish(heaps.fresh[0].order_id)
    await cancels.ask(shop.db, once)
    await shop.execute("UPDATE orders SET cancel_asked_at = NULL")
    assert await cancels.ask(shop.db, once)
    assert (await shop.one(ORDER)).cancel_asked_at is None
    assert (await shop.one("SELECT count(*) AS n FROM events")).n == 1


async def test_a_wish_during_the_answer_to_an_older_one_that_is_told_already_is_not_answered_by_it(
    shop: Shop,
) -> None:
    """Late word of what a person was left to decide: some of its lines were called off."""
    claimed = await shop.attempt(await shop.claimed())
    await cancels.ask(shop.db, wish(claimed.order.order_id))
    late = replace(a_change(claimed, Confirmed("their-id")), cancel_answered=True)
    assert late.cancel_seen is None
    await shop.settle(late)
    row = await shop.one(ORDER)
    assert row.cancel_asked_at is not None
    assert row.due


async def test_a_wish_keeps_a_workers_lease_and_makes_its_change_due(shop: Shop) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await cancels.ask(shop.db, wish(claimed.order.order_id))
    assert not (await shop.one(ORDER)).due, "another worker would take it for lost"
    await shop.settle(a_change(claimed, Confirmed("their-id")))
    row = await shop.one(ORDER)
    assert (row.state, row.step, row.due) == ("placed", "poll", True)


async def test_a_wish_that_came_while_the_order_ended_is_still_answered(shop: Shop) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await cancels.ask(shop.db, wish(claimed.order.order_id))
    await shop.settle(a_change(claimed, Refused(RefusalCode.OTHER, "no")))
    row = await shop.one(ORDER)
    assert (row.state, row.step, row.due) == ("refused", "cancel", True)


async def test_the_wish_of_a_dead_worker_is_found_by_the_next(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed = await shop.claimed()
    await cancels.ask(shop.db, wish(claimed.order.order_id))
    set_clock(LEASE + timedelta(seconds=1))
    (again,) = await shop.claim(worker="host:2")
    assert again.cancel_asked_at


async def test_what_is_cancelled_is_not_called_off_again(shop: Shop) -> None:
    heaps = await shop.accept(an_intent())
    await shop.execute("UPDATE orders SET state = 'cancelled', step = NULL, due_at = NULL")
    assert await cancels.ask(shop.db, wish(heaps.fresh[0].order_id))
    assert (await shop.one(ORDER)).cancel_asked_at is None


# --- a wish that waits for another one's commit ------------------------------------------------


async def asked_meanwhile(shop: Shop, change: Change) -> None:
    """A wish that waited for the row while a worker settled its order."""
    async with shop.db.engine.connect() as slow, slow.begin():
        await slow.execute(LOCK_ORDERS, {"ids": [change.order_id]})
        asking = asyncio.create_task(cancels.ask(shop.db, wish(change.order_id)))
        settling = asyncio.create_task(shop.settle(change))
        await asyncio.sleep(0.2)  # both wait for the lock now, the wish first
        assert not asking.done()
        await slow.commit()
    await asyncio.gather(asking, settling)


@pytest.mark.parametrize("outcome", [Confirmed("their-id"), Refused(RefusalCode.OTHER, "no")])
async def test_a_wish_and_a_change_at_the_same_moment_leave_an_order_that_is_due(
    shop: Shop, outcome: Outcome
) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await asked_meanwhile(shop, a_change(claimed, outcome))
    row = await shop.one(ORDER)
    assert row.due
    assert row.cancel_asked_at
    assert row.step == ("poll" if isinstance(outcome, Confirmed) else "cancel")


async def test_a_wish_sees_what_was_committed_while_it_waited(shop: Shop) -> None:
    claimed = await shop.attempt(await shop.claimed())
    change = a_change(claimed, Refused(RefusalCode.OTHER, "no"))
    async with shop.db.engine.connect() as slow, slow.begin():
        await slow.execute(
            text(
                "UPDATE orders SET state = 'refused', step = NULL, due_at = NULL,"
                " lease_until = NULL WHERE id = :id"
            ),
            {"id": change.order_id},
        )
        asking = asyncio.create_task(cancels.ask(shop.db, wish(change.order_id)))
        await asyncio.sleep(0.2)
        assert not asking.done()
        await slow.commit()
    await asking
    row = await shop.one(ORDER)
    assert (row.state, row.step, row.due) == ("refused", "cancel", True)


async def test_a_wish_for_what_was_called_off_while_it_waited_is_no_wish_any_more(
    shop: Shop,
) -> None:
    claimed = await shop.claimed()
    async with shop.db.engine.connect() as slow, slow.begin():
        await slow.execute(
            text(
                "UPDATE orders SET state = 'cancelled', step = NULL, due_at = NULL WHERE id = :id"
            ),
            {"id": claimed.order.order_id},
        )
        asking = asyncio.create_task(cancels.ask(shop.db, wish(claimed.order.order_id)))
        await asyncio.sleep(0.2)
        await slow.commit()
    await asking
    assert (await shop.one(ORDER)).cancel_asked_at is None


async def test_an_answer_that_is_written_twice_does_not_answer_the_next_wish(shop: Shop) -> None:
    """As after a commit that came through and whose answer did not."""
    claimed = await shop.attempt(await shop.claimed())
    await cancels.ask(shop.db, wish(claimed.order.order_id))
    await shop.settle(a_change(claimed, Confirmed("their-id")))
    (placed,) = await shop.claim()
    refusal = a_decider().before_poll(placed)
    assert refusal
    await shop.settle(refusal)
    assert (await shop.one(ORDER)).cancel_asked_at is None
    await cancels.ask(shop.db, wish(claimed.order.order_id))
    await shop.settle(refusal)
    row = await shop.one(ORDER)
    assert row.cancel_asked_at
    assert (row.state, row.step) == ("placed", "poll")
