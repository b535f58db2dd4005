"""What an installation goes through while it runs: watched, upgraded, restored, failed over."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.crash.installation import installed
from tests.crash.nursery import Nursery
from tests.crash.works import Works
from worker.embedded import Servers


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where this run's processes are forked."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
async def works(
    database_url: str, redis_url: str, tmp_path: Path, nursery: Nursery
) -> AsyncIterator[Works]:
    """An installation on the servers that all tests share."""
    async with installed(Servers(database_url, redis_url), tmp_path, nursery) as works:
        yield works
