"""Callbacks reach the stream, whatever happens to them on the way."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from worker.chaos.forwarder import LATE_SHARE, TWICE_SHARE, Forwarder
from worker.chaos.line import Line
from worker.crypto import Vault
from worker.streams import CALLBACKS

MANY = 60


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


@asynccontextmanager
async def forwarding(redis: Redis, vault: Vault, seed: int = 7) -> AsyncIterator[Forwarder]:
    async with Forwarder(redis, vault, seed) as forwarder:
        yield forwarder


async def call_back(forwarder: Forwarder, *bodies: str) -> None:
    """What a provider does: a POST, taken at once."""
    url = forwarder.settings("gifthub")["webhook_url"]
    async with aiohttp.ClientSession() as session:
        for body in bodies:
            async with session.post(url, data=body) as answer:
                assert answer.status == 200


async def until_forwarded(forwarder: Forwarder) -> None:
    async with asyncio.timeout(10):
        while forwarder.held:
            await asyncio.sleep(0.02)


async def on_the_stream(redis: Any, vault: Vault) -> Counter[str]:
    return Counter(
        vault.unseal(fields[b"sealed"]).decode() for _, fields in await redis.xrange(CALLBACKS)
    )


async def test_every_callback_is_put_on_the_stream_and_some_twice(redis: Any, vault: Vault) -> None:
    bodies = [f"body {number}" for number in range(MANY)]
    async with forwarding(redis, vault) as forwarder:
        await call_back(forwarder, *bodies)
        await until_forwarded(forwarder)
        counts = forwarder.counts
    found = await on_the_stream(redis, vault)
    assert set(found) == set(bodies)
    assert found.total() == MANY + counts["twice"]
    assert 0 < counts["twice"] < 3 * TWICE_SHARE * MANY
    assert 0 < counts["late"] < 3 * LATE_SHARE * MANY


async def test_some_overtake_others(redis: Any, vault: Vault) -> None:
    bodies = [f"{number:03}" for number in range(MANY)]
    async with forwarding(redis, vault) as forwarder:
        await call_back(forwarder, *bodies)
        await until_forwarded(forwarder)
    entries = await redis.xrange(CALLBACKS)
    order = [vault.unseal(fields[b"sealed"]).decode() for _, fields in entries]
    assert order != sorted(order)


async def test_the_same_seed_plays_the_same_tricks(redis: Any, vault: Vault) -> None:
    played = []
    for _ in range(2):
        async with forwarding(redis, vault, seed=11) as forwarder:
            await call_back(forwarder, *map(str, range(MANY)))
            played.append(Counter(forwarder.counts))
    assert played[0] == played[1]


async def test_none_reaches_the_stream_during_a_pause_and_none_is_lost_by_it(
    redis: Any, vault: Vault
) -> None:
    async with forwarding(redis, vault) as forwarder:
        async with forwarder.pausing.pause():
            await call_back(forwarder, "held back")
            await asyncio.sleep(0.1)
            assert await redis.xlen(CALLBACKS) == 0
        await until_forwarded(forwarder)
    assert set(await on_the_stream(redis, vault)) == {"held back"}


async def test_an_outage_of_redis_is_waited_out(redis_url: str, redis: Any, vault: Vault) -> None:
    async with Line(redis_url) as line, Redis.from_url(line.url) as by_line:
        await line.cut()
        async with forwarding(by_line, vault) as forwarder:
            await call_back(forwarder, "patient")
            await asyncio.sleep(0.1)
            assert forwarder.held > 0
            await line.mend()
            await until_forwarded(forwarder)
    assert set(await on_the_stream(redis, vault)) == {"patient"}


async def test_only_providers_that_call_back_are_told_where(redis: Any, vault: Vault) -> None:
    async with forwarding(redis, vault) as forwarder:
        assert set(forwarder.settings("hyperteknoloji")) == {"notify_url"}
        assert set(forwarder.settings("gifthub")) == {"webhook_url"}
        assert forwarder.settings("threekit") == {}
