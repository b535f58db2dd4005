"""One signed POST, one result. When to try again is decided elsewhere.

Straight on aiohttp, whose session costs a third of httpx's and which never resends a POST by
itself. Nothing is followed, kept or believed: no redirect, cookie, proxy or encoding.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver

from schemas.intents.urls import WEBHOOK_PORTS, check_url, is_development
from schemas.notifications import carries_goods
from worker.clock import Clock
from worker.delivery.guard import Blocked, GuardedResolver, guarded_socket
from worker.logs import get_logger
from worker.scrub import scrub_text

_CONNECT_SECONDS: Final = 5.0
_BODY_SECONDS: Final = 2.0
# Below the 5 s after which Node.js closes an idle connection: a POST on a dying one would fail.
_KEEPALIVE_SECONDS: Final = 4.0
_READ_BYTES: Final = 16_384  # read, so that the connection stays usable
_LOOKED_AT_BYTES: Final = 4_096  # of these, scrubbed,
_EXCERPT_CHARACTERS: Final = 1_000  # kept
_SIGNATURES: Final = "webhook-signature"
_SECONDS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_HEADERS: Final = {
    "Content-Type": "application/json",
    "User-Agent": "Orderline",
    "Accept-Encoding": "identity",
}
_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)

log = get_logger(__name__)


class Failure(StrEnum):
    """Why a POST brought no answer."""

    BLOCKED = "blocked"
    """The guard refused the URL or its address."""
    DNS = "dns"
    """The name has no answer."""
    REFUSED = "refused"
    """Nobody listens there."""
    UNREACHABLE = "unreachable"
    """The connection failed otherwise."""
    CONNECT_TIMEOUT = "connect_timeout"
    """No connection in time."""
    TLS = "tls"
    """The certificate or the handshake was not in order."""
    TIMEOUT = "timeout"
    """No answer before the deadline."""
    RESET = "reset"
    """The connection was lost before the answer."""
    GARBAGE = "garbage"
    """The answer was not HTTP."""
    UNEXPECTED = "unexpected"
    """A fault of ours; the log names it."""


RESULTS: Final[Sequence[str]] = ("acknowledged", "gone", "refused", *Failure)
"""Every word for what a POST came to."""

# The first row that fits, so the special stands before the general.
_FAILURES: Final[tuple[tuple[type[Exception], Failure], ...]] = (
    (aiohttp.ClientConnectorDNSError, Failure.DNS),
    (aiohttp.ClientSSLError, Failure.TLS),
    (aiohttp.ClientConnectorError, Failure.UNREACHABLE),
    (aiohttp.ConnectionTimeoutError, Failure.CONNECT_TIMEOUT),
    (TimeoutError, Failure.TIMEOUT),
    (aiohttp.ClientOSError, Failure.RESET),
    (aiohttp.ServerDisconnectedError, Failure.RESET),
    (aiohttp.ClientResponseError, Failure.GARBAGE),
    (aiohttp.ClientPayloadError, Failure.GARBAGE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryResult:
    """What one POST came to: either ``code`` or ``error`` is set.

    ``excerpt`` is the start of the answer, printable and scrubbed, for a person; empty where we had
    sent delivered codes, because an answer may echo them. ``retry_after`` is the receiver's wish,
    never negative, otherwise unclamped.
    """

    code: int | None = None
    error: Failure | None = None
    retry_after: timedelta | None = None
    excerpt: str = field(default="", repr=False)
    duration: timedelta

    @property
    def word(self) -> str:
        """What it came to, as one of ``RESULTS``."""
        if self.error is not None:
            return self.error
        return "acknowledged" if self.acknowledged else "gone" if self.gone else "refused"

    @property
    def acknowledged(self) -> bool:
        """Whether the receiver took it: 2xx and nothing else."""
        return self.code is not None and self.code // 100 == HTTPStatus.OK // 100

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more of them (410)."""
        return self.code == HTTPStatus.GONE


class Sender:
    """Posts webhooks over one pooled, guarded session. Made on the loop that will use it.

    ``development_hosts`` (``host`` or ``host:port``) are reached through a second session,
    without the guard, by http too. ``connections`` bounds each session; keep fewer POSTs than
    that under way, a wait for a connection counts against the deadline. ``resolver`` replaces
    the system's; its answers are judged all the same.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        development_hosts: Collection[str] = frozenset(),
        ports: Collection[int] = WEBHOOK_PORTS,
        connections: int = 256,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._clock = clock
        self._development_hosts = frozenset(host.lower() for host in development_hosts)
        self._ports = frozenset(ports)
        self._resolver = GuardedResolver(resolver or aiohttp.ThreadedResolver())
        self._guarded = _session(
            aiohttp.TCPConnector(
                resolver=self._resolver,
                socket_factory=guarded_socket,
                limit=connections,
                keepalive_timeout=_KEEPALIVE_SECONDS,
            )
        )
        self._unguarded = _session(
            aiohttp.TCPConnector(limit=connections, keepalive_timeout=_KEEPALIVE_SECONDS)
        )

    async def aclose(self) -> None:
        """Close every connection. The sender cannot be used afterwards."""
        await self._guarded.close()
        await self._unguarded.close()
        await self._resolver.close()

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, deadline_seconds: float = 15.0
    ) -> DeliveryResult:
        """Send ``body`` and wait for the answer, at most ``deadline_seconds``.

        Never raises but for its own cancellation: what goes wrong is in the result. A status
        line is an answer, even if the body behind it breaks off.
        """
        started = self._clock.monotonic()
        if check_url(url, self._development_hosts, self._ports) is not None:
            return DeliveryResult(error=Failure.BLOCKED, duration=self._since(started))
        exempt = is_development(url, self._development_hosts)
        session = self._unguarded if exempt else self._guarded
        try:
            async with asyncio.timeout(deadline_seconds):
                response = await session.post(
                    url, data=body, headers=headers, allow_redirects=False
                )
        except Exception as error:  # noqa: BLE001 -- a delivery that raised would be tried for ever
            return DeliveryResult(error=_failure(error), duration=self._since(started))
        left = deadline_seconds - (self._clock.monotonic() - started)
        answer = await _read(response, min(left, _BODY_SECONDS))
        return DeliveryResult(
            code=response.status,
            retry_after=_retry_after(response.headers.get("Retry-After"), self._clock.now()),
            excerpt="" if carries_goods(body) else _excerpt(answer, headers),
            duration=self._since(started),
        )

    def _since(self, started: float) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - started)


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_TIMEOUT,  # the deadline is ``post``'s; aiohttp would round it up to seconds
        auto_decompress=False,  # a small answer must not become a large one
        trust_env=False,
    )


async def _read(response: aiohttp.ClientResponse, seconds: float) -> bytes:
    """The first ``_READ_BYTES`` of the answer, or what came of them in time.

    Frees the connection: for reuse if the answer was read to its end, else by closing it.
    """
    content = response.content
    kept = b""
    try:
        if not content.at_eof():
            with suppress(aiohttp.ClientError, OSError):
                async with asyncio.timeout(seconds):
                    while len(kept) < _READ_BYTES and not content.at_eof():
                        kept += await content.read(_READ_BYTES - len(kept))
    finally:
        response.release()
    return kept


def _failure(error: Exception) -> Failure:
    cause = getattr(error, "os_error", None)
    if isinstance(cause, Blocked):
        return Failure.BLOCKED
    if isinstance(cause, ConnectionRefusedError):
        return Failure.REFUSED
    for kind, failure in _FAILURES:
        if isinstance(error, kind):
            return failure
    # Its text may hold the URL, and a URL may hold a token: only the class is told.
    log.error("delivery_failed_unexpectedly", error=type(error).__name__)
    return Failure.UNEXPECTED


def _excerpt(answer: bytes, headers: Mapping[str, str]) -> str:
    """What is kept of an answer: no secret, also where it echoes what we sent."""
    signatures = headers.get(_SIGNATURES, "").split()
    known = [part for each in signatures for part in (each, each.partition(",")[2])]
    return scrub_text(_printable(answer[:_LOOKED_AT_BYTES]), known, _EXCERPT_CHARACTERS)


def _printable(answer: bytes) -> str:
    text = answer.decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _retry_after(value: str | None, now: datetime) -> timedelta | None:
    """``Retry-After`` in either form (RFC 9110 §10.2.3); ``None`` if absent or unreadable."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return timedelta(seconds=int(value))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000": UTC of unknown origin
        moment = moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta())
