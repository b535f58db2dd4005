"""The probes, asked about real processes that are stopped, hang, are cut off or have no work."""

import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text

from tests.crash.moments import Moment
from tests.crash.works import Works
from tests.stories.conftest import hyper
from worker.chaos.line import Line
from worker.cli.probe import (
    Seen,
    look_at_beat,
    look_at_installation,
    look_at_loops,
    look_at_workers,
)
from worker.embedded import Servers
from worker.health.finding import Finding, Level
from worker.settings import Settings, load_settings
from worker.store.session import Boundary

IMPATIENT = {
    "ORDERLINE_HEALTH_SILENCE": "6",
    "ORDERLINE_HEALTH_INTAKE": "6",
    "ORDERLINE_HEALTH_OVERDUE": "3",
}

ALL, BEAT = look_at_installation, look_at_beat
WORKER, LOOP = look_at_workers, look_at_loops

Look = Callable[[Settings, float], Awaitable[Seen]]


@dataclass
class Probe:
    """Asks what ``orderline health`` asks, in the environment of the installation's processes."""

    works: Works

    async def ask(self, look: Look) -> dict[str, Finding]:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.works.system.environment.items():
                patch.setenv(name, value)
            settings = load_settings()
        return {each.check: each for each in (await look(settings, 5.0)).findings}

    async def red(self, look: Look) -> set[str]:
        answer = await self.ask(look)
        return {check for check, each in answer.items() if each.level is Level.FAIL}

    async def until(self, look: Look, *red: str) -> None:
        """Ask until just this is red."""

        async def so() -> bool:
            return await self.red(look) == set(red)

        await self.works.until(so, f"just {red} is red")


@pytest.fixture
def probe(works: Works) -> Probe:
    works.system = replace(works.system, overrides={**works.system.overrides, **IMPATIENT})
    return Probe(works)


async def test_a_worker_is_green_while_nothing_is_due_and_red_while_it_is_stopped(
    works: Works, probe: Probe
) -> None:
    assert await probe.red(WORKER) == {"worker"}
    worker = await works.start_worker("worker")
    await probe.until(WORKER)
    await works.until(lambda: _has_rested(probe), "it has rested for longer than work may wait")
    worker.signal(signal.SIGSTOP)
    await probe.until(WORKER, "loop", "doors")
    worker.signal(signal.SIGCONT)
    await probe.until(WORKER)
    worker.signal(signal.SIGKILL)
    await probe.until(WORKER, "worker")


async def _has_rested(probe: Probe) -> bool:
    """Whether no pump has moved for longer than anything may be overdue; green all the while."""
    (path,) = probe.works.system.home.glob("*.pulse")
    pumps = json.loads(path.read_bytes())["pumps"]
    assert await probe.red(WORKER) == set()
    return bool(min(each["silent"] for each in pumps.values()) > 4)


async def test_a_worker_whose_loop_is_blocked_is_red(works: Works, probe: Probe) -> None:
    worker = await works.start_worker("worker", hang_at=Moment(Boundary.BELL))
    await probe.until(WORKER)
    await works.start_beat()
    await probe.until(WORKER, "loop", "doors")
    assert await probe.red(LOOP) == {"loop"}
    worker.signal(signal.SIGKILL)


async def test_a_worker_is_red_while_its_database_is_cut(works: Works, probe: Probe) -> None:
    servers = works.system.servers
    async with Line(servers.database_url) as line:
        url = line.url
        works.system = replace(works.system, servers=Servers(url, servers.redis_url))
        await works.start_worker("worker")
        await probe.until(WORKER)
        await line.cut()
        await probe.until(WORKER, "doors")
        assert await probe.red(LOOP) == set(), "a restart would mend nothing"
        await line.mend()
        await probe.until(WORKER)


async def test_a_worker_is_red_while_its_redis_is_cut(works: Works, probe: Probe) -> None:
    servers = works.system.servers
    async with Line(servers.redis_url) as line:
        url = line.url
        works.system = replace(works.system, servers=Servers(servers.database_url, url))
        await works.start_worker("worker")
        await probe.until(WORKER)
        await line.cut()
        await probe.until(WORKER, "doors")
        assert await probe.red(LOOP) == set(), "a restart would mend nothing"
        await line.mend()
        await probe.until(WORKER)


async def test_a_worker_that_takes_nothing_of_what_is_due_is_red_and_its_pump_is_named(
    works: Works, probe: Probe
) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await probe.until(ALL)
    async with _locked_orders(works):
        await probe.until(WORKER, "pumps")
        said = (await probe.ask(WORKER))["pumps"].said
        assert "order:hyperteknoloji/default has overdue work" in said
        assert await probe.red(ALL) == {"overdue orders"}
    await works.until_at_rest()
    await probe.until(WORKER)
    await probe.until(ALL)


@asynccontextmanager
async def _locked_orders(works: Works) -> AsyncIterator[None]:
    """An order is due again and again, and somebody's lock lets nobody claim it."""
    await works.sandbox.outage("hyperteknoloji")
    await works.submit(hyper("h"))
    await works.until(lambda: works.one("SELECT count(*) = 1 FROM orders"), "it is accepted")
    async with works.db.reading() as connection:
        await connection.execute(text("LOCK TABLE orders IN EXCLUSIVE MODE"))
        yield
    await works.sandbox.outage("hyperteknoloji", seconds=0)


async def test_a_worker_answers_for_no_account_whose_bells_others_hear(
    works: Works, probe: Probe
) -> None:
    await works.start_worker("dedicated", "-Q", "orders.gifthub,upkeep")
    await works.start_beat()
    await works.submit(hyper("h"))
    await probe.until(ALL, "overdue orders")
    assert await probe.red(WORKER) == set()


async def test_beat_is_red_once_it_was_killed(works: Works, probe: Probe) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await probe.until(BEAT)
    works.running[-1].signal(signal.SIGKILL)
    await probe.until(BEAT, "sweep")
    assert await probe.red(ALL) == {"sweep"}
    assert await probe.red(WORKER) == set()
    await works.start_beat()
    await probe.until(BEAT)
