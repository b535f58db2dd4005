"""httpx's transport interface over an aiohttp session.

httpx's own pool scans every connection for every request, which costs tens of milliseconds
under load. No redirects, no cookies, no proxies, nothing from the environment.
"""

import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import httpx
from yarl import URL

from worker.http.deadline import Deadline
from worker.http.exchange import BodyTooLarge, Exchange, GatedRequest, Line, MonotonicClock
from worker.http.reply import Reply

DEFAULT_LIMIT: Final = 32
MAX_BODY: Final = 1024 * 1024
CONNECT_TIMEOUT: Final = 5.0

COMMITTING_IDLE: Final = 5.0
"""Seconds of rest after which a connection carries no call that commits money.

Common servers close theirs after 5 s (Node.js, Apache): a request that meets the close on
its way is in doubt, and a new connection is cheaper than that.
"""
READING_IDLE: Final = 15.0
"""The same for calls that change nothing, where a lost one is merely asked again."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_NO_BOUNDS: Final[Mapping[str, Any]] = MappingProxyType({})

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

_ENCODED: Final = frozenset({b"content-encoding", b"content-length"})


class AiohttpTransport(httpx.AsyncBaseTransport):
    """One pool of at most ``limit`` connections. Make it inside a running loop; close it.

    ``max_body`` bytes of a decompressed answer are read, then the call is given up.
    ``connect_timeout`` seconds bound one connection's TCP and TLS handshakes. Request bodies
    are held in memory; request extension ``exchange`` carries an ``Exchange`` of our own,
    without one httpx's ``timeout`` extension counts.
    """

    def __init__(
        self,
        *,
        limit: int = DEFAULT_LIMIT,
        max_body: int = MAX_BODY,
        connect_timeout: float = CONNECT_TIMEOUT,
        tls: ssl.SSLContext | None = None,
        monotonic: MonotonicClock = time.monotonic,
    ) -> None:
        self._line = Line(monotonic)
        self._max_body = max_body
        self._connect_timeout = connect_timeout
        self._session = aiohttp.ClientSession(
            # ssl=True is aiohttp's one verifying context, made at import.
            connector=aiohttp.TCPConnector(
                limit=limit, keepalive_timeout=READING_IDLE, ssl=tls or True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=GatedRequest,
            timeout=aiohttp.ClientTimeout(sock_connect=connect_timeout),
        )

    def exchange(self, deadline: Deadline | None = None, *, commits: bool = True) -> Exchange:
        """Begin an exchange on this pool, to be handed over as the request's extension."""
        return Exchange(self._line, COMMITTING_IDLE if commits else READING_IDLE, deadline)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request, once; return when the headers of its answer are there.

        Raises ``httpx.TransportError``. ``RuntimeError`` after ``aclose``.
        """
        exchange, bounds = self._terms(request)
        content = await request.aread()
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in request.headers.raw
            if name.lower() not in _FRAMING  # aiohttp frames what it sends
        ]
        url = URL(str(request.url), encoded=True)
        response = await self._send(request.method, url, headers, content, exchange, bounds)
        return httpx.Response(
            response.status,
            headers=_decoded(response),
            stream=_Body(response, exchange, self._max_body),
        )

    async def ask(
        self, method: str, url: URL, headers: Headers, content: bytes | None, exchange: Exchange
    ) -> Reply:
        """Send one request, once, and wait for the whole answer.

        The same without httpx's own objects for it, which cost as much again as the sending.
        """
        response = await self._send(method, url, headers, content, exchange, _NO_BOUNDS)
        exchange.status = response.status
        body = [chunk async for chunk in _Body(response, exchange, self._max_body)]
        return Reply(response.status, httpx.Headers(_decoded(response)), b"".join(body))

    async def aclose(self) -> None:
        """Close every connection; calls under way end as failures."""
        await self._session.close()

    async def _send(
        self,
        method: str,
        url: URL,
        headers: Headers,
        content: bytes | None,
        exchange: Exchange,
        bounds: Mapping[str, Any],
    ) -> aiohttp.ClientResponse:
        return await self._session.request(
            method,
            url,
            data=content or None,
            headers=headers,
            allow_redirects=False,
            middlewares=(exchange,),
            **bounds,
        )

    def _terms(self, request: httpx.Request) -> tuple[Exchange, dict[str, Any]]:
        """Take our exchange, or begin one bounded by the httpx client's own timeouts."""
        if (exchange := request.extensions.get("exchange")) is not None:
            return exchange, {}
        wishes = request.extensions.get("timeout", {})
        bounds = aiohttp.ClientTimeout(
            connect=wishes.get("pool"),
            sock_connect=wishes.get("connect", self._connect_timeout),
            sock_read=wishes.get("read"),
        )
        return self.exchange(), {"timeout": bounds}


class _Body(httpx.AsyncByteStream):
    """An answer's body, decompressed piece by piece and given up above ``limit`` bytes.

    Its connection goes back to the pool only when all of it was read.
    """

    def __init__(self, response: aiohttp.ClientResponse, exchange: Exchange, limit: int) -> None:
        self._response = response
        self._exchange = exchange
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        try:
            async for chunk in self._response.content.iter_any():
                taken += len(chunk)
                if taken > self._limit:
                    raise BodyTooLarge  # noqa: TRY301 - translated like every other failure
                yield chunk
        except Exception as exc:
            raise self._exchange.failure(exc) from exc
        finally:
            self._response.close()

    async def aclose(self) -> None:
        self._response.close()


def _decoded(response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """Give the answer's headers without those that describe it before decompression."""
    headers = list(response.raw_headers)
    if "content-encoding" not in response.headers:
        return headers
    return [(name, value) for name, value in headers if name.lower() not in _ENCODED]
