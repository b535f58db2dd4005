"""Carries calls to the remotes and answers back, or does to them what a fault says.

Everything here happens on a real socket: a cut is a FIN, a reset is a RST, a hang holds the
connection open. Order of a call: latency, choice of the fault, execution, journal, answer.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Final

from aiohttp import web

from worker.sandbox.faults import Fault
from worker.sandbox.journal import Entry, Journal
from worker.sandbox.remote import Call, Documented, Remote, Reply
from worker.sandbox.settings import SandboxSettings

RETRY_AFTER: Final = timedelta(seconds=1)
"""What a throttled caller is told to wait."""
CALLER_CHECK: Final = 0.25
"""Seconds between two looks at whether the caller of a hanging call is still there."""
ENDLESS: Final = 10**9
"""How many bytes an answer that never ends promises: few enough for any caller to begin with."""
OVERSIZE: Final = 2_000_000
"""How many spaces follow an oversized answer: more than a caller should ever read."""

_RST: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""
_GARBAGE: Final = b'{"data": {"OrderID": 98\x00<'
_PAGE: Final = "<html><head><title>{0}</title></head><body><h1>{0}</h1><hr>nginx</body></html>"

_SAYS: Final = {
    Fault.ERROR_500_BEFORE: (500, "Internal server error"),
    Fault.ERROR_500_AFTER: (500, "Internal server error"),
    Fault.NOT_FOUND_404_AFTER: (404, "Not found"),
    Fault.UNAVAILABLE_503: (503, "Service unavailable"),
    Fault.THROTTLED_429: (429, "Too many requests"),
    Fault.THROTTLED_429_DATE: (429, "Too many requests"),
}
_PAGES: Final = {
    Fault.HTML_ERROR_PAGE: (502, "502 Bad Gateway"),
    Fault.GATEWAY_TIMEOUT_504: (504, "504 Gateway Time-out"),
}

_ANSWERED: Final = frozenset(
    {
        Fault.NONE,
        Fault.CUT_MID_AFTER,
        Fault.OVERSIZED_AFTER,
        Fault.SLOW_DRIP,
        Fault.ENDLESS_DRIP,
        Fault.LATE_ANSWER,
    }
)
"""In which the answer is the remote's own, as far as it gets."""

Choose = Callable[[Remote, Call], Fault | Documented]


class Wire:
    """The way to the remotes. ``stopping`` ends every wait at once."""

    def __init__(
        self, journal: Journal, settings: SandboxSettings, choose: Choose, stopping: asyncio.Event
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._choose = choose
        self._stopping = stopping

    async def serve(
        self, request: web.BaseRequest, remote: Remote, path: str, clock: Callable[[], datetime]
    ) -> web.StreamResponse:
        """Answer one request to a remote, or do what its fault says instead."""
        raw = await request.read()
        if latency := self._settings.latency_of(remote.name):
            await self._pause(latency)
        body = _parsed(raw)
        operation, parts = remote.find(request.method, path, body)
        call = Call(
            operation=operation.name if operation else "unknown",
            now=clock(),
            headers=request.headers,
            query=request.query,
            body=body,
            raw=raw,
            parts=parts,
        )
        chosen = self._choose(remote, call)
        reply = remote.execute(operation, call) if chosen.executes else None
        if isinstance(chosen, Documented):
            fault, reply = Fault.NONE, chosen.reply
        else:
            fault = chosen
        told = _told(remote, call, fault, reply)
        if told is not None:
            told.headers["Date"] = format_datetime(call.now, usegmt=True)
        self._journal.add(
            Entry(
                at=call.now,
                remote=remote.name,
                operation=call.operation,
                method=request.method,
                path=path,
                executed=chosen.executes,
                fault=fault,
                status=told.status if told else None,
            )
        )
        return await self._answer(request, call, fault, told)

    async def _answer(
        self, request: web.BaseRequest, call: Call, fault: Fault, told: web.Response | None
    ) -> web.StreamResponse:
        match fault:
            case Fault.CUT_BEFORE | Fault.CUT_AFTER:
                cut(request)
            case Fault.RESET_BEFORE | Fault.RESET_AFTER:
                reset(request)
            case Fault.HANG_BEFORE | Fault.HANG_AFTER:
                await self._hang(request)
            case Fault.CUT_MID_AFTER if told is not None:
                return await self._cut_midway(request, told)
            case Fault.SLOW_DRIP | Fault.ENDLESS_DRIP if told is not None:
                return await self._drip(request, told, endless=fault is Fault.ENDLESS_DRIP)
            case Fault.OVERSIZED_AFTER if told is not None:
                told.body = _bytes(told) + b" " * OVERSIZE
            case Fault.LATE_ANSWER:
                await self._pause(self._settings.pace)
            case Fault.THROTTLED_429 if told is not None:
                told.headers["Retry-After"] = f"{RETRY_AFTER.total_seconds():.0f}"
            case Fault.THROTTLED_429_DATE if told is not None:
                told.headers["Retry-After"] = format_datetime(call.now + RETRY_AFTER, usegmt=True)
            case _:
                pass
        return told if told is not None else web.Response()

    async def _hang(self, request: web.BaseRequest) -> None:
        while request.transport is not None and not self._stopping.is_set():
            await self._pause(CALLER_CHECK)
        cut(request)

    async def _cut_midway(
        self, request: web.BaseRequest, whole: web.Response
    ) -> web.StreamResponse:
        half, body = _begun(whole)
        with suppress(ConnectionResetError):
            await half.prepare(request)
            await half.write(body[: len(body) // 2])
        cut(request)
        return half

    async def _drip(
        self, request: web.BaseRequest, whole: web.Response, *, endless: bool
    ) -> web.StreamResponse:
        drip, body = _begun(whole, length=ENDLESS if endless else None)
        with suppress(ConnectionResetError):  # the caller had enough of it
            await drip.prepare(request)
            for start in range(len(body)):
                await drip.write(body[start : start + 1])
                await self._pause(self._settings.drip)
            while endless and request.transport is not None and not self._stopping.is_set():
                await self._pause(self._settings.drip)
                await drip.write(b" ")
        return drip

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def cut(request: web.BaseRequest) -> None:
    """Close the caller's connection without an answer (FIN)."""
    if request.transport is not None:
        request.transport.close()


def reset(request: web.BaseRequest) -> None:
    """Reset the caller's connection (RST)."""
    if request.transport is not None:
        reset_transport(request.transport)


def reset_transport(transport: asyncio.Transport) -> None:
    """Make the kernel send RST, and drop the connection."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
    transport.abort()


def json_response(body: object, status: int = 200) -> web.Response:
    """An answer in JSON; a Decimal becomes a JSON number. A bare text is sent as such."""
    if isinstance(body, str):
        return web.Response(text=body, status=status)
    raw = json.dumps(body, default=_number, separators=(",", ":")).encode()
    return web.Response(body=raw, status=status, content_type="application/json")


def _begun(whole: web.Response, length: int | None = None) -> tuple[web.StreamResponse, bytes]:
    """An answer that promises all of ``whole``, or ``length`` bytes, and what it is to say."""
    body = _bytes(whole)
    begun = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.content_type})
    begun.content_length = len(body) if length is None else length
    return begun, body


def _bytes(whole: web.Response) -> bytes:
    return whole.body if isinstance(whole.body, bytes) else b""


def _told(remote: Remote, call: Call, fault: Fault, reply: Reply | None) -> web.Response | None:
    """What the caller gets to read; ``None`` when the connection just ends."""
    match fault:
        case _ if fault in _ANSWERED and reply is not None:
            return json_response(reply.body, reply.status)
        case Fault.UNAUTHORIZED_401:
            reply = remote.turn_away(call)
            return json_response(reply.body, reply.status)
        case Fault.GARBAGE_AFTER:
            return web.Response(body=_GARBAGE, content_type="application/json")
        case Fault.HTML_ERROR_PAGE | Fault.GATEWAY_TIMEOUT_504:
            status, title = _PAGES[fault]
            return web.Response(text=_PAGE.format(title), status=status, content_type="text/html")
        case _ if fault in _SAYS:
            reply = remote.error(*_SAYS[fault])
            return json_response(reply.body, reply.status)
        case _:
            return None


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_float=Decimal) if raw else None
    except ValueError:
        return None


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
