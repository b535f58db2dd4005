"""Orders whose quote has ended, found among very many without reading them."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.builders import an_intent
from tests.store.conftest import LEASE, Shop
from worker.order import Claimed
from worker.store import claims
from worker.store.session import as_rows

HERE = ("hyperteknoloji", "default")
NEEDS: Mapping[tuple[str, str], timedelta] = {
    HERE: timedelta(seconds=30),
    ("gifthub", "default"): timedelta(seconds=90),
}
SOON = "orderline_now() + interval '20 s'"
"""No call of this account fits into that any more."""

MANY = """
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, finished_at, expires_at)
SELECT gen_random_uuid(), 'shop', 'old-' || n, '', 'hyperteknoloji', 'default', '{{}}', '',
    'fulfilled', now(), now() - make_interval(mins => n)
FROM generate_series(1, 100000) n;
INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent, notify_url,
    state, step, due_at, expires_at)
SELECT gen_random_uuid(), 'shop', 'open-' || n, '', 'hyperteknoloji', 'default', '{{}}', '',
    CASE WHEN n % 2 = 0 THEN 'placed' ELSE 'accepted' END,
    CASE WHEN n % 2 = 0 THEN 'poll' ELSE 'place' END,
    now() + make_interval(secs => n),
    now() + make_interval(secs => {first} + n / 30.0)
FROM generate_series(1, 20000) n
"""


async def lapsed(shop: Shop, *, most: int = 10, worker: str = "host:1") -> list[Claimed]:
    return await claims.claim_lapsed(
        shop.db, shop.vault, needs=NEEDS, most=most, worker=worker, lease=LEASE
    )


def names(claimed: list[Claimed]) -> list[str]:
    return [each.order.intent.intent_id for each in claimed]


@pytest.mark.parametrize("first", [0, -900, -100, 3600], ids=str)
async def test_they_are_found_by_their_index(shop: Shop, first: int) -> None:
    """Whether few of those that are open have lapsed, or all, half, or none."""
    for statement in MANY.format(first=first).split(";"):
        await shop.execute(statement)
    await shop.execute("ANALYZE orders")
    needs = [
        {"provider": provider, "account": account, "needs": each.total_seconds()}
        for (provider, account), each in NEEDS.items()
    ]
    plan = await shop.plan(
        claims._CLAIM_LAPSED,
        needs=as_rows(needs),
        longest=90.0,
        free=200,
        worker="host:1",
        lease=60.0,
    )
    assert "orders_that_may_lapse" in plan
    assert "orders" not in re.findall(r"Seq Scan on (\w+)", plan), plan


async def test_what_ends_first_is_taken_first_and_no_more_than_is_wanted(shop: Shop) -> None:
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(5)))
    await shop.execute(
        "UPDATE orders SET expires_at = orderline_now() - interval '1s' * right(intent_id, 1)::int"
    )
    assert set(names(await lapsed(shop, most=2))) == {"i-4", "i-3"}
    assert set(names(await lapsed(shop))) == {"i-2", "i-1", "i-0"}
    assert await lapsed(shop) == []


async def test_an_order_lapses_once_no_call_of_its_account_fits(shop: Shop) -> None:
    await shop.accept(an_intent(), an_intent("x", intent_id="never"))
    await shop.execute(
        "UPDATE orders SET expires_at = orderline_now() + interval '35 s' WHERE intent_id = 'i-1'"
    )
    assert await lapsed(shop) == []
    await shop.execute(f"UPDATE orders SET expires_at = {SOON} WHERE intent_id = 'i-1'")  # noqa: S608 -- ours
    assert names(await lapsed(shop)) == ["i-1"]


@pytest.mark.parametrize("step", ["poll", "reconcile", "cancel"])
async def test_what_is_bought_or_in_doubt_does_not_lapse(shop: Shop, step: str) -> None:
    await shop.accept(an_intent())
    await shop.execute(f"UPDATE orders SET step = '{step}', expires_at = {SOON}")  # noqa: S608 -- ours
    assert await lapsed(shop) == []


async def test_what_a_worker_holds_is_left_to_it(shop: Shop) -> None:
    await shop.claimed()
    await shop.execute(f"UPDATE orders SET expires_at = {SOON}")  # noqa: S608 -- ours
    assert await lapsed(shop) == []
    await shop.execute("UPDATE orders SET lease_until = orderline_now()")
    [taken] = await lapsed(shop, worker="host:2")
    assert taken.fence == 2
    assert await lapsed(shop) == []


async def test_of_an_account_that_is_not_configured_here_only_what_was_never_called_for_lapses(
    shop: Shop,
) -> None:
    away = {"account": "away"}
    await shop.accept(an_intent(**away), an_intent("x", intent_id="called", **away))
    await shop.execute("UPDATE orders SET expires_at = orderline_now() + interval '1 s'")
    assert await lapsed(shop) == []  # here nobody knows how long a call takes
    await shop.execute("UPDATE orders SET expires_at = orderline_now() - interval '1 s'")
    await shop.execute("UPDATE orders SET attempts = 1 WHERE intent_id = 'called'")
    assert names(await lapsed(shop)) == ["i-1"]


async def test_where_nothing_is_configured_the_window_itself_decides(shop: Shop) -> None:
    await shop.accept(an_intent())
    await shop.execute("UPDATE orders SET expires_at = orderline_now() - interval '1 s'")
    [claimed] = await claims.claim_lapsed(
        shop.db, shop.vault, needs={}, most=10, worker="host:1", lease=LEASE
    )
    assert claimed.account == "default"


async def test_an_order_that_lapsed_and_cannot_be_read_stands_in_nobodys_way(shop: Shop) -> None:
    await shop.accept(an_intent(), an_intent("x", intent_id="i-2"))
    await shop.execute("UPDATE orders SET expires_at = orderline_now() - interval '1 s'")
    await shop.execute("UPDATE orders SET intent = '{}' WHERE intent_id = 'i-1'")
    assert names(await lapsed(shop)) == ["i-2"]
