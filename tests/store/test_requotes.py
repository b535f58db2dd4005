"""A quote that is renewed, as it is written: the old one is forgotten, and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import exc

from schemas.money import Money
from tests.builders import TWO_PHASE, a_decider
from tests.store.conftest import LEASE, Shop, a_change
from worker.change import Change, Requote, carried_on
from worker.lifecycle import Step
from worker.order import Claimed
from worker.outcome import Confirmed
from worker.store.orders import Settled

SetClock = Callable[[timedelta], None]

WINDOW = timedelta(minutes=10)


async def quoted(shop: Shop) -> Claimed:
    """An order with a provider's quote, held for the call that buys; it may be renewed."""
    claimed = await shop.attempt(await shop.claimed())
    row = await shop.one("SELECT orderline_now() AS now")
    quote = Confirmed("the-first", expires_at=row.now + timedelta(minutes=1))
    change = a_change(claimed, quote, capabilities=TWO_PHASE)
    (settled,) = await shop.settle(change, keep=LEASE)
    assert settled.at is not None
    carried = carried_on(claimed, change, settled.at)
    return replace(carried, may_requote=True, max_total=Money(Decimal(20), "EUR"))


def anew(claimed: Claimed) -> Change:
    change = a_decider(TWO_PHASE).window_closed(claimed)
    assert change.requote is not None
    return change


async def renewed(shop: Shop) -> tuple[Claimed, Change, Settled]:
    claimed = await quoted(shop)
    change = anew(claimed)
    (settled,) = await shop.settle(change, keep=LEASE)
    return claimed, change, settled


async def order(shop: Shop) -> Any:
    return await shop.one("SELECT *, expires_at - orderline_now() AS left FROM orders")


async def test_the_old_quote_is_forgotten_and_the_window_begins_anew(shop: Shop) -> None:
    claimed = await quoted(shop)
    before = await order(shop)
    assert (before.provider_ref, before.step, before.requotes) == ("the-first", "confirm", 0)
    assert before.left <= timedelta(minutes=1)
    (settled,) = await shop.settle(anew(claimed), keep=LEASE)
    assert settled.held
    after = await order(shop)
    assert (after.state, after.step, after.requotes) == ("placing", "place", 1)
    assert after.provider_ref is None
    assert WINDOW - timedelta(seconds=5) < after.left <= WINDOW
    assert (after.finished_at, after.leased_by) == (None, "host:1")
    told = await shop.rows("SELECT type, data FROM events WHERE line_id IS NULL ORDER BY at")
    assert [row.type for row in told] == ["order.quoted", "order.requoted"]
    assert (told[1].data["number"], told[1].data["left"]) == (1, "the-first")


async def test_what_it_is_told_to_be_is_what_would_be_claimed_again(
    shop: Shop, set_clock: SetClock
) -> None:
    claimed, change, settled = await renewed(shop)
    assert settled.at is not None
    carried = carried_on(claimed, change, settled.at)
    set_clock(LEASE + timedelta(seconds=1))
    (again,) = await shop.claim()
    for name in ("state", "step", "tries", "expires_at", "requotes", "attempt_outcome"):
        assert getattr(again, name) == getattr(carried, name), name
    assert again.order.provider_ref is carried.order.provider_ref is None
    assert again.order.lines == carried.order.lines


async def test_a_new_quote_takes_the_place_of_the_old_one(shop: Shop) -> None:
    claimed, change, settled = await renewed(shop)
    assert settled.at is not None
    tried = await shop.attempt(carried_on(claimed, change, settled.at))
    price = Money(Decimal(19), "EUR")
    second = Confirmed("the-second", total=price, expires_at=settled.at + timedelta(minutes=2))
    await shop.settle(a_change(tried, second, capabilities=TWO_PHASE), keep=LEASE)
    row = await order(shop)
    assert (row.provider_ref, row.step) == ("the-second", "confirm")
    assert row.expires_at == settled.at + timedelta(minutes=2)
    lines = await shop.rows("SELECT type, sequence FROM events WHERE line_id IS NOT NULL")
    assert sorted(lines) == [("line.quoted", 1), ("line.quoted", 2)]


async def test_written_again_it_is_harmless(shop: Shop) -> None:
    """As after a commit that came through and whose answer did not."""
    _, change, _ = await renewed(shop)
    before = await shop.one("SELECT state, step, requotes, provider_ref, fence FROM orders")
    events = await shop.rows("SELECT id, type, at FROM events ORDER BY id")
    (again,) = await shop.settle(change, keep=LEASE)
    assert again.held
    assert await shop.one("SELECT state, step, requotes, provider_ref, fence FROM orders") == before
    assert await shop.rows("SELECT id, type, at FROM events ORDER BY id") == events
    assert (await order(shop)).left <= WINDOW


async def test_under_an_older_fence_no_quote_is_renewed(shop: Shop, set_clock: SetClock) -> None:
    claimed = await quoted(shop)
    set_clock(LEASE + timedelta(seconds=1))
    await shop.claim(worker="host:2")
    (settled,) = await shop.settle(anew(claimed), keep=LEASE)
    assert not settled.held
    row = await order(shop)
    assert (row.provider_ref, row.step, row.requotes) == ("the-first", "confirm", 0)


async def test_a_wish_that_comes_meanwhile_is_the_next_thing_to_be_answered(shop: Shop) -> None:
    claimed = await quoted(shop)
    await shop.execute("UPDATE orders SET cancel_asked_at = orderline_now()")
    await shop.settle(anew(claimed))
    row = await shop.one("SELECT step, due_at <= orderline_now() AS due FROM orders")
    assert row == ("place", True)
    (again,) = await shop.claim()
    change = a_decider(TWO_PHASE).before_call(again, Step.PLACE, 0.5)
    assert change is not None
    assert change.state == "cancelled"


@pytest.mark.parametrize(
    "rewrite",
    [
        "provider_ref = 'another'",
        "provider_ref = NULL",
        "provider_ref = 'another', requotes = requotes + 1",
        "provider_ref = NULL, requotes = requotes - 1",
    ],
)
async def test_in_no_other_way_is_the_providers_id_taken_from_an_order(
    shop: Shop, rewrite: str
) -> None:
    await quoted(shop)
    with pytest.raises(exc.DBAPIError, match="already has provider_ref the-first"):
        await shop.execute(f"UPDATE orders SET {rewrite}")  # noqa: S608 -- ours
    assert (await order(shop)).provider_ref == "the-first"


async def test_a_change_that_renews_nothing_keeps_what_is_there(shop: Shop) -> None:
    claimed = await quoted(shop)
    change = replace(anew(claimed), requote=None, provider_ref="another")
    await shop.settle(change, keep=LEASE)
    row = await order(shop)
    assert (row.provider_ref, row.requotes) == ("the-first", 0)
    assert row.left <= timedelta(minutes=1)


async def test_an_order_that_no_quote_ever_bound_is_bound_by_its_new_one(shop: Shop) -> None:
    claimed = await shop.claimed()
    change = anew(replace(claimed, may_requote=True))
    assert change.requote == Requote(1, WINDOW)
    await shop.settle(change, keep=LEASE)
    assert WINDOW - timedelta(seconds=5) < (await order(shop)).left <= WINDOW
