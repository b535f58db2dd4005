"""One sick provider among five: what the orders of the others notice of it.

Five interleaved pairs of runs, with and without it, at a steady rate; the real engine against the
sandbox. Every call to the sick one times out, with its breaker closed when the run begins. Compared
are the medians of the pairs' ratios, over everybody else's orders: of how many were bought a
second, and of the p99 from an order's acceptance to the record that it was bought.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any, Final

import pytest

from tasks.engine import spare_collector
from tests.stories.conftest import Story, a_story, adobe, feedback, gifthub, hyper, threekit
from worker.sandbox import Outage
from worker.steps.sweep import sweep
from worker.store import pauses

SICK: Final = ("gifthub", "default")
TICKS: Final = 100
EVERY: Final = 0.1
"""Seconds between two orders of each provider: half of what two busy cores can do, so that what is
measured is waiting for each other, not for the processor."""
SETTLES: Final = 1.0
"""Seconds at a run's begin that do not count: with its breaker closed by hand, all that the sick
one was asked before is due in the same moment."""
PAIRS: Final = 5
ALLOWED: Final = 1.25
FLOOR: Final = 0.020
"""Seconds. What is below is the machine's own noise: two values there are equal."""

BOUGHT: Final = """
SELECT extract(epoch FROM o.created_at)::float8 AS began,
    extract(epoch FROM max(a.closed_at))::float8 AS ended
FROM orders o JOIN attempts a ON a.order_id = o.id
WHERE starts_with(o.intent_id, :run) AND o.provider <> 'gifthub' AND a.outcome = 'confirmed'
GROUP BY o.id
"""


@dataclass(frozen=True)
class Measured:
    """One run: orders bought a second, the p99 of their delays, and calls to the sick provider."""

    rate: float
    p99: float
    sick_calls: int


@pytest.fixture
async def works(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> AsyncIterator[Story]:
    """An engine with the breakers that are usual."""
    async with a_story(
        database_url, redis_url, set_clock, lambda by: datetime.now(UTC) + by, breaker_calls=10
    ) as told:
        yield told


async def played(works: Story, run: str, *, sick: bool) -> Measured:
    calls = works.sandbox.hits("gifthub", "create")
    if sick:
        await pauses.resume(works.db, SICK, by="test", why=None, breaker=True)
    else:
        await pauses.pause(works.db, SICK, None, by="test", why=None)
    await works.engine.watch_calls()
    sweeping = asyncio.create_task(swept(works))
    begun = time.perf_counter()
    for tick in range(TICKS):
        await asyncio.sleep(max(0.0, begun + tick * EVERY - time.perf_counter()))
        name = f"{run}-{tick}"
        others = (hyper(f"{name}-h"), threekit(f"{name}-t"), feedback(f"{name}-f"))
        ill = (gifthub(f"{name}-g"),) if sick and tick % 2 else ()
        await works.submit(*others, adobe(f"{name}-a"), *ill)
        for pump in works.engine.pumps:
            pump.ring()
    rows: list[Any] = []
    async with asyncio.timeout(60):
        while len(rows) < 4 * TICKS:
            await asyncio.sleep(0.1)
            rows = await works.all(BOUGHT, run=f"{run}-")
    while any(pump.working for pump in works.engine.pumps):  # nothing of it is in the next one
        await asyncio.sleep(0.05)
    sweeping.cancel()
    took = max(row.ended for row in rows) - min(row.began for row in rows)
    settled = min(row.began for row in rows) + SETTLES
    delays = [row.ended - row.began for row in rows if row.began > settled]
    sick_calls = works.sandbox.hits("gifthub", "create") - calls
    return Measured(len(rows) / took, quantiles(delays, n=100)[-1], sick_calls)


async def swept(works: Story) -> None:
    """Beat and the worker that it rings for."""
    while True:
        await sweep(works.engine.rt)
        for pump in works.engine.pumps:
            pump.ring()
        await asyncio.sleep(0.5)


@pytest.mark.slow
async def test_one_sick_provider_among_five_does_not_slow_the_others_down(works: Story) -> None:
    spare_collector()  # as a worker does; to look through pytest's own heap takes long
    await works.sandbox.outage("gifthub", Outage.DARK)
    await played(works, "warm", sick=True)
    slower, later = [], []
    for pair in range(PAIRS):
        runs = {f"well{pair}": False, f"sick{pair}": True}
        order = sorted(runs, reverse=bool(pair % 2))  # who goes first changes
        found = {run: await played(works, run, sick=runs[run]) for run in order}
        without, beside = found[f"well{pair}"], found[f"sick{pair}"]
        assert (without.sick_calls, beside.sick_calls >= PAIRS) == (0, True), found
        slower.append(without.rate / beside.rate)
        later.append(max(beside.p99, FLOOR) / max(without.p99, FLOOR))
        sys.stdout.write(
            f"\npair {pair + 1}: {without.rate:.1f}/s, p99 {without.p99 * 1000:.1f} ms without;"
            f" {beside.rate:.1f}/s, p99 {beside.p99 * 1000:.1f} ms with a sick one that was called"
            f" {beside.sick_calls} times; ratios {slower[-1]:.2f}, {later[-1]:.2f}"
        )
    sys.stdout.write(f"\nmedians of the ratios: {median(slower):.2f}, {median(later):.2f}\n")
    opened = await works.one(
        "SELECT count(*) FROM events WHERE type = 'account.opened' AND provider = 'gifthub'"
    )
    assert opened >= PAIRS
    assert median(slower) <= ALLOWED
    assert median(later) <= ALLOWED
