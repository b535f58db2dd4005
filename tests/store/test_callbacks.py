"""Callbacks that come while something else is done to an order: none of them is forgotten."""

from dataclasses import replace

import pytest

from schemas.ids import new_uuid
from tests.store.conftest import Shop, a_change
from tests.store.test_claims import PARK
from worker.lifecycle import OrderState, Step
from worker.order import Claimed
from worker.outcome import InDoubt
from worker.store import callbacks, cancels, claims
from worker.store.callbacks import Hint
from worker.store.cancels import Wish
from worker.verdicts import still_parked


async def call_back(shop: Shop) -> None:
    (ref,) = await shop.one("SELECT line_ref FROM lines")
    hint = Hint(
        event_id=new_uuid(), provider="hyperteknoloji", account="default", ref=ref, order_id=None
    )
    assert await callbacks.hear(shop.db, [hint])


async def wish(shop: Shop, claimed: Claimed) -> None:
    asked = Wish(event_id=new_uuid(), said_by="shop", order_id=claimed.order.order_id)
    assert await cancels.ask(shop.db, asked)


@pytest.fixture
async def parked(shop: Shop) -> Claimed:
    """An order that a person has to decide about, because its call was never answered."""
    claimed = await shop.attempt(await shop.claimed())
    await shop.settle(a_change(claimed, InDoubt("cut")))
    await shop.execute(PARK)
    return claimed


async def is_looked_up_and_rests(shop: Shop) -> None:
    (looking,) = await shop.claim()
    assert (looking.state, looking.step) == (OrderState.PARKED, Step.RECONCILE)
    await shop.settle(still_parked(looking))
    assert await shop.claim() == []


async def test_a_parked_order_is_looked_up_once_for_each_callback(
    shop: Shop, parked: Claimed
) -> None:
    del parked
    await call_back(shop)
    await is_looked_up_and_rests(shop)


async def test_a_callback_during_that_look_up_is_looked_up_too(shop: Shop, parked: Claimed) -> None:
    del parked
    await call_back(shop)
    (looking,) = await shop.claim()
    await call_back(shop)
    await shop.settle(still_parked(looking))
    await is_looked_up_and_rests(shop)


async def test_a_callback_during_the_last_look_up_before_it_is_parked_is_looked_up_too(
    shop: Shop,
) -> None:
    claimed = await shop.attempt(await shop.claimed())
    await call_back(shop)
    change = replace(a_change(claimed, InDoubt("cut")), state=OrderState.PARKED, parked_reason="x")
    await shop.settle(replace(change, step=None, due_in=None))
    await is_looked_up_and_rests(shop)


async def test_a_callback_that_finds_a_wish_is_looked_up_after_the_wish_is_answered(
    shop: Shop, parked: Claimed
) -> None:
    await wish(shop, parked)
    await call_back(shop)
    (answering,) = await shop.claim()
    assert answering.step is Step.CANCEL
    await call_back(shop)
    await shop.settle(replace(still_parked(answering), cancel_answered=True))
    await is_looked_up_and_rests(shop)


async def test_a_wish_during_the_look_up_does_not_make_the_next_callback_forgotten(
    shop: Shop, parked: Claimed
) -> None:
    await call_back(shop)
    (looking,) = await shop.claim()
    await wish(shop, parked)
    await call_back(shop)
    await shop.settle(still_parked(looking))
    (answering,) = await shop.claim()
    assert answering.step is Step.CANCEL
    await shop.settle(replace(still_parked(answering), cancel_answered=True))
    await is_looked_up_and_rests(shop)


async def test_nobody_decides_before_what_a_callback_said_was_looked_up(
    shop: Shop, parked: Claimed
) -> None:
    await call_back(shop)
    assert await claims.hold(shop.db, shop.vault, parked.order.order_id) is None
    await is_looked_up_and_rests(shop)
    assert await claims.hold(shop.db, shop.vault, parked.order.order_id)
