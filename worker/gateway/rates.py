"""How many requests are taken in a minute: of an address, and of a producer. Per process."""

from math import ceil
from time import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from schemas.gateway import ErrorCode
from worker.gateway.refusals import refused
from worker.settings import Settings
from worker.sites import site_of

_PAGES_PER_MINUTE: Final = 600
"""Of the console, for one address: a few people whose pages look every five seconds."""


class Rates:
    """Counts in a sliding window. Where nobody knows the address, all such share one count."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._callbacks = RateLimitItemPerMinute(settings.gateway_callbacks_per_minute)
        self._calls = RateLimitItemPerMinute(settings.gateway_calls_per_minute)
        self._strangers = RateLimitItemPerMinute(settings.gateway_strangers_per_minute)
        self._pages = RateLimitItemPerMinute(_PAGES_PER_MINUTE)

    async def count_callback(self, address: str | None) -> None:
        """Count a callback. Raises ``Refused``."""
        await self._count(self._callbacks, "callback", site_of(address))

    async def count_call(self, producer: str) -> None:
        """Count a producer's call. Raises ``Refused``."""
        await self._count(self._calls, "call", producer)

    async def count_stranger(self, address: str | None) -> None:
        """Count a request of nobody that we know. Raises ``Refused``."""
        await self._count(self._strangers, "stranger", site_of(address))

    async def count_page(self, address: str | None) -> None:
        """Count a request of the console. Raises ``Refused``."""
        await self._count(self._pages, "page", site_of(address))

    async def _count(self, limit: RateLimitItem, kind: str, who: str) -> None:
        if await self._limiter.hit(limit, kind, who):
            return
        window = await self._limiter.get_window_stats(limit, kind, who)
        again = max(1, ceil(window.reset_time - time()))
        detail = f"More than {limit.amount} in a minute."
        raise refused(429, ErrorCode.TOO_MANY, detail, again=again)
