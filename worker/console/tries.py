"""How many tries to sign in are let through: by name, and by where they come from. Per process."""

import asyncio
from math import ceil
from time import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from worker.errors import OrderlineError
from worker.operating.passwords import fits, hash_of
from worker.sites import site_of

_MINUTES: Final = 5
_OF_A_NAME: Final = RateLimitItemPerMinute(10, _MINUTES)
_OF_A_SITE: Final = RateLimitItemPerMinute(30, _MINUTES)
_AT_ONCE: Final = 2
"""Passwords held against what is kept of them at one time: each takes 64 MiB and a core."""


class TooMany(OrderlineError):
    """Too many tries; ``again`` is after how many seconds there may be another one."""

    def __init__(self, again: int) -> None:
        super().__init__(f"Too many tries; wait {again} seconds.")
        self.again = again


class Tries:
    """Counts in a sliding window, before any password is looked at."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._nobody: str | None = None

    async def count(self, name: str, address: str | None) -> None:
        """Count a try. Raises ``TooMany``."""
        await self._count(_OF_A_SITE, "site", site_of(address))
        await self._count(_OF_A_NAME, "name", name)

    async def forget(self, name: str) -> None:
        """A good password makes up for those before it."""
        await self._limiter.clear(_OF_A_NAME, "name", name)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Whether a password fits; it takes as long where there is nothing for it to fit."""
        async with self._room:
            if self._nobody is None:
                self._nobody = await asyncio.to_thread(hash_of, "nobody's")
            good = await asyncio.to_thread(fits, kept or self._nobody, password)
        return good and kept is not None

    async def _count(self, limit: RateLimitItem, kind: str, who: str) -> None:
        if not await self._limiter.hit(limit, kind, who):
            window = await self._limiter.get_window_stats(limit, kind, who)
            raise TooMany(max(1, ceil(window.reset_time - time())))
