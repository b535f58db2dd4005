"""How full it is of each producer's orders, known without asking the database for a request.

Those that sent something lately are counted again every second where they come close to their
limit, else now and then: what is open, and what lies on their streams. While that cannot be done
nobody is turned away; the intake decides in any case.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from worker.clock import Clock, SystemClock
from worker.logs import get_logger
from worker.store.open_orders import Room, rooms_of
from worker.store.session import Database, is_transient
from worker.streams import stream_of

REFRESH: Final = 1.0
"""Seconds between two counts of whoever is close to the limit."""
_RARELY: Final = 10.0
"""And of the others."""
_CLOSE: Final = 0.8
"""From this share of the limit on."""
AGAIN: Final = 10
"""Seconds after which who was turned away may come again."""
_LATELY: Final = 60.0
"""For so many seconds after its last intent a producer's orders are counted."""

log = get_logger(__name__)


@dataclass(slots=True)
class _Crowd:
    """A producer's orders as they were counted, if they were, and what was put on since."""

    asked_at: float
    room: Room | None = None
    since: int = 0
    counted_at: float = float("-inf")

    def holds(self, now: float) -> bool:
        """Whether its count is still good enough."""
        if self.room is None or now - self.counted_at >= _RARELY:
            return False
        return self.room.open + self.since < _CLOSE * self.room.most


class Crowds:
    """Producers that sent something lately, and how many orders of theirs are open."""

    def __init__(
        self, db: Database, redis: Redis, most: int, patience: float, clock: Clock | None = None
    ) -> None:
        self._db = db
        self._redis = redis
        self._most = most
        self._patience = patience
        self._clock = clock or SystemClock()
        self._crowds: dict[str, _Crowd] = {}

    async def keep_fresh(self) -> None:
        """Count again and again, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self.refresh()
            await asyncio.sleep(REFRESH)

    async def refresh(self) -> None:
        """Count once. Where that fails, nobody is turned away by what was known before."""
        now = self._clock.monotonic()
        self._crowds = {
            name: each for name, each in self._crowds.items() if each.asked_at > now - _LATELY
        }
        stale = {name: each for name, each in self._crowds.items() if not each.holds(now)}
        counted: Mapping[str, Room] = {}
        try:
            if stale:
                counted = await self._count([*stale])
        except Exception as error:
            if isinstance(error, RedisError) or is_transient(error):
                log.warning("crowds_not_counted", error=type(error).__name__)
            else:
                log.exception("crowds_not_counted")
        finally:
            for name, each in stale.items():
                each.room, each.since, each.counted_at = counted.get(name), 0, now

    def room_of(self, producer: str) -> Room | None:
        """Its open orders with those that wait to be; ``None`` where nobody knows.

        From now on they are counted for a while.
        """
        crowd = self._crowds.setdefault(producer, _Crowd(0.0))
        crowd.asked_at = self._clock.monotonic()
        return crowd.room and Room(crowd.room.open + crowd.since, crowd.room.most)

    def put(self, producer: str, count: int) -> None:
        """So many intents were put on its stream."""
        if (crowd := self._crowds.get(producer)) is not None:
            crowd.since += count

    async def _count(self, names: list[str]) -> dict[str, Room]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.xlen(stream_of(name))
            waiting = dict(zip(names, await pipe.execute(), strict=True))
        rooms = await rooms_of(self._db, names, self._most)
        return {name: Room(each.open + waiting[name], each.most) for name, each in rooms.items()}
