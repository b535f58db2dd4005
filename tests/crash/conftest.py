"""Real worker processes against the sandbox, to be killed at the worst moment.

The tests named ``test_boundaries*`` kill at every commit; ``test_checks_bite`` shows that they
would notice. The rest are the recipes by which plain Celery on Redis loses or doubles work:

| | recipe | tests |
|---|---|---|
| 1 | poison on the queues | ``test_recipes_poison``; on a stream: ``test_outages`` |
| 2 | maxclients exhausted | ``test_recipes_redis`` |
| 3 | maxmemory in the middle of a task | ``test_recipes_redis`` |
| 4 | SIGSTOP, publish, SIGKILL | ``test_recipes_processes`` |
| 5 | kill -9 in a call, and with orders waiting | ``test_recipes_processes``, ``test_workers`` |
| 6 | waiting and running longer than the visibility timeout | ``test_recipes_processes`` |
| 7 | Redis stopped, or away | ``test_recipes_redis``, ``test_outages``, ``test_workers`` |
| 8 | connections that go dead in silence | ``test_outages`` |
| 9 | PostgreSQL crashing again and again | ``test_recipes_postgres``, ``test_outages`` |
| 10 | two processes claiming a thousand rows | ``test_recipes_processes``, ``tests/store`` |
| 11 | webhooks to addresses that are not public | ``tests/delivery`` |
| 12 | providers that fail, and call back, in every way | ``test_recipes_providers`` |
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.installation import installed
from tests.crash.nursery import Nursery
from tests.crash.works import Works
from worker.embedded import Servers


@pytest.fixture
def database_url(unknown_database_url: str) -> str:
    return unknown_database_url


@pytest.fixture
async def works(
    database_url: str, redis_url: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[Works]:
    """An installation on the servers that all tests share."""
    async with installed(Servers(database_url, redis_url), tmp_path, nursery) as works:
        yield works
