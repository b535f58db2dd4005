"""The producers' side of the demonstration: an endpoint that believes nothing unsigned.

Signatures are checked by the public ``standardwebhooks`` package, as a producer would.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(slots=True)
class Received:
    """All that arrived: bodies by ``webhook-id`` in the order of first receipt."""

    first: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    verified: int = 0
    forged: int = 0

    def sequences(self) -> dict[tuple[str, str], list[int]]:
        """The sequence numbers of each (producer, DeliverID), in the order of first receipt."""
        found: dict[tuple[str, str], list[int]] = {}
        for body in self.first.values():
            data = body["data"]
            found.setdefault((data["producer"], data["deliver_id"]), []).append(data["sequence"])
        return found

    @property
    def out_of_order(self) -> int:
        """How many DeliverIDs heard of a later change before an earlier one."""
        return sum(heard != sorted(heard) for heard in self.sequences().values())


class Receiver:
    """An HTTP server on 127.0.0.1 with one hook per producer, ``/hooks/<producer>``."""

    def __init__(self) -> None:
        self.received = Received()
        self._verifiers: dict[str, Webhook] = {}
        self.port = 0

    @property
    def host(self) -> str:
        """``host:port``, for the development hosts setting."""
        return f"127.0.0.1:{self.port}"

    def hook(self, producer: str) -> str:
        """The URL that takes a producer's notifications."""
        return f"http://{self.host}/hooks/{producer}"

    def trust(self, producer: str, secret: str) -> None:
        """Verify this producer's notifications by its secret."""
        self._verifiers[producer] = Webhook(secret)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hooks/{producer}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        verifier = self._verifiers.get(request.match_info["producer"])
        body = await request.read()
        try:
            if verifier is None:
                raise WebhookVerificationError("no such producer")
            verifier.verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.received.forged += 1
            return web.Response(status=401)
        self._note(request.headers["webhook-id"], json.loads(body))
        return web.Response()

    def _note(self, webhook_id: str, body: dict[str, Any]) -> None:
        if webhook_id in self.received.first:
            self.received.repeats += 1
            return
        self.received.verified += 1
        self.received.first[webhook_id] = body
