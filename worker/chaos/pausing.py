"""Who puts something on a stream, and can be held back from it for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Pausing:
    """Turns, and pauses without any. A pause begins when the turns under way are over."""

    def __init__(self) -> None:
        self._turns = 0
        self._pauses = 0
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Do something that must not happen during a pause."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._pauses)
            self._turns += 1
        try:
            yield
        finally:
            self._turns -= 1
            async with self._changed:
                self._changed.notify_all()

    @asynccontextmanager
    async def pause(self) -> AsyncIterator[None]:
        """Let nobody have a turn while the block lasts."""
        self._pauses += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._turns)
            yield
        finally:
            self._pauses -= 1
            async with self._changed:
                self._changed.notify_all()
