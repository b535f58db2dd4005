"""Listens to what goes over Redis and stays nowhere: Celery's events, which Flower shows."""

import asyncio
from contextlib import suppress
from typing import Final, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

_CHANNELS: Final = "orderline:*"


class Eavesdropper:
    """Keeps every message that is published while its block is open."""

    def __init__(self, redis: Redis) -> None:
        self.heard: list[bytes] = []
        self._pubsub = redis.pubsub(ignore_subscribe_messages=True)
        self._listening: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        await self._pubsub.psubscribe(_CHANNELS)
        self._listening = asyncio.create_task(self._listen(), name="eavesdropper")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        with suppress(asyncio.CancelledError, RedisError):
            await self._listening
        await self._pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py leaves it untyped

    async def _listen(self) -> None:
        async for message in self._pubsub.listen():
            self.heard.append(message["data"])
