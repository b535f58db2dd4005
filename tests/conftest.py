"""What every test may ask for. The servers are real ones, started for the run.

``ORDERLINE_TEST_DATABASE_URL`` and ``ORDERLINE_TEST_REDIS_URL`` name other servers, whose
contents the tests may destroy.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from worker.embedded import Servers, embedded_servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Redis for the whole test run."""
    home: Path = tmp_path_factory.mktemp("orderline")
    with embedded_servers(
        home,
        persistent=False,
        durable=False,
        database_url=os.environ.get("ORDERLINE_TEST_DATABASE_URL"),
        redis_url=os.environ.get("ORDERLINE_TEST_REDIS_URL"),
        say=lambda _: None,
    ) as running:
        yield running


# --- Redis ---------------------------------------------------------------------------------


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """An empty Redis database: emptied before the test, so that a failed one can be looked at."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushdb()
    return servers.redis_url


# --- PostgreSQL ----------------------------------------------------------------------------
