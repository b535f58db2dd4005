"""Late knowledge that meets another worker's commit on the very row it waits for."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import text

from tests.store.conftest import LEASE, Shop, a_change
from worker.lifecycle import LineState
from worker.order import Claimed
from worker.outcome import Confirmed, InDoubt, Outcome, OutcomeName
from worker.store import claims, orders
from worker.store.orders import Settling

SetClock = Callable[[timedelta], None]


async def _seized_while_another_settles(
    shop: Shop, set_clock: SetClock, theirs: Outcome
) -> Claimed | None:
    """What a slow worker seizes that had to wait for another one's commit."""
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    set_clock(2 * LEASE)
    (other,) = await shop.claim(worker="host:2")
    async with shop.db.engine.connect() as holder:
        await holder.execute(
            text("SELECT FROM orders WHERE id = :id FOR UPDATE"), {"id": slow.order.order_id}
        )
        settling = asyncio.create_task(
            orders.settle(shop.db, shop.vault, [Settling(a_change(other, theirs))])
        )
        await shop.until_waiting(1)
        seizing = asyncio.create_task(
            claims.seize(
                shop.db,
                shop.vault,
                attempt_id=slow.attempt.attempt_id,
                fence=slow.fence,
                worker="host:1",
                lease=LEASE,
            )
        )
        await shop.until_waiting(2)
        await holder.rollback()
    assert (await settling)[0].held
    return await seizing


async def test_what_was_committed_meanwhile_is_what_is_seized(
    shop: Shop, set_clock: SetClock
) -> None:
    seized = await _seized_while_another_settles(shop, set_clock, InDoubt("it was lost"))
    assert seized is not None
    (line,) = seized.order.lines
    assert (line.state, line.sequence) == (LineState.IN_DOUBT, 1)
    assert seized.attempt_outcome is OutcomeName.IN_DOUBT


async def test_what_was_settled_meanwhile_is_not_seized(shop: Shop, set_clock: SetClock) -> None:
    assert await _seized_while_another_settles(shop, set_clock, Confirmed("their-id")) is None
