"""The producers' side, which now and then refuses a notification the first time it comes."""

from random import Random
from typing import Final

from aiohttp import web

from worker.demo.receiver import Receiver

REFUSED_SHARE: Final = 0.01
"""Of the events: each is refused once at most, for after that we wait minutes (as we should)."""

_ID: Final = "webhook-id"


class ForgetfulReceiver(Receiver):
    """Answers 503 to some events, once each; what it accepts is verified like any other."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = Random(f"receiver {seed}")  # noqa: S311 -- repeatable, nothing secret
        self._seen: set[str] = set()

    async def _take(self, request: web.Request) -> web.Response:
        event = request.headers.get(_ID, "")
        if event not in self._seen:
            self._seen.add(event)
            if self._chance.random() < REFUSED_SHARE:
                return web.Response(status=503)
        return await super()._take(request)
