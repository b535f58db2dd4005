"""Priorities: the order among one producer's own orders, and nobody else's turn."""

from datetime import timedelta

import pytest

from schemas.intents import Priority
from tests.builders import an_intent
from tests.store.conftest import Shop
from worker.store import producers, views


async def accept(shop: Shop, *names: str, producer: str = "shop", **fields: object) -> None:
    """Orders of these names, accepted one after the other."""
    for name in names:
        intent = an_intent(f"d-{name}", intent_id=name, **fields)
        await shop.accept(intent, producer=producer)


async def turns(shop: Shop, *, free: int) -> list[tuple[str, str]]:
    """Whose orders claims of one each take, and which."""
    after, told = "", []
    for _ in range(free):
        taken = await shop.take(free=1, after=after)
        after = taken.last
        told += [(each.producer, each.order.intent.intent_id) for each in taken.orders]
    return told


async def test_of_one_producer_the_most_urgent_go_first_and_then_the_longest_due(
    shop: Shop,
) -> None:
    await accept(shop, "low", priority="low")
    await accept(shop, "usual")
    await accept(shop, "high-1", "high-2", priority="high")
    await accept(shop, "normal", priority="normal")
    told = [name for _, name in await turns(shop, free=5)]
    assert told == ["high-1", "high-2", "usual", "normal", "low"]


async def test_a_producers_high_takes_no_other_producers_turn(shop: Shop) -> None:
    await producers.add(
        shop.db, shop.vault, name="other", notify_url="https://o.example/h", secret="whsec_c2VjcmV0"
    )
    await accept(shop, "a", "b", producer="shop", priority="low")
    await accept(shop, "x", "y", "z", producer="other", priority="high")
    assert [whose for whose, _ in await turns(shop, free=4)] == ["other", "shop", "other", "shop"]


@pytest.mark.parametrize(("fields", "rank"), [({}, 1), ({"priority": "high"}, 0)])
async def test_an_order_keeps_its_priority_and_shows_it(
    shop: Shop, fields: dict[str, str], rank: int
) -> None:
    await accept(shop, "one", **fields)
    row = await shop.one("SELECT priority, intent ->> 'priority' AS said FROM orders")
    (view,) = await views.orders(shop.db)
    assert (row.priority, row.said, view.priority) == (rank, view.priority, [*Priority][rank])


async def test_an_intent_of_before_there_were_priorities_is_still_read(shop: Shop) -> None:
    await accept(shop, "one")
    await shop.execute("UPDATE orders SET intent = intent - 'priority'")
    (claimed,) = await shop.claim()
    assert claimed.order.intent.priority is Priority.NORMAL


async def test_a_repeat_is_known_by_what_was_received(shop: Shop) -> None:
    await accept(shop, "one")
    again = await shop.accept(an_intent("d-one", intent_id="one"))
    other = await shop.accept(an_intent("d-one", intent_id="one", priority="normal"))
    assert (len(again.repeated), len(other.faulty)) == (1, 1)


async def test_what_waits_for_long_is_not_passed_by_what_was_put_later(shop: Shop) -> None:
    await accept(shop, "one", "two")
    await shop.execute(
        "UPDATE orders SET due_at = due_at - :by WHERE intent_id = 'two'", by=timedelta(minutes=1)
    )
    assert [name for _, name in await turns(shop, free=2)] == ["two", "one"]
