"""A TCP proxy in front of a server, whose line can be cut, or go dead without a word."""

import asyncio
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Line:
    """Forwards 127.0.0.1:``port`` to a server, until it is cut.

    ``host`` starting with a slash is a unix socket's folder, as in a PostgreSQL URL. ``mute_after``
    so many bytes from the server each connection stays open and carries nothing more.
    """

    def __init__(self, host: str, port: int, *, mute_after: int | None = None) -> None:
        self._host = host
        self._target = port
        self._mute_after = mute_after
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    @classmethod
    def to_database(cls, url: str, *, mute_after: int | None = None) -> Self:
        """A line to the embedded PostgreSQL, or another one whose URL names host and port."""
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        host = query.get("host", [parts.hostname or "127.0.0.1"])[0]
        port = int(query.get("port", [str(parts.port or 5432)])[0])
        return cls(host, port, mute_after=mute_after)

    def through(self, url: str) -> str:
        """A server's URL as it is reached by this line."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}127.0.0.1:{self.port}", query="").geturl()

    async def cut(self) -> None:
        """Drop every connection and refuse new ones."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    def go_dead(self) -> None:
        """Forward nothing more on the connections there are, and close none; new ones work."""
        self._dead |= self._writers

    async def mend(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            far = asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._target}")
        else:
            far = asyncio.open_connection(self._host, self._target)
        far_reader, far_writer = await far
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(
                self._pass(reader, far_writer),
                self._pass(far_reader, writer, self._mute_after),
            )
        finally:
            self._writers -= {writer, far_writer}
            self._dead -= {writer, far_writer}

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mute_after: int | None = None,
    ) -> None:
        passed = 0
        try:
            while data := await reader.read(65536):
                if writer not in self._dead and (mute_after is None or passed < mute_after):
                    writer.write(data)
                    await writer.drain()
                passed += len(data)
        except OSError:
            pass
        finally:
            writer.close()
