"""Redis or PostgreSQL is away, at the start or in flight: nothing is lost but time."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.crash.conftest import Works
from tests.crash.proxy import Line
from tests.stories.conftest import gifthub, hyper
from worker import streams
from worker.embedded import Servers


@pytest.fixture
def servers_of(works: Works) -> Servers:
    return works.system.servers


async def test_a_worker_that_starts_before_its_database_waits_for_it(
    works: Works, servers_of: Servers
) -> None:
    async with Line.to_database(servers_of.database_url) as line:
        await line.cut()
        works.system = replace(
            works.system,
            servers=Servers(line.through(servers_of.database_url), servers_of.redis_url),
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
        await works.until_at_rest(orders=2)
        assert set((await works.states()).values()) == {"fulfilled"}


async def test_a_database_lost_in_flight_costs_nothing_but_time(
    works: Works, servers_of: Servers
) -> None:
    async with Line.to_database(servers_of.database_url) as line:
        works.system = replace(
            works.system,
            servers=Servers(line.through(servers_of.database_url), servers_of.redis_url),
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
        await works.until_at_rest(orders=15)
    assert works.bought() == 15
    assert works.receiver.received.out_of_order == 0


async def test_a_redis_lost_in_flight_costs_nothing_but_time(
    works: Works, servers_of: Servers
) -> None:
    parts = urlsplit(servers_of.redis_url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with Line(parts.hostname, parts.port) as line:
        works.system = replace(
            works.system,
            servers=Servers(servers_of.database_url, line.through(servers_of.redis_url)),
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
        await works.until_at_rest(orders=10)
    assert works.bought() == 10


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
    await works.until_at_rest(orders=1)
    assert await works.one("SELECT count(*) FROM quarantine") == len(nonsense) + 1
    assert await works.redis.xlen(streams.stream_of("shop")) == 0
