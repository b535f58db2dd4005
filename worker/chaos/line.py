"""A line to a server, which can be cut, mended, and made a black hole.

A forwarder on 127.0.0.1 in front of PostgreSQL or Redis. What a black hole is on a real network
(packets vanish, and nobody says so) is imitated as far as a program without the kernel's help
can: what is sent into it is taken and never arrives.
"""

import asyncio
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from worker.sandbox.wire import reset_transport

_BACKLOG: Final = 512
_PORTS: Final = {"postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379}


class _End(asyncio.Protocol):
    """One end of a forwarded connection."""

    def __init__(self, line: "Line") -> None:
        self._line = line
        self.transport: asyncio.Transport
        self.other: _End | None = None
        self.dark = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 -- it is a stream; tells mypy
        self.transport = transport
        self._line.ends.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and not self.dark:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def eof_received(self) -> bool:
        return self.dark  # a farewell, too, gets lost in a black hole

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._line.ends.discard(self)
        if self.other is not None and not self.dark:
            self.other.transport.close()


class _Near(_End):
    """The end towards a client: it opens the far one, and is not read from before that is there."""

    def __init__(self, line: "Line") -> None:
        super().__init__(line)
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._line.is_cut:  # it was accepted just before
            self.transport.abort()
        else:
            self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        # Not in ``connection_made``: Python 3.11.2 begins to read right after that, paused or not,
        # and what came before the far end is there would be lost. This begins before any data.
        self.transport.pause_reading()
        try:
            far = await self._line.reach()
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            far.transport.abort()
            return
        self.other, far.other = far, self
        self.transport.resume_reading()


class _Far(_End):
    """The end towards the server."""

    def __init__(self, line: "Line") -> None:
        super().__init__(line)
        self._heard = 0

    def data_received(self, data: bytes) -> None:
        mute_after = self._line.mute_after
        if mute_after is None or self._heard < mute_after:
            super().data_received(data)
        self._heard += len(data)


class Line:
    """Forwards 127.0.0.1:``port`` to the server of a URL.

    ``mute_after`` so many bytes from the server a connection stays open and carries nothing more.
    """

    def __init__(self, url: str, *, mute_after: int | None = None) -> None:
        self._url = url
        self.mute_after = mute_after
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._host = query.get("host", [parts.hostname or ""])[0]
        self._target = int(query.get("port", [str(parts.port or _PORTS[parts.scheme])])[0])
        self._server: asyncio.Server
        self.ends: set[_End] = set()
        self.is_cut = True
        self.port = 0

    @property
    def url(self) -> str:
        """The server's URL by way of this line."""
        parts = urlsplit(self._url)
        user = f"{parts.username or ''}:{parts.password}" if parts.password else parts.username
        return parts._replace(netloc=f"{user}@127.0.0.1:{self.port}", query="").geturl()

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self.is_cut = True
        self._server.close()
        for end in list(self.ends):
            end.transport.abort()
        await asyncio.sleep(0)

    async def mend(self) -> None:
        """Take connections, on the same port as before."""
        loop = asyncio.get_running_loop()
        self.is_cut = False
        self._server = await loop.create_server(
            lambda: _Near(self), "127.0.0.1", self.port, backlog=_BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def black_hole(self, seconds: float) -> None:
        """Forward nothing any more on the connections there are; new ones work.

        After so many seconds their clients hear of it, as from a kernel whose keep-alives were
        answered by nobody. The server never does: it learns of a lost client only when it sends
        to it, or hours later.
        """
        swallowed = self.go_dark()
        await asyncio.sleep(seconds)
        for client in (end for end in swallowed if isinstance(end, _Near)):
            if not client.transport.is_closing():
                reset_transport(client.transport)

    def go_dark(self) -> list[_End]:
        """Forward nothing any more on the connections there are, for good, and close none."""
        swallowed = [end for end in self.ends if not end.dark]
        for end in swallowed:
            end.dark = True
        return swallowed

    async def reach(self) -> _End:
        """A new connection to the server."""
        loop = asyncio.get_running_loop()
        if self._host.startswith("/"):  # the folder of a Unix socket, as in a PostgreSQL URL
            path = f"{self._host}/.s.PGSQL.{self._target}"
            _, far = await loop.create_unix_connection(lambda: _Far(self), path)
        else:
            _, far = await loop.create_connection(lambda: _Far(self), self._host, self._target)
        return far
