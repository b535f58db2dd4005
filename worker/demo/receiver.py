"""The producers' side of the demonstration: an endpoint that believes nothing unsigned.

Signatures are checked by the public ``standardwebhooks`` package, as a producer would.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

_TELLING: Final = 12


def subject_of(news: Mapping[str, Any]) -> str:
    """What is told about: a DeliverID, or an entry in quarantine."""
    subject: str = news.get("deliver_id") or news["quarantine_id"]
    return subject


@dataclass(slots=True)
class Received:
    """All that arrived: bodies by ``webhook-id`` in the order of first receipt."""

    first: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeats: int = 0
    verified: int = 0
    forged: int = 0

    def sequences(self) -> dict[tuple[str, str], list[int]]:
        """The sequence numbers of each (producer, subject), in the order of first receipt."""
        found: dict[tuple[str, str], list[int]] = {}
        for body in self.first.values():
            data = body["data"]
            found.setdefault((data["producer"], subject_of(data)), []).append(data["sequence"])
        return found

    def codes(self) -> set[str]:
        """Every delivered code that is too long to stand somewhere by chance."""
        return {
            value
            for body in self.first.values()
            for item in body["data"].get("goods", ())
            for value in item.values()
            if len(value) >= _TELLING
        }

    @property
    def out_of_order(self) -> int:
        """Of how many subjects a later change was heard before an earlier one."""
        return sum(heard != sorted(heard) for heard in self.sequences().values())


class Receiver:
    """An HTTP server on 127.0.0.1 with one hook per producer, ``/hooks/<producer>``.

    ``hear`` is called with each genuine body, once. Port 0 takes a free one.
    Opening it raises ``OSError`` when the port is taken.
    """

    def __init__(
        self, *, port: int = 0, hear: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> None:
        self.received = Received()
        self.port = port
        self._hear = hear
        self._verifiers: dict[str, Webhook] = {}

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
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        verifier = self._verifiers.get(request.match_info["producer"])
        body = await request.read()
        if verifier is None or not _is_genuine(verifier, body, request.headers):
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
        self._hear(body)


def _is_genuine(verifier: Webhook, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        verifier.verify(body, dict(headers))
    except WebhookVerificationError:
        return False
    return True
