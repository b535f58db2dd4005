"""What every request passes: counted, timed, answered whatever happens, and told in one line.

The line names the route's template and never the path: a callback's path is a secret.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.gateway import ErrorCode
from worker.gateway.callbacks import PREFIX
from worker.gateway.gate import Gate
from worker.gateway.refusals import AGAIN, Refused, answer_refused, internal, refused
from worker.logs import about, get_logger
from worker.metrics.exposing import PATH as METRICS

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_DIGITS: Final = 4
"""A body whose length has more of them is long."""
_PROBES: Final = frozenset({"/healthz", "/readyz"})

HEADERS: Final[Mapping[str, str]] = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""On every answer that does not say otherwise."""

_TRACED: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context."""

log = get_logger(__name__)


class Front:
    """Stands before the application, so that nothing gets past it, its errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            await _Passing(self._app, scope, receive, send).run()
        else:
            await self._app(scope, receive, send)


class _Passing:
    """One request on its way."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app, self._scope, self._receive, self._send = app, scope, receive, send
        self._status: int | None = None
        self._read = False

    async def run(self) -> None:
        with about(trace=_trace(Headers(scope=self._scope).get("traceparent"))):
            await self._run()

    async def _run(self) -> None:
        started = monotonic()
        gate: Gate = self._scope["state"]["gate"]
        limit = asyncio.timeout(gate.settings.gateway_timeout.total_seconds())
        try:
            async with limit:
                await self._pass(gate)
        except Refused as refusal:
            await self._answer(refusal)
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                await self._answer(self._too_slow())
            else:
                log.exception("request_failed", method=self._method, route=self._route)
                await self._answer(internal())
        finally:
            seconds = monotonic() - started
            gate.meters.answered(self._route, self._method, self._status, seconds)
            log.info(
                "request",
                method=self._method,
                route=self._route,
                status=self._status,
                milliseconds=round(seconds * 1000, 1),
            )

    async def _pass(self, gate: Gate) -> None:
        await self._count(gate)
        await self._app(self._scope, self._receiving, self._sending)

    async def _count(self, gate: Gate) -> None:
        """Raises ``Refused``. Whoever has a good key is known from here on."""
        path, client = self._scope["path"], self._scope.get("client")
        address = client[0] if client else None
        if path in _PROBES:
            return
        if path.startswith(PREFIX):
            await gate.rates.count_callback(address)
            return
        if path == METRICS:  # its token is no API key, and it answers without the database, too
            await gate.rates.count_stranger(address)
            return
        said = Headers(scope=self._scope).get("authorization")
        producer = gate.keys.producer_of(said) if said else None
        self._scope["state"]["producer"] = producer
        if producer is None:
            await gate.rates.count_stranger(address)
        else:
            await gate.rates.count_call(producer)

    @property
    def _method(self) -> str:
        method = self._scope["method"]
        return method if method in _METHODS else "other"

    @property
    def _route(self) -> str:
        return str(getattr(self._scope.get("route"), "path", "none"))

    @property
    def _is_long(self) -> bool:
        headers = Headers(scope=self._scope)
        return "transfer-encoding" in headers or len(headers.get("content-length", "")) > _DIGITS

    async def _receiving(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self._read = True
        return message

    async def _sending(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if not self._read and self._is_long:
                headers.setdefault("connection", "close")  # rather than to read it for nothing
        await self._send(message)

    def _too_slow(self) -> Refused:
        if self._read:
            detail = "This took too long; try again."
            return refused(503, ErrorCode.UNAVAILABLE, detail, again=AGAIN)
        refusal = refused(408, ErrorCode.TIMED_OUT, "The request came too slowly.")
        refusal.headers["connection"] = "close"
        return refusal

    async def _answer(self, refusal: Refused) -> None:
        if self._status is not None:  # the answer has begun; nothing else can be said
            return
        with suppress(OSError):
            await answer_refused(refusal)(self._scope, self._receive, self._sending)


def _trace(traceparent: str | None) -> str:
    """The trace that the caller is in, as it says; else one of our own."""
    said = _TRACED.fullmatch(traceparent or "")
    return said[1] if said else uuid4().hex
