"""A process that does one run of the purge, and meets a ``Fate`` at its commits."""

import asyncio

from tests.crash.fate import Fate
from worker.runtime import open_runtime
from worker.settings import load_settings
from worker.steps.purge import purge


async def run() -> None:
    """Purge what is to be purged, once."""
    async with open_runtime(load_settings(), on_boundary=Fate().reached) as rt:
        await purge(rt)


if __name__ == "__main__":
    asyncio.run(run())
