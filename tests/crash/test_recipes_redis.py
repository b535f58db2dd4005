"""Redis full, crowded, or stopped, in the middle of the work. It is one of our own each time.

Told elsewhere: refused connections in ``test_outages``, a wiped Redis in ``test_workers``.
"""

import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.crash.installation import installed
from tests.crash.moments import Moment
from tests.crash.nursery import Nursery
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import adobe, gifthub, hyper
from worker.embedded import Servers, embedded_servers
from worker.store.session import Boundary

RECOVERED = 15.0
"""Seconds after which everything goes on, however the outage was: Celery's longest pause between
two tries to connect, after an outage as short as here, and a sweep."""


@pytest.fixture
def servers_apart(database_url: str, tmp_path: Path) -> Iterator[Servers]:
    with embedded_servers(
        tmp_path / "apart",
        persistent=False,
        database_url=database_url,
        redis_url=None,
        say=lambda _: None,
    ) as servers:
        yield servers


@pytest.fixture
async def works(servers_apart: Servers, tmp_path: Path, nursery: Nursery) -> AsyncIterator[Works]:
    async with installed(servers_apart, tmp_path, nursery) as works:
        await works.start_beat()
        yield works


# Plain Celery cannot publish the retry, takes that for a rejection and deletes the task.
async def test_a_redis_that_takes_no_more_clients_loses_no_retry(works: Works) -> None:
    worker = await works.start_worker("worker")
    await works.submit(hyper("h", 13), gifthub("g", "sandbox-429"), adobe("a", "sandbox-429"))
    await works.until(lambda: works.sandbox.hits("hyperteknoloji", "create"), "one is turned away")
    await works.redis.config_set("maxclients", 1)
    await works.redis.client_kill_filter(_type="normal", skipme=True)
    await works.until(
        lambda: works.said("worker", "max number of clients reached"), "nobody can connect"
    )
    await works.redis.config_set("maxclients", 10_000)
    lifted = time.monotonic()
    await works.until_at_rest()
    assert time.monotonic() - lifted < RECOVERED
    assert worker.running
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery's worker exits; it could not write its ack, so the finished task is done once more.
async def test_a_redis_that_is_full_in_the_middle_of_a_call_buys_nothing_twice(
    works: Works,
) -> None:
    worker = await works.start_worker("worker")
    await works.submit(hyper("h", 10), adobe("a"))
    await works.until(
        lambda: works.sandbox.hits("hyperteknoloji", "create", executed=True), "it is bought"
    )
    await works.redis.config_set("maxmemory", 1)
    await works.until_states("in_doubt", of="h")  # settled while nothing can be rung
    await works.redis.config_set("maxmemory", 0)
    await works.until_at_rest()
    assert works.sandbox.hits("hyperteknoloji", "create") == 1
    assert worker.running
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery without socket_timeout: whoever publishes hangs for as long as Redis does.
async def test_a_redis_that_is_stopped_holds_nobody_for_ever_and_all_goes_on_afterwards(
    works: Works, tmp_path: Path
) -> None:
    worker = await works.start_worker("worker")
    await works.submit(hyper("h", 13), gifthub("g", "sandbox-slow"))
    await works.until(lambda: works.sandbox.hits("hyperteknoloji", "create"), "one is turned away")
    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps(adobe("a", producer="shop")))
    async with _Stopped(works):
        began = time.monotonic()
        command = works.orderline("command", "enqueue", str(asked))
        await works.until(lambda: not command.running, "the command has given up")
        assert time.monotonic() - began < 5 + 3  # its own patience, and its start
        assert command.code == 1
        assert works.said("command", "ORDERLINE_REDIS_URL: Redis at 127.0.0.1")
    await works.submit(adobe("a", producer="shop"))
    resumed = time.monotonic()
    await works.until_at_rest()
    assert time.monotonic() - resumed < RECOVERED
    assert worker.running
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


# Plain Celery: a task published after its row's commit, and then never; nobody looks again.
@pytest.mark.slow
async def test_what_is_accepted_when_redis_stops_is_stored_and_placed_afterwards(
    works: Works,
) -> None:
    accepted = Moment(Boundary.INTAKE, "after")
    worker = await works.start_worker("worker", freeze_at=accepted)
    await works.submit(hyper("h"), gifthub("g"))
    await works.until_frozen(worker, accepted)  # committed; nothing is rung, nothing is removed
    async with _Stopped(works):
        worker.signal(signal.SIGCONT)
        assert len(await works.states()) >= 1
        await works.until(lambda: works.said("worker", "intake_waits"), "the intake gives up")
    resumed = time.monotonic()
    await works.until_at_rest()
    assert time.monotonic() - resumed < 2 * RECOVERED  # what was read is left behind for a while
    await works.until_nothing_waits()
    assert worker.running
    await check_promises(works)


class _Stopped:
    """Redis as it is when its machine has gone to sleep: connected, and silent."""

    def __init__(self, works: Works) -> None:
        self._works = works

    async def __aenter__(self) -> None:
        self._pid = (await self._works.redis.info("server"))["process_id"]
        os.kill(self._pid, signal.SIGSTOP)

    async def __aexit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGCONT)
