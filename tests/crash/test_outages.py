"""Redis or PostgreSQL is away, at the start or in flight: nothing is lost but time."""

import time
from dataclasses import replace

import pytest

from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import gifthub, hyper
from worker import streams
from worker.chaos.line import Line
from worker.embedded import Servers

FOUND_AGAIN = 38.0
"""Seconds: kombu drops a connection that has been silent for 16, a bell is believed lost after 5,
and what a reader was given and never saw is left behind for up to 15."""


@pytest.fixture
def servers_of(works: Works) -> Servers:
    return works.system.servers


async def test_a_worker_that_starts_before_its_database_waits_for_it(
    works: Works, servers_of: Servers
) -> None:
    async with Line(servers_of.database_url) as line:
        await line.cut()
        works.system = replace(
            works.system,
            servers=Servers(line.url, servers_of.redis_url),
        )
        await works.submit(hyper("h"), gifthub("g"))
        await works.start_worker("worker")
        await works.start_beat()
        await works.until(
            lambda: "intake_waits" in (works.system.home / "worker.log").read_text(),
            "the worker says that it waits",
        )
        assert len(await streams.waiting(works.redis, ["shop"])) == 1
        await line.mend()
        await works.until_at_rest()
        await check_promises(works)
        assert set((await works.states()).values()) == {"fulfilled"}


async def test_a_database_lost_in_flight_costs_nothing_but_time(
    works: Works, servers_of: Servers
) -> None:
    async with Line(servers_of.database_url) as line:
        works.system = replace(
            works.system,
            servers=Servers(line.url, servers_of.redis_url),
        )
        await works.start_worker("worker")
        await works.start_beat()
        await works.submit(*(hyper(f"h{n}", 8 if n % 2 else 1) for n in range(10)))
        await works.until(
            lambda: works.sandbox.hits("hyperteknoloji", "create") > 2, "calls are made"
        )
        await line.cut()
        await works.submit(*(gifthub(f"g{n}") for n in range(5)))
        await works.until(
            lambda: "database_unavailable" in (works.system.home / "worker.log").read_text(),
            "the worker says what is wrong",
        )
        await line.mend()
        await works.until_at_rest()
    await check_promises(works)
    assert works.bought() == 15


async def test_a_redis_lost_in_flight_costs_nothing_but_time(
    works: Works, servers_of: Servers
) -> None:
    async with Line(servers_of.redis_url) as line:
        works.system = replace(
            works.system,
            servers=Servers(servers_of.database_url, line.url),
        )
        await works.start_worker("worker")
        await works.start_beat()
        await works.submit(*(hyper(f"h{n}") for n in range(5)))
        await works.until(
            lambda: works.sandbox.hits("hyperteknoloji", "create") > 0, "the first call is made"
        )
        await line.cut()
        await works.submit(*(gifthub(f"g{n}") for n in range(5)))
        await works.until(
            lambda: "intake_waits" in (works.system.home / "worker.log").read_text(),
            "the worker says what is wrong",
        )
        await line.mend()
        await works.until_at_rest()
    await check_promises(works)
    assert works.bought() == 10


# Recipe 8. Plain Celery, without a socket_timeout, is still deaf after minutes, and says nothing;
# with one it recovers in about one, without what was popped into the dead connection.
@pytest.mark.slow
async def test_a_redis_whose_connections_died_in_silence_is_found_again(
    works: Works, servers_of: Servers
) -> None:
    async with Line(servers_of.redis_url) as line:
        works.system = replace(
            works.system,
            servers=Servers(servers_of.database_url, line.url),
        )
        worker = await works.start_worker("worker")
        await works.start_beat()
        await works.submit(hyper("before"))
        await works.until_at_rest()
        line.go_dark()
        died = time.monotonic()
        await works.submit(*(hyper(f"h{n}", 5) for n in range(5)), gifthub("g", "sandbox-slow"))
        await works.until_at_rest()
        assert time.monotonic() - died < FOUND_AGAIN
    assert worker.running
    await works.until_nothing_waits()
    await check_promises(works)


async def test_nonsense_on_a_stream_never_stops_the_worker(works: Works) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    nonsense = [
        b"\xff\xfe",
        b"",
        b"[]",
        b"{" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"intent_id": "\\ud800"}',
        b'{"intent_id": 1e400}',
        b"x" * 2_000_000,
    ]
    for raw in nonsense:
        await streams.put(works.redis, "shop", raw)
    await works.redis.xadd(streams.stream_of("shop"), {b"other": b"field"})
    await works.submit(hyper("h"))
    await works.until_at_rest()
    await works.until_nothing_waits()
    works.faulty = len(nonsense) + 1
    await check_promises(works)
