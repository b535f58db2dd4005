"""A real Redis that fills up: somebody hears of it before it refuses, once per bound."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError
from structlog.testing import capture_logs

from worker.streams import MemoryWatch, put, read_memory
from worker.streams.memory import NEAR, NEARLY_FULL, Memory

ROOM = 8 * 2**20


@pytest.fixture
async def small(redis_url: str) -> AsyncIterator[Redis]:
    """A Redis with room for a few megabytes more."""
    async with Redis.from_url(redis_url) as redis:
        used = (await read_memory(redis)).used
        await redis.config_set("maxmemory", used + ROOM)
        try:
            yield redis
        finally:
            await redis.config_set("maxmemory", 0)
            await redis.flushdb()


async def fill(redis: Redis, watch: MemoryWatch) -> None:
    """Put intents until none is taken, and look after each."""
    while True:
        await put(redis, "shop", b"x" * 65536)
        await watch.look()


async def test_each_bound_is_told_once_and_before_an_intent_is_refused(small: Redis) -> None:
    watch = MemoryWatch(small)
    with capture_logs() as logged:
        with pytest.raises(OutOfMemoryError):
            await fill(small, watch)
        told = [each["percent"] for each in logged if each["event"] == "redis_memory_low"]
        assert len(told) == 2
        assert told == sorted(told)
        assert all(
            each >= 100 * bound for each, bound in zip(told, (NEAR, NEARLY_FULL), strict=True)
        )
        await small.flushdb()
        await watch.look()
        assert len(logged) == 2


@pytest.mark.parametrize(
    ("memory", "share"),
    [(Memory(50, 100, 1000), 0.5), (Memory(50, 0, 1000), 0.05), (Memory(50, 0, 0), 0.0)],
)
def test_without_a_limit_the_machine_is_one(memory: Memory, share: float) -> None:
    assert memory.share == share
