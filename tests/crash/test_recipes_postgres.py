"""PostgreSQL crashes again and again while orders go through. It is one of our own.

A backend that is killed (SIGKILL) takes the whole server with it: every session is cut, whatever
was under way is rolled back, and it comes back from its log a moment later.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.crash.baskets import AT_ONCE
from tests.crash.installation import installed
from tests.crash.nursery import Nursery
from tests.crash.promises import check_promises
from tests.crash.works import PATIENCE, Works
from worker.embedded import embedded_servers
from worker.providers import REGISTRY
from worker.store import migrations

CRASHES = 6
OF_EACH = 2


@pytest.fixture
async def works(redis_url: str, tmp_path: Path, nursery: Nursery) -> AsyncIterator[Works]:
    with embedded_servers(
        tmp_path / "apart",
        persistent=False,
        durable=True,  # what was committed must outlive a crash
        redis_url=redis_url,
        say=lambda _: None,
    ) as servers:
        migrations.upgrade(f"postgresql+psycopg://{servers.database_url.partition('://')[2]}")
        async with installed(servers, tmp_path, nursery) as works:
            yield works


# Plain Celery knows no database; the task that was to write what it did fails, and is gone.
@pytest.mark.slow
async def test_a_database_that_crashes_again_and_again_costs_nothing_but_time(works: Works) -> None:
    await works.start_worker("one")
    await works.start_worker("two")
    await works.start_beat()
    for crash in range(CRASHES):
        calls = _calls(works)
        await works.submit(*_orders(crash))
        await works.until(lambda: _calls(works) > calls, "calls are made")  # noqa: B023 -- awaited here
        await asyncio.to_thread(_crash, works.system.servers.database_url)
        await works.db.engine.dispose()
    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}
    assert works.said("one", "database_unavailable") or works.said("two", "database_unavailable")


def _orders(crash: int) -> list[dict[str, Any]]:
    return [
        ask(f"{letter}{crash}-{number}")
        for letter, ask in AT_ONCE.items()
        for number in range(OF_EACH)
    ]


def _calls(works: Works) -> int:
    return sum(works.sandbox.hits(remote, executed=True) for remote in REGISTRY)


def _crash(database_url: str) -> None:
    """Kill a backend, wait until all others are cut off, and then until the server is back."""
    doomed, witness = psycopg.connect(database_url), psycopg.connect(database_url)
    os.kill(doomed.info.backend_pid, signal.SIGKILL)
    with suppress(psycopg.OperationalError):
        while True:
            witness.execute("SELECT 1")
    for connection in (doomed, witness):
        connection.close()
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with suppress(psycopg.OperationalError):
            psycopg.connect(database_url).close()
            return
