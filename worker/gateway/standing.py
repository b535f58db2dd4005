"""How everything stands, read when Prometheus asks, by one reader and not too often.

What was read is good for a few seconds; for longer, the longer it took. So however many ask, and
however much is open, reading takes a small share of one connection. Of a server that is away, or
too slow, nothing is told but that; what was added up over time stays.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, Final

from prometheus_client.core import Metric
from redis.asyncio import Redis
from redis.exceptions import RedisError

from worker.gateway.samples import Named, Samples, Totals, of_database, of_redis
from worker.logs import get_logger
from worker.metrics import standing as families
from worker.store import producers, views_metrics
from worker.store.session import Database, is_transient
from worker.streams import CALLBACKS, lag, read_memory, waiting

FRESH: Final = 5.0
"""Seconds for which what was read is good, at least."""
_SHARE: Final = 20
"""It is good for so many times as long as it took to read."""
_PATIENCE: Final = 4.0
"""Seconds after which a server that does not answer is away."""

DATABASE: Final = "database"
REDIS: Final = "redis"

log = get_logger(__name__)


class _Source:
    """One server, and what it said last; nothing where it said nothing."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said = Samples()
        self.up = False
        self.at = float("-inf")
        self.took = 0.0

    def fresh(self, now: float) -> bool:
        return now - self.at < max(FRESH, _SHARE * self.took)


class Standing:
    """What the database and Redis know. ``accounts`` are those that are configured."""

    def __init__(
        self, db: Database, redis: Redis, accounts: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._db = db
        self._redis = redis
        self._named = Named(
            {(provider, name) for provider, by_name in accounts.items() for name in by_name}
        )
        self._totals = Totals(self._named)
        self._sources = (_Source(DATABASE), _Source(REDIS))
        self._producers: Sequence[str] = ()
        self._since: datetime | None = None
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Read what is not fresh any more. Never fails; whoever comes meanwhile waits for it."""
        async with self._looking:
            database, redis = self._sources
            await self._read(database, self._from_database)  # whose streams there are, it knows
            await self._read(redis, self._from_redis)

    def collect(self) -> Iterator[Metric]:
        """What was read, for Prometheus's library."""
        now, all_said = monotonic(), Samples()
        for source in self._sources:
            all_said.merge(source.said)
            all_said.add(families.UP, float(source.up), source.name)
            if source.up:
                all_said.add(families.READ_AGE, now - source.at, source.name)
                all_said.add(families.READ_SECONDS, source.took, source.name)
        all_said.merge(self._totals.samples())
        yield from all_said.metrics(families.STANDING)

    async def _read(self, source: _Source, read: Any) -> None:
        began = monotonic()
        if source.fresh(began):
            return
        said, up = Samples(), False
        try:
            async with asyncio.timeout(_PATIENCE):
                said, up = await read()
        except Exception as error:
            if not (isinstance(error, RedisError) or is_transient(error)):
                log.exception("metrics_unread", reason=source.name)
            else:
                log.warning("metrics_unread", reason=source.name, error=type(error).__name__)
        source.said, source.up = said, up
        source.at = monotonic()
        source.took = source.at - began

    async def _from_database(self) -> tuple[Samples, bool]:
        rows = await views_metrics.standing(self._db)
        self._producers = [each.name for each in await producers.every(self._db)]
        happened = await views_metrics.flow(self._db, self._since)
        self._since = happened.until
        self._totals.add(happened)
        return of_database(rows, self._named), all(each is not None for each in rows.values())

    async def _from_redis(self) -> tuple[Samples, bool]:
        intents = await waiting(self._redis, self._producers)
        callbacks = await lag(self._redis, CALLBACKS)
        return of_redis(intents, callbacks, await read_memory(self._redis)), True
