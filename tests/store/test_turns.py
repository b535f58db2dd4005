"""Claims go round among the producers, so that one's flood delays no other by more than a bound.

The bound: while n producers have something due, each gets every n-th permit. So k orders of one
begin within k * n permits, however many the others have.
"""

from collections import Counter

import pytest

from tests.builders import an_intent
from tests.store.conftest import Shop
from worker.order import Claimed
from worker.store import producers

FLOOD = 400


async def register(shop: Shop, *names: str) -> None:
    for name in names:
        await producers.add(
            shop.db, shop.vault, name=name, notify_url="https://x.example", secret="whsec_c2VjcmV0"
        )


async def order(shop: Shop, producer: str, count: int) -> None:
    bodies = [
        an_intent(f"{producer}-{n}", intent_id=f"{producer}-{n}", producer=producer)
        for n in range(count)
    ]
    await shop.accept(*bodies, producer=producer)


def whose(claimed: list[Claimed]) -> Counter[str]:
    return Counter(each.producer for each in claimed)


async def served(shop: Shop, *, free: int, claims: int) -> list[str]:
    """Whom so many claims in a row serve, ``free`` permits each."""
    after, producers_ = "", []
    for _ in range(claims):
        taken = await shop.take(free=free, after=after)
        after = taken.last
        producers_ += [each.producer for each in taken.orders]
    return producers_


@pytest.fixture
async def flooded(shop: Shop) -> Shop:
    """One producer's flood, longest due, and ten orders each of two that came later."""
    await register(shop, "a-flood", "later", "z-last")
    await order(shop, "a-flood", FLOOD)
    await order(shop, "later", 10)
    await order(shop, "z-last", 10)
    return shop


async def test_permits_are_shared_evenly_among_producers(flooded: Shop) -> None:
    assert whose(await flooded.claim(free=12)) == {"a-flood": 4, "later": 4, "z-last": 4}


async def test_one_permit_at_a_time_goes_round(flooded: Shop) -> None:
    assert await served(flooded, free=1, claims=6) == ["a-flood", "later", "z-last"] * 2


@pytest.mark.parametrize("free", [1, 2, 4, 7, 32])
async def test_ten_orders_behind_a_flood_wait_for_no_more_than_their_share(
    flooded: Shop, free: int
) -> None:
    """Ten orders of each of three producers: they begin with the first thirty permits."""
    claims = -(-30 // free)
    served_ = await served(flooded, free=free, claims=claims)
    assert Counter(served_[: claims * free])["later"] == 10
    assert Counter(served_[: claims * free])["z-last"] == 10


async def test_what_one_producer_leaves_the_others_take(flooded: Shop) -> None:
    assert whose(await flooded.claim(free=100)) == {"a-flood": 80, "later": 10, "z-last": 10}


async def test_the_round_goes_on_behind_a_producer_that_is_done(shop: Shop) -> None:
    await register(shop, "a", "b", "c")
    await order(shop, "a", 3)
    await order(shop, "b", 1)
    await order(shop, "c", 3)
    assert await served(shop, free=1, claims=7) == ["a", "b", "c", "a", "c", "a", "c"]


async def test_of_one_producer_the_most_urgent_go_first_and_then_the_longest_due(
    shop: Shop,
) -> None:
    await order(shop, "shop", 6)
    await shop.execute("UPDATE orders SET priority = 0 WHERE intent_id IN ('shop-4', 'shop-5')")
    await shop.execute("UPDATE orders SET priority = 2 WHERE intent_id = 'shop-0'")
    await shop.execute(
        "UPDATE orders SET due_at = due_at - interval '1s' * (6 - right(intent_id, 1)::int)"
    )
    names = [
        claimed.order.intent.intent_id for _ in range(6) for claimed in await shop.claim(free=1)
    ]
    assert names == ["shop-4", "shop-5", "shop-1", "shop-2", "shop-3", "shop-0"]


async def test_urgent_orders_of_one_producer_take_nobody_elses_turn(flooded: Shop) -> None:
    await flooded.execute("UPDATE orders SET priority = 0 WHERE producer = 'a-flood'")
    assert whose(await flooded.claim(free=12)) == {"a-flood": 4, "later": 4, "z-last": 4}
