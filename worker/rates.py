"""The accounts' rates: grants to call a provider once, given out by Redis to all workers together.

Counted is by Redis's own clock (GCRA, by the library throttled-py). Each grant has its own moment,
so that what the provider sees is even, whoever calls, and knows no bursts. While Redis is away, or
slow, each process gives itself its share of a rate: that may be too little, never too much.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any, Final, TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError
from throttled.asyncio import MemoryStore, Quota, Rate, RateLimiterType, RedisStore, Throttled
from throttled.asyncio.store import BaseRedisAtomicAction, RedisStoreBackend
from throttled.exceptions import StoreUnavailableError

from worker.logs import get_logger
from worker.redises import connect
from worker.supervisor import pause

PREFIX: Final = "orderline:rate"
WORKERS: Final = "orderline:rate:workers"
"""The worker processes, by when each was last there (seconds of Redis's clock)."""

AHEAD: Final = 0.2
"""For so many seconds grants are given out beforehand, so that they need not be fetched singly."""
MARGIN: Final = 0.96
"""The share of a rate that is given out: on their way calls move together, and none may be too
many for whoever counts them there."""
UNKNOWN: Final = 10
"""How many workers there may be, for one that never saw how many there are."""

_CALL: Final = 0.5
_PATIENCE: Final = 1.0
"""Seconds for which Redis is waited for: for one answer, and in all."""
_BEAT_EVERY: Final = 2.0
_GONE_AFTER: Final = 10
_SHORTEST_WAIT: Final = 0.001
LONGEST_WAIT: Final = 1.0
"""Others give grants back, so nobody waits longer before they look again."""
_FINEST: Final = 1_000_000

_PUT_BACK: Final = """
local tat = redis.call("GET", KEYS[1])
if tat then
    redis.call("SET", KEYS[1], tonumber(tat) - tonumber(ARGV[1]), "KEEPTTL")
end
"""
"""The library's own value, the moment until which all is given out, so much earlier."""

Answer = TypeVar("Answer")

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """Grants, told by when each may be used, in seconds from now; the first one first.

    ``again_in`` is when to ask for those that were missing; 0 where none was.
    """

    waits: Sequence[float] = ()
    again_in: float = 0.0


class _PutBack(BaseRedisAtomicAction):
    """Grants that were not used, as if they had never been taken."""

    def __init__(self, backend: RedisStoreBackend) -> None:
        super().__init__(backend)
        self._script = self._register_script(_PUT_BACK)

    async def do(self, keys: Sequence[str], args: Sequence[Any] | None) -> tuple[int, ...]:
        await self._script(keys, args or ())
        return ()


class _Backend(RedisStoreBackend):
    """The library's, with a client that was opened by us: it knows where Redis is."""

    opened: Redis

    def get_client(self) -> Any:
        return self.opened


class _Store(RedisStore):
    """The library's store; its client is ours to use and to close."""

    _BACKEND_CLASS = _Backend
    _backend: _Backend

    def __init__(self, client: Redis) -> None:
        super().__init__()
        self._backend.opened = client

    @property
    def client(self) -> Redis:
        return self._backend.opened


class Rates:
    """What a worker process needs for the rates of its accounts: Redis, or knowing it is alone.

    ``worker`` is the process's name among all workers.
    """

    def __init__(self, redis_url: str, worker: str) -> None:
        client = connect(redis_url, socket_timeout=_CALL, socket_connect_timeout=_CALL)
        self.store = _Store(client)
        self.workers = UNKNOWN
        self.alone = False
        self._worker = worker
        self._closed = False

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """What Redis answers; ``None`` while it is away. Then only ``beat`` asks it again."""
        return None if self.alone else await self._ask(question)

    async def beat(self) -> None:
        """Say that this worker is there, and see how many there are."""
        count = await self._ask(self._count)
        if count is None:
            return
        self.workers = count
        if self.alone:
            self.alone = False
            log.info("rates_shared_again", count=count)

    async def beat_until(self, stopping: asyncio.Event) -> None:
        """Beat every few seconds, and take leave in the end."""
        while not stopping.is_set():
            await self.beat()
            await pause(_BEAT_EVERY, until=stopping)
        await self.ask(lambda: self.store.client.zrem(WORKERS, self._worker))

    async def aclose(self) -> None:
        """Close the connections; from now on Redis is asked no more."""
        self._closed = self.alone = True
        await self.store.client.aclose(close_connection_pool=True)

    async def _count(self) -> int:
        seconds, _ = await self.store.client.time()
        async with self.store.client.pipeline(transaction=True) as pipe:
            pipe.zadd(WORKERS, {self._worker: seconds})
            pipe.zremrangebyscore(WORKERS, "-inf", seconds - _GONE_AFTER)
            pipe.expire(WORKERS, 2 * _GONE_AFTER)
            pipe.zcard(WORKERS)
            *_, count = await pipe.execute()
        return int(count)

    async def _ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer | None:
        if self._closed:
            return None
        try:
            async with asyncio.timeout(_PATIENCE):
                return await question()
        except (StoreUnavailableError, RedisError, OSError) as error:  # a timeout is an OSError
            if not self.alone:
                self.alone = True
                cause = error.__cause__ or error
                log.warning("rates_alone", error=type(cause).__name__, count=self.workers)
            return None


class Bucket:
    """The grants of one account: nearly ``rate`` a second for all workers, ``ahead`` at once."""

    def __init__(self, rates: Rates, name: str, rate: float) -> None:
        self.rate = rate * MARGIN
        self.ahead = _ahead_of(self.rate)
        self._rates = rates
        self._name = name
        self._shared = _limiter(name, self.rate, rates.store)
        self._put_back = rates.store.make_atomic(_PutBack)
        self._own_store = MemoryStore()
        self._own = _limiter(name, self.rate / UNKNOWN, self._own_store)
        self._own_of = UNKNOWN

    async def take(self, most: int) -> Taken:
        """At most ``most`` grants."""
        taken = await self._rates.ask(lambda: _take(self._shared, most, self.rate))
        if taken is not None:
            return taken
        if self._own_of != self._rates.workers:
            self._own_of = self._rates.workers
            self._own = _limiter(self._name, self.rate / self._own_of, self._own_store)
        return await _take(self._own, most, self.rate / self._own_of)

    async def put_back(self, count: int) -> None:
        """Give back what was taken just now. Whoever is alone lets it go."""
        key = f"{PREFIX}:v1:gcra:{self._name}"
        await self._rates.ask(lambda: self._put_back.do([key], [count / self.rate]))


def _ahead_of(rate: float) -> int:
    return max(1, round(rate * AHEAD))


def _limiter(name: str, rate: float, store: RedisStore | MemoryStore) -> Throttled:
    exact = Fraction(rate).limit_denominator(_FINEST)
    period = timedelta(seconds=exact.denominator)
    return Throttled(
        name,
        using=RateLimiterType.GCRA.value,
        quota=Quota(Rate(period, exact.numerator), burst=_ahead_of(rate)),
        store=store,
        key_prefix=PREFIX,
    )


async def _take(limiter: Throttled, most: int, rate: float) -> Taken:
    """As many as there are; where some are missing, half of all is worth coming again for."""
    wanted, enough = min(most, _ahead_of(rate)), max(1, min(most, _ahead_of(rate)) // 2)
    result = await limiter.limit(cost=wanted)
    if not result.limited:
        again_in = 0.0 if wanted == most else _bounded(enough / rate)
        return Taken(_waits(result.state.reset_after, wanted, rate), again_in)
    left, again_in = result.state.remaining, _bounded(enough / rate)
    if left > 0 and not (result := await limiter.limit(cost=left)).limited:
        return Taken(_waits(result.state.reset_after, left, rate), again_in)
    return Taken((), _bounded(result.state.retry_after - (wanted - enough) / rate))


def _waits(reset_after: float, count: int, rate: float) -> Sequence[float]:
    """Each grant's own moment: all that are given out follow each other evenly, whoever has them.

    ``reset_after`` is when the last of them has had its time.
    """
    return [max(reset_after - left / rate, 0.0) for left in range(count, 0, -1)]


def _bounded(seconds: float) -> float:
    return min(max(seconds, _SHORTEST_WAIT), LONGEST_WAIT)
