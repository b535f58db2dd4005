"""One dead endpoint among twenty: what the others wait for their news.

Five interleaved pairs of runs, with and without it, at a steady rate; the real engine and a real
receiver. Compared is the median of the pairs' ratios of the p99 between a change's commit and its
receipt, over everybody else's notifications.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from schemas.jobs import NotificationBell
from tests.stories.conftest import Story, a_story, hyper
from worker.change import Change
from worker.outcome import InDoubt
from worker.steps.settle import write
from worker.steps.sweep import sweep
from worker.store import claims

ENDPOINTS = 20
EVENTS = 25
"""To each endpoint, in one run."""
RATE = 50.0
"""Changes a second in all: half of what two busy cores can do, so that what is measured is waiting
for each other, not for the processor."""
PAIRS = 5
ALLOWED = 1.25
FLOOR = 0.010
"""Seconds. What is below is the machine's own noise: two values there are equal."""


@dataclass
class Timed:
    """A receiver that notes when each event came, and never answers who is dead."""

    dead: str = ""
    came: dict[str, float] = field(default_factory=dict)
    hung: int = 0
    url: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        came = time.perf_counter()
        await request.read()
        if request.match_info["name"] == self.dead:
            self.hung += 1
            await self.over.wait()
        self.came.setdefault(request.headers["webhook-id"], came)
        return web.Response()


@pytest.fixture
async def timed() -> AsyncIterator[Timed]:
    timed = Timed()
    app = web.Application()
    app.router.add_post("/{name}", timed.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    timed.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield timed
    timed.over.set()
    await runner.cleanup()


@pytest.fixture
async def works(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None], timed: Timed
) -> AsyncIterator[Story]:
    """An engine with so few permits that one dead endpoint could take them all.

    Two and a half deliveries a second that hang for four seconds each are ten.
    """
    more: dict[str, Any] = {
        "development_hosts": "127.0.0.1",
        "delivery_concurrency": 8,
        "delivery_per_endpoint": 2,
        "delivery_timeout": timedelta(seconds=4),
    }
    async with AsyncExitStack() as stack:
        told = a_story(
            database_url, redis_url, set_clock, lambda by: datetime.now(UTC) + by, **more
        )
        yield await stack.enter_async_context(told)
        timed.over.set()


async def prepared(works: Story, timed: Timed, run: str) -> dict[str, Change]:
    """For each endpoint an order with a line for each event, and the change they are taken from."""
    rt = works.engine.rt
    changes = {}
    for n in range(ENDPOINTS):
        name = f"{run}-{n}"
        await works.submit(hyper(name, lines=EVENTS, notify_url=f"{timed.url}/{name}"))
        [claimed] = (
            await claims.claim(
                rt.db,
                rt.vault,
                claims.Taking(
                    provider="hyperteknoloji",
                    account="default",
                    free=1,
                    worker="another",
                    lease=timedelta(hours=1),
                ),
            )
        ).orders
        attempt = await works.attempt(claimed)
        desk = rt.desks["hyperteknoloji", "default"]
        tried = replace(claimed, attempt=attempt, attempt_outcome=None)
        decided = desk.decider_for(tried).after_call(tried, tried.step, InDoubt("reset"), 0.5)
        changes[name] = replace(decided, due_in=timedelta(hours=1))
    return changes


async def played(works: Story, timed: Timed, run: str, dead: str) -> list[float]:
    """The delays of one run, in seconds, of everybody but the last endpoint."""
    timed.dead = dead
    changes = await prepared(works, timed, run)
    settled: dict[UUID, tuple[str, float]] = {}
    sweeping = asyncio.create_task(swept(works))
    writing: list[asyncio.Task[None]] = []
    begun = time.perf_counter()
    for number in range(EVENTS * ENDPOINTS):
        name, index = f"{run}-{number % ENDPOINTS}", number // ENDPOINTS
        await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        writing.append(asyncio.create_task(told(works, changes[name], index, name, settled)))
    await asyncio.gather(*writing)
    others = {f"evt_{id_.hex}": at for id_, (name, at) in settled.items() if name != f"{run}-19"}
    async with asyncio.timeout(60):
        while not others.keys() <= timed.came.keys():
            await asyncio.sleep(0.01)
    while works.engine.mail.working:  # nothing of this run is under way in the next one
        await asyncio.sleep(0.05)
    sweeping.cancel()
    return [max(timed.came[name] - at, 0.0) for name, at in others.items()]


async def told(
    works: Story, change: Change, index: int, name: str, settled: dict[UUID, tuple[str, float]]
) -> None:
    move = change.moves[index]
    only = replace(change, moves=(move,), attempt=None)
    assert (await write(only, None, works.engine.mail, works.engine.rt)).held
    settled[move.event_id] = (name, time.perf_counter())


async def swept(works: Story) -> None:
    """Beat and the worker that it rings for."""
    while True:
        if any(isinstance(bell, NotificationBell) for bell in await sweep(works.engine.rt)):
            works.engine.mail.ring()
        await asyncio.sleep(0.5)


def p99(delays: Sequence[float]) -> float:
    return quantiles(delays, n=100)[-1]


@pytest.mark.slow
async def test_one_dead_endpoint_among_twenty_does_not_slow_the_others_down(
    works: Story, timed: Timed
) -> None:
    await played(works, timed, "warm", "")
    ratios = []
    for pair in range(PAIRS):
        runs = {f"alive{pair}": "", f"dead{pair}": f"dead{pair}-19"}
        order = sorted(runs, reverse=bool(pair % 2))  # who goes first changes
        found = {run: p99(await played(works, timed, run, runs[run])) for run in order}
        without, beside = found[f"alive{pair}"], found[f"dead{pair}"]
        ratios.append(max(beside, FLOOR) / max(without, FLOOR))
        sys.stdout.write(
            f"\npair {pair + 1}: p99 {without * 1000:.1f} ms without, {beside * 1000:.1f} ms with a"
            f" dead one; ratio {ratios[-1]:.2f}"
        )
    sys.stdout.write(f"\nmedian of the ratios: {median(ratios):.2f}; hung: {timed.hung}\n")
    assert timed.hung > PAIRS
    assert median(ratios) <= ALLOWED
