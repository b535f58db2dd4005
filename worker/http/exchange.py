"""One request on its way: the last look before it is written, and how far it came.

aiohttp's exceptions do not say whether a request may have left: the same class is raised for
a connection that never was and for one that died with the request in its buffers. What does
say it is *when*. ``GatedRequest.send`` runs exactly once a connection exists and before a byte
of the request is written; ``Exchange.written`` is set there and nowhere else, and every
judgement rests on it. An exchange is aiohttp's middleware for its one request, so the mark
travels with the call and no other session is touched.
"""

import asyncio
import re
import select
import time
from collections.abc import Callable, MutableMapping
from typing import Final
from weakref import WeakKeyDictionary

import aiohttp
import httpx
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from worker.http.deadline import Deadline

MonotonicClock = Callable[[], float]

_LINE_BREAK: Final = re.compile("[\r\n\0]")


class Line:
    """The clock of one connection pool, and since when each of its connections has rested."""

    def __init__(self, monotonic: MonotonicClock = time.monotonic) -> None:
        self.now = monotonic
        self.resting: MutableMapping[ResponseHandler, float] = WeakKeyDictionary()

    def rest(self, protocol: ResponseHandler) -> None:
        """Note that a connection was given back just now."""
        self.resting[protocol] = self.now()


class StaleConnection(Exception):
    """A pooled connection is not to be trusted with this request."""


class ClosedBeforeUse(Exception):
    """A new connection was closed, or spoken on, before we had asked anything."""


class DeadlinePassed(Exception):
    """The moment by which the request had to be written is over."""


class BadHeader(Exception):
    """A header's value holds a line break; aiohttp would refuse it only after ``enter``."""


class BodyTooLarge(Exception):
    """The answer is larger than what is accepted."""


class Exchange:
    """One request and its answer: its deadline, its clock's cut, and whether it was written.

    ``status`` is that of the answer, once its headers were there.

    ``timer`` cuts the call at ``start_by`` while nothing is written, and at ``end_by`` from
    then on; without a deadline it never does. ``max_idle`` is the longest rest, in seconds,
    after which a connection is still used.
    """

    __slots__ = ("_begun_at", "_deadline", "_line", "_max_idle", "status", "timer", "written")

    def __init__(self, line: Line, max_idle: float, deadline: Deadline | None = None) -> None:
        self._line = line
        self._max_idle = max_idle
        self._deadline = deadline
        self._begun_at = asyncio.get_running_loop().time()
        self.written = False
        self.status: int | None = None
        self.timer = asyncio.timeout(None if deadline is None else deadline.start_by - line.now())

    @property
    def waited(self) -> float:
        """Seconds since it was begun."""
        return asyncio.get_running_loop().time() - self._begun_at

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Run the request as aiohttp's middleware, up to the answer's headers.

        Every failure leaves as an httpx exception. That is also what keeps aiohttp from
        sending GET, PUT and DELETE a second time when a reused connection dies: it does so
        only for its own exceptions.
        """
        if not isinstance(request, GatedRequest):
            raise TypeError("the session must be made with request_class=GatedRequest")
        request.exchange = self
        while True:
            try:
                return await handler(request)
            except StaleConnection:
                continue  # nothing was written, and aiohttp has dropped that connection
            except Exception as exc:
                raise self.failure(exc) from exc

    def enter(self, connection: Connection) -> None:
        """Let the request onto this connection, or raise while nothing is written."""
        protocol, now = connection.protocol, self._line.now()
        if protocol is None:
            raise ClosedBeforeUse
        rested_since = self._line.resting.pop(protocol, None)
        if rested_since is not None and now - rested_since > self._max_idle:
            raise StaleConnection
        if not _is_silent(connection):
            raise ClosedBeforeUse if rested_since is None else StaleConnection
        if self._deadline is not None:
            if self._deadline.started_too_late(now):
                raise DeadlinePassed
            loop = asyncio.get_running_loop()
            self.timer.reschedule(loop.time() + self._deadline.remaining(now))
        connection.add_callback(lambda: self._line.rest(protocol))
        self.written = True

    def failure(self, exc: Exception) -> httpx.TransportError:
        """Put what went wrong into httpx's words; its text is our reason.

        Once a connection existed it is never a ``ConnectError`` or ``ConnectTimeout``.
        """
        for kind, translation, reason in _WRITTEN if self.written else _UNWRITTEN:
            if isinstance(exc, kind):
                return translation(reason)
        return httpx.TransportError(type(exc).__name__)


class GatedRequest(aiohttp.ClientRequest):
    """A request that asks its exchange before it is written."""

    exchange: Exchange

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the request, unless the exchange objects."""
        if _LINE_BREAK.search("".join(self.headers.values())):
            raise BadHeader
        self.exchange.enter(conn)
        return await super().send(conn)


def _is_silent(connection: Connection) -> bool:
    """Whether nothing came in on a connection on which nothing was asked.

    The socket is asked as well: a busy loop may not have read the peer's FIN yet. Answers to
    no question are as bad (servers send 408 to an idle connection): aiohttp would take one
    for the answer to the next request. On TLS the kernel may hold session tickets, which only
    the loop can tell from a farewell.
    """
    protocol, transport = connection.protocol, connection.transport
    if protocol is None or transport is None or connection.closed or protocol.should_close:
        return False
    if transport.get_extra_info("sslcontext") is not None:
        return True
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return not poll.poll(0)


_Translation = tuple[type[Exception], type[httpx.TransportError], str]

_UNWRITTEN: Final[tuple[_Translation, ...]] = (
    (DeadlinePassed, httpx.WriteTimeout, "deadline_passed"),
    (ClosedBeforeUse, httpx.WriteError, "connection_closed"),
    (BadHeader, httpx.LocalProtocolError, "bad_header"),
    (aiohttp.ClientConnectorDNSError, httpx.ConnectError, "dns_failed"),
    (aiohttp.ClientSSLError, httpx.ConnectError, "tls_failed"),
    (TimeoutError, httpx.ConnectTimeout, "connect_timeout"),
    (aiohttp.ClientError, httpx.ConnectError, "connect_failed"),
    (OSError, httpx.ConnectError, "connect_failed"),
)

_WRITTEN: Final[tuple[_Translation, ...]] = (
    (BodyTooLarge, httpx.RemoteProtocolError, "body_too_large"),
    (TimeoutError, httpx.ReadTimeout, "read_timeout"),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError, "body_broken"),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "not_http"),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, "connection_lost"),
    (aiohttp.ClientError, httpx.ReadError, "connection_lost"),
    (OSError, httpx.ReadError, "connection_lost"),
)
