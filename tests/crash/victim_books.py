"""A process that does one run over Hyperteknoloji's books, and meets a ``Fate`` at its commits.

``CRASH_NTH`` is how often its moment is reached until then.
"""

import asyncio
import os
from datetime import timedelta
from typing import Final

from tests.crash.fate import Fate
from tests.crash.moments import Moment
from worker.reconciliation import reconcile, start
from worker.runtime import open_runtime
from worker.settings import load_settings
from worker.store.session import Boundary, Side

BACK: Final = timedelta(days=1)


class Spared:
    """Spares this process so many times."""

    def __init__(self) -> None:
        self._fate = Fate()
        self._moment = Moment.read(os.environ.get("CRASH_AT", "never/after"))
        self._left = int(os.environ.get("CRASH_NTH", "1")) - 1

    def reached(self, at: Boundary, side: Side) -> None:
        """The engine's hook."""
        if (at, side) == (self._moment.at, self._moment.side) and self._left > 0:
            self._left -= 1
            return
        self._fate.reached(at, side)


async def run() -> None:
    """Do one run, or what somebody left of one."""
    async with open_runtime(load_settings(), on_boundary=Spared().reached) as rt:
        desk = rt.desks["hyperteknoloji", "default"]
        begun = await start(desk, rt, back=BACK, asked_by="test")
        if begun is not None:
            await reconcile(begun, desk, rt, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(run())
