"""Surplus orders that meet another commit of their order."""

import asyncio

from sqlalchemy import text

from tests.store.conftest import Shop, a_change
from worker.outcome import Confirmed
from worker.store import attempts, orders, surplus
from worker.store.orders import Settling
from worker.store.session import LOCK_ORDERS
from worker.store.tables import SurplusDecision

ALL_OF_IT = text("SELECT FROM orders FOR UPDATE")


async def test_a_late_yes_under_the_id_that_a_look_up_finds_meanwhile_is_no_surplus(
    shop: Shop,
) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    await shop.execute("UPDATE attempts SET outcome = 'not_sent'")
    newer = await shop.attempt(slow)
    async with shop.db.engine.connect() as holder:
        await holder.execute(ALL_OF_IT)
        found = Settling(a_change(newer, Confirmed("77")))
        settling = asyncio.create_task(orders.settle(shop.db, shop.vault, [found]))
        await shop.until_waiting(1)
        noting = asyncio.create_task(
            attempts.note_late(shop.db, slow.attempt, Confirmed("77"), "superseded", None)
        )
        await shop.until_waiting(2)
        await holder.rollback()
    assert (await settling)[0].held
    assert not await noting
    assert await shop.rows("SELECT provider_ref FROM surplus_orders") == []


async def test_who_closes_a_surplus_order_and_who_adopts_it_wait_for_each_other_in_one_order(
    shop: Shop,
) -> None:
    slow = await shop.attempt(await shop.claimed())
    assert slow.attempt is not None
    order_id = slow.order.order_id
    await attempts.note_late(shop.db, slow.attempt, Confirmed("77"), "superseded", None)
    async with shop.db.engine.connect() as settling:
        await settling.execute(LOCK_ORDERS, {"ids": [order_id]})
        closing = asyncio.create_task(
            surplus.close(shop.db, order_id, "77", SurplusDecision.KEPT, by="ada", why="seen")
        )
        await shop.until_waiting(1)
        await settling.execute(
            text(
                "UPDATE surplus_orders SET decision = 'adopted', closed_by = 'orderline',"
                " closed_at = orderline_now()"
            )
        )
        await settling.commit()
    assert not await closing
    assert await shop.rows("SELECT decision FROM surplus_orders") == [("adopted",)]
