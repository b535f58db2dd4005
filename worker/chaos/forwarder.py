"""The way of the providers' callbacks to the stream, and what can happen to them on the way.

It stands where an installation has its gateway: takes what the sandbox sends and puts it on the
callbacks' stream. Some come twice, some late and so out of order; many are early by themselves,
for a remote calls back before it has answered the call that it tells of.
"""

import asyncio
from collections import Counter
from random import Random
from typing import Final, Self

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from worker.chaos.pausing import Pausing
from worker.crypto import Vault
from worker.streams import put_callback

TWICE_SHARE: Final = 0.15
LATE_SHARE: Final = 0.2
LATE: Final = (0.5, 4.0)
"""The least and the most seconds that one is held back."""

_AGAIN: Final = 0.2
_CALLBACK_FIELDS: Final = {"hyperteknoloji": "notify_url", "gifthub": "webhook_url"}
"""The setting of an account that names where its provider calls back; the others never do."""


class Forwarder:
    """A server on 127.0.0.1 that puts every callback on the stream, sooner or later."""

    def __init__(self, redis: Redis, vault: Vault, seed: int) -> None:
        self.pausing = Pausing()
        self.counts: Counter[str] = Counter()
        """How many came, and how many of them went twice, or late."""
        self._redis = redis
        self._vault = vault
        self._chance = Random(f"callbacks {seed}")  # noqa: S311 -- repeatable, nothing secret
        self._on_their_way: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def held(self) -> int:
        """How many are not on the stream yet."""
        return len(self._on_their_way)

    def settings(self, provider: str) -> dict[str, str]:
        """What an account of the provider has to say so that callbacks come here."""
        field = _CALLBACK_FIELDS.get(provider)
        return {field: f"http://127.0.0.1:{self._port}/callbacks/{provider}"} if field else {}

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/callbacks/{provider}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()  # its default is a port of its own
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        for task in self._on_their_way:
            task.cancel()
        await asyncio.gather(*self._on_their_way, return_exceptions=True)

    async def _take(self, request: web.Request) -> web.Response:
        body, provider = await request.read(), request.match_info["provider"]
        self.counts["callbacks"] += 1
        self._send(provider, body, self._delay())
        if self._chance.random() < TWICE_SHARE:
            self.counts["twice"] += 1
            self._send(provider, body, self._delay())
        return web.Response()

    def _delay(self) -> float:
        if self._chance.random() >= LATE_SHARE:
            return 0.0
        self.counts["late"] += 1
        return self._chance.uniform(*LATE)

    def _send(self, provider: str, body: bytes, delay: float) -> None:
        task = asyncio.create_task(self._put(provider, body, delay))
        self._on_their_way.add(task)
        task.add_done_callback(self._on_their_way.discard)

    async def _put(self, provider: str, body: bytes, delay: float) -> None:
        await asyncio.sleep(delay)
        while True:
            async with self.pausing.turn():
                try:
                    await put_callback(
                        self._redis, self._vault, provider=provider, account="default", body=body
                    )
                except (RedisError, OSError):
                    await asyncio.sleep(_AGAIN)
                else:
                    return
