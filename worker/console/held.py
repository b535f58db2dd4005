"""What a process that shows the console holds, wired in one place from its settings."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from worker.console.tries import Tries
from worker.crypto import Vault
from worker.operating.running import open_desks_for_people
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store.session import Database

_SHARE: Final = 0.6
"""Of the gateway's time for a request: so long something may take before its page says that it
goes on."""


class GoesOn(Exception):
    """Something takes longer than a page may; it is being seen through all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What pages are made with. Closed by whoever opened it."""

    settings: Settings
    db: Database
    vault: Vault
    tries: Tries
    _stack: AsyncExitStack
    _opened: list[Runtime] = field(default_factory=list)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    @asynccontextmanager
    async def runtime(self) -> AsyncIterator[Runtime]:
        """What decisions need; opened once, when it is first asked for."""
        async with self._opening:
            if not self._opened:
                opening = open_desks_for_people(self.settings)
                self._opened.append(await self._stack.enter_async_context(opening))
        yield self._opened[0]

    async def see_through(self, doing: Coroutine[Any, Any, None]) -> None:
        """Do something that may ask a provider, to its end. Raises ``GoesOn`` where that lasts.

        Cut off in the midst, a decision would be left to a lease's end.
        """
        task = asyncio.create_task(doing)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        done, _ = await asyncio.wait({task}, timeout=self._patience.total_seconds())
        if not done:
            raise GoesOn
        task.result()

    @property
    def _patience(self) -> timedelta:
        return self.settings.gateway_timeout * _SHARE

    async def finish(self) -> None:
        """Wait for what is under way, a while."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self.settings.grace.total_seconds())


@asynccontextmanager
async def open_console(settings: Settings, db: Database, vault: Vault) -> AsyncIterator[Console]:
    """Wire a console on the running loop; the database may still be away."""
    async with AsyncExitStack() as stack:
        console = Console(settings=settings, db=db, vault=vault, tries=Tries(), _stack=stack)
        stack.push_async_callback(console.finish)
        yield console
