"""How full Redis is: a full one takes no intent, so somebody is to know before."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from worker.logs import get_logger
from worker.supervisor import pause

NEAR: Final = 0.75
"""From this share on somebody should know."""
NEARLY_FULL: Final = 0.9
"""From this share on it is red."""
OFTEN: Final = 30.0
"""Seconds between a worker's looks."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: what Redis uses, what it may use (0: no limit), what its machine has (0: unknown)."""

    used: int
    limit: int
    machine: int

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "Memory":
        """As the server's ``INFO`` says it."""
        names = ("used_memory", "maxmemory", "total_system_memory")
        return cls(*(int(info.get(name, 0)) for name in names))

    @property
    def share(self) -> float:
        """How much of its limit, or of its machine where it has none, is used: 0 to 1."""
        most = self.limit or self.machine
        return self.used / most if most else 0.0


async def read_memory(redis: Redis) -> Memory:
    """Ask the server."""
    return Memory.of(await redis.info("memory"))


class MemoryWatch:
    """Warns in the log of a Redis that fills up, once each time that it crosses a bound."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._crossed = 0

    async def run(self, until: asyncio.Event) -> None:
        """Look every now and then."""
        while not until.is_set():
            try:
                await self.look()
            except RedisError as error:
                log.info("redis_memory_unknown", error=type(error).__name__)
            await pause(OFTEN, until=until)

    async def look(self) -> None:
        """Look once. Raises ``RedisError``."""
        share = (await read_memory(self._redis)).share
        crossed = sum(share >= bound for bound in (NEAR, NEARLY_FULL))
        if crossed > self._crossed:
            log.warning("redis_memory_low", percent=round(share * 100))
        self._crossed = crossed
