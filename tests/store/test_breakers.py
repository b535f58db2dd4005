"""The row of an account that rests: opened once, probed by one worker at a time, or paused."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.builders import an_intent
from tests.store.conftest import LEASE, Shop
from worker.order import Claimed
from worker.rests import AccountKey, Lease, Rest
from worker.store import breakers, claims, pauses, purge
from worker.store.accounts import ring_due
from worker.store.claims import Taking
from worker.tallies import Counted

SetClock = Callable[[timedelta], None]

HERE: Final[AccountKey] = ("hyperteknoloji", "default")
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
EVENTS: Final = "SELECT type, data FROM events WHERE account IS NOT NULL ORDER BY at, id"


@pytest.fixture
async def waiting(shop: Shop) -> Shop:
    """A shop with three orders that are due."""
    await shop.accept(*(an_intent(f"d-{n}", intent_id=f"i-{n}") for n in range(3)))
    return shop


async def opened(shop: Shop, pause: timedelta = MINUTE) -> bool:
    return await breakers.open_breaker(shop.db, HERE, pause, "10 of 10 failed", {"made": 10})


async def probe(shop: Shop, worker: str = "host:1") -> tuple[Sequence[Claimed], Lease | None]:
    taking = Taking(provider=HERE[0], account=HERE[1], free=1, worker=worker, lease=LEASE)
    taken, lease = await breakers.claim_probe(shop.db, shop.vault, taking, 2 * LEASE)
    return taken.orders, lease


async def row(shop: Shop) -> Any:
    return await shop.one("SELECT * FROM accounts WHERE provider = 'hyperteknoloji'")


async def told(shop: Shop) -> list[str]:
    return [each.type for each in await shop.rows(EVENTS)]


async def test_of_workers_that_see_the_same_one_opens_it(waiting: Shop) -> None:
    assert sorted(await asyncio.gather(*(opened(waiting) for _ in range(5)))) == [False] * 4 + [
        True
    ]
    [event] = await waiting.rows(EVENTS)
    until = (await row(waiting)).probe_at
    assert event.type == "account.opened"
    assert {key: event.data[key] for key in ("why", "made", "openings")} == {
        "why": "10 of 10 failed",
        "made": 10,
        "openings": 1,
    }
    assert event.data["until"][:19] == until.isoformat()[:19]


async def test_nothing_of_an_account_that_rests_is_claimed_rung_for_or_written(
    waiting: Shop,
) -> None:
    before = await waiting.rows("SELECT id, due_at, fence, xmin FROM orders ORDER BY id")
    await opened(waiting)
    assert await waiting.claim() == []
    assert await ring_due(waiting.db, SECOND) == []
    assert await probe(waiting) == ((), None)
    assert await waiting.rows("SELECT id, due_at, fence, xmin FROM orders ORDER BY id") == before


async def test_after_the_pause_one_worker_at_a_time_has_one_order(
    waiting: Shop, set_clock: SetClock
) -> None:
    await opened(waiting)
    set_clock(MINUTE)
    found = await asyncio.gather(*(probe(waiting, f"host:{n}") for n in range(5)))
    assert [len(orders) for orders, lease in found if lease] == [1]
    assert [orders for orders, lease in found if not lease] == [()] * 4
    assert await waiting.claim() == []
    assert await breakers.look(waiting.db, MINUTE) == breakers.Looked(
        {HERE: Rest(may_probe=False)}, frozenset()
    )


async def test_the_right_to_probe_ends_with_a_worker_that_dies(
    waiting: Shop, set_clock: SetClock
) -> None:
    await opened(waiting)
    set_clock(MINUTE)
    _, dead = await probe(waiting)
    set_clock(MINUTE + 2 * LEASE)
    _, heir = await probe(waiting, "host:2")
    assert dead is not None
    assert heir is not None
    assert not await breakers.probe_answered(waiting.db, HERE, dead, 1)
    assert not await breakers.probe_failed(waiting.db, HERE, dead, MINUTE)
    await breakers.give_back(waiting.db, HERE, dead)
    assert (await row(waiting)).probing_until == heir.until


async def test_without_a_due_order_the_right_to_probe_is_not_taken(
    shop: Shop, set_clock: SetClock
) -> None:
    await shop.accept(an_intent())
    await shop.claim()
    await opened(shop)
    set_clock(SECOND)
    await shop.execute("UPDATE accounts SET probe_at = orderline_now()")
    assert await probe(shop) == ((), None)
    assert (await row(shop)).probing_until is None


async def test_three_answered_probes_in_a_row_close_it(waiting: Shop, set_clock: SetClock) -> None:
    await breakers.count(waiting.db, {HERE: [Counted(0.0, 10, 10)]}, MINUTE)
    await opened(waiting)
    set_clock(MINUTE)
    closed = []
    for _ in range(3):
        _, lease = await probe(waiting)
        assert lease is not None
        closed.append(await breakers.probe_answered(waiting.db, HERE, lease, 3))
    assert closed == [False, False, True]
    assert await told(waiting) == ["account.opened", "account.closed"]
    assert (await row(waiting)).opened_at is None
    assert await waiting.rows("SELECT FROM account_calls") == []
    assert await breakers.look(waiting.db, MINUTE) == breakers.Looked({}, frozenset())


async def test_a_probe_that_fails_starts_the_count_anew_and_the_pause_over(
    waiting: Shop, set_clock: SetClock
) -> None:
    await opened(waiting)
    set_clock(MINUTE)
    _, lease = await probe(waiting)
    assert lease is not None
    await breakers.probe_answered(waiting.db, HERE, lease, 3)
    _, lease = await probe(waiting)
    assert lease is not None
    assert lease.openings == 1
    assert await breakers.probe_failed(waiting.db, HERE, lease, 2 * MINUTE)
    resting = await row(waiting)
    assert (resting.openings, resting.probes, resting.probing_until) == (2, 0, None)
    assert await probe(waiting) == ((), None)
    assert [each.data["openings"] for each in await waiting.rows(EVENTS)] == [1, 2]


async def test_a_probe_given_back_may_be_made_by_another(
    waiting: Shop, set_clock: SetClock
) -> None:
    await opened(waiting)
    set_clock(MINUTE)
    _, lease = await probe(waiting)
    assert lease is not None
    await breakers.give_back(waiting.db, HERE, lease)
    _, again = await probe(waiting, "host:2")
    assert again is not None


async def test_calls_are_added_up_over_workers_within_the_window(
    waiting: Shop, set_clock: SetClock
) -> None:
    mine = {HERE: [Counted(2.0, 10, 1), Counted(50.0, 4, 4)]}
    assert await breakers.count(waiting.db, mine, MINUTE) == {HERE: (14, 5)}
    both = await asyncio.gather(
        *(breakers.count(waiting.db, {HERE: [Counted(0.0, 5, 5)]}, MINUTE) for _ in range(2))
    )
    assert max(sums[HERE] for sums in both) == (24, 15)
    assert (await breakers.look(waiting.db, MINUTE)).troubled == {HERE}
    set_clock(2 * MINUTE)
    assert (await breakers.look(waiting.db, MINUTE)).troubled == frozenset()
    nobodys = {("hyperteknoloji", "gone"): [Counted(0.0, 1, 1)]}
    assert await breakers.count(waiting.db, nobodys, MINUTE) == {}
    set_clock(4 * MINUTE)
    await breakers.count(waiting.db, nobodys, MINUTE)
    assert await waiting.rows("SELECT FROM account_calls") == []


async def test_a_paused_account_is_not_claimed_for_nor_probed(
    waiting: Shop, set_clock: SetClock
) -> None:
    until = await pauses.pause(waiting.db, HERE, MINUTE, by="ada", why="maintenance")
    assert until is not None
    assert await waiting.claim() == []
    await opened(waiting, SECOND)
    set_clock(2 * SECOND)
    assert await probe(waiting) == ((), None)
    assert await breakers.look(waiting.db, MINUTE) == breakers.Looked(
        {HERE: Rest(may_probe=False)}, frozenset()
    )
    set_clock(MINUTE)
    _, lease = await probe(waiting)
    assert lease is not None


async def test_a_pause_ends_by_itself_or_by_being_resumed_once(
    waiting: Shop, set_clock: SetClock
) -> None:
    assert await pauses.pause(waiting.db, HERE, None, by="ada", why=None) is None
    set_clock(365 * DAY)
    assert await waiting.claim() == []
    assert await pauses.resume(waiting.db, HERE, by="bea", why="over") == (True, False)
    assert await pauses.resume(waiting.db, HERE, by="bea", why="over") == (False, False)
    await pauses.pause(waiting.db, HERE, MINUTE, by="ada", why=None)
    set_clock(366 * DAY)
    assert await pauses.resume(waiting.db, HERE, by="bea", why="late") == (False, False)
    assert await told(waiting) == ["account.paused", "account.resumed", "account.paused"]
    assert len(await waiting.claim()) == 3


async def test_resuming_closes_a_breaker_only_where_that_is_said(waiting: Shop) -> None:
    await opened(waiting)
    assert await pauses.resume(waiting.db, HERE, by="ada", why=None) == (False, False)
    assert await waiting.claim() == []
    assert await pauses.resume(waiting.db, HERE, by="ada", why="back", breaker=True) == (
        False,
        True,
    )
    assert len(await waiting.claim()) == 3
    closed = (await waiting.rows(EVENTS))[-1]
    assert (closed.type, closed.data) == ("account.closed", {"by": "ada", "why": "back"})


async def test_an_account_that_never_had_an_order_may_be_paused(shop: Shop) -> None:
    await pauses.pause(shop.db, HERE, None, by="ada", why=None)
    await shop.accept(an_intent())
    assert await shop.claim() == []


@pytest.mark.parametrize(
    ("quote", "ends"),
    [({}, True), ({"requote": True}, False)],
    ids=["once", "may be renewed"],
)
async def test_a_quote_that_ends_while_its_account_rests_lapses_early(
    shop: Shop, quote: dict[str, Any], *, ends: bool
) -> None:
    await shop.accept(an_intent())
    await shop.execute("UPDATE orders SET expires_at = orderline_now() + interval '5 min'")
    if quote:
        await shop.execute(
            """UPDATE orders SET intent = jsonb_set(intent, '{quote}', '{"requote": true}')"""
        )

    async def lapsed() -> int:
        needs = {HERE: 30 * SECOND}
        found = await claims.claim_lapsed(
            shop.db, shop.vault, needs=needs, most=9, worker="host:1", lease=LEASE
        )
        return len(found)

    await pauses.pause(shop.db, HERE, 4 * MINUTE, by="ada", why=None)
    assert await lapsed() == 0
    await pauses.pause(shop.db, HERE, None, by="ada", why=None)
    assert await lapsed() == 0
    await pauses.pause(shop.db, HERE, 4 * MINUTE + 40 * SECOND, by="ada", why=None)
    assert await lapsed() == int(ends)


async def test_the_events_of_accounts_are_purged(waiting: Shop, set_clock: SetClock) -> None:
    await opened(waiting)
    assert await purge.delete_events(waiting.db, "account", DAY, 10) == 0
    set_clock(DAY)
    assert await purge.delete_events(waiting.db, "account", DAY, 10) == 1
    assert (await row(waiting)).opened_at is not None
