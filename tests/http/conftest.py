"""A remote that can misbehave at any moment, on a real socket, and counts what it read."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress

import pytest
import uvloop

from worker.http import Deadline

Behaviour = Callable[["Peer"], Awaitable[None]]


def ample() -> Deadline:
    """Enough for any call on a slow machine, and an end for one that hangs by mistake."""
    return Deadline.after(start=30, total=30)


_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Each story is told on both loops: they notice a lost connection in different ways."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Peer:
    """The remote's end of one connection; every byte it sends or reads is on purpose."""

    def __init__(self, remote: "Remote", sock: socket.socket) -> None:
        self._remote = remote
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._unread = b""

    async def read(self) -> bytes:
        """Read one whole request and count it."""
        while (end := self._unread.find(b"\r\n\r\n")) < 0:
            await self._more()
        head = self._unread[:end]
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        size = end + 4 + int(fields.get(b"content-length", b"0"))
        while len(self._unread) < size:
            await self._more()
        request, self._unread = self._unread[:size], self._unread[size:]
        self._remote.hits.append(request)
        return request

    async def arrival(self) -> None:
        """Wait until something has arrived, and read none of it."""
        arrived = self._loop.create_future()
        self._loop.add_reader(self._sock, arrived.set_result, None)
        try:
            await arrived
        finally:
            self._loop.remove_reader(self._sock)

    async def answer(self, body: bytes = b'{"ok":true}', *, status: str = "200 OK") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
        await self.say(head.encode() + body)

    async def say(self, raw: bytes) -> None:
        await self._loop.sock_sendall(self._sock, raw)

    async def fin(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    async def rst(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()

    async def garbage(self) -> None:
        await self.say(b"\x16\x03\x01 this is not HTTP\r\n\r\n")

    async def truncated(self) -> None:
        await self.say(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":')
        await self.fin()

    async def hang(self) -> None:
        """Say nothing, and leave the connection open until the story is over."""

    async def _more(self) -> None:
        data = await self._loop.sock_recv(self._sock, 65536)
        if not data:
            raise EOFError
        self._unread += data


async def polite(peer: Peer) -> None:
    """Answer every request."""
    while True:
        await peer.read()
        await peer.answer()


class Remote:
    """Serves its n-th connection by the n-th of its ``behaviours``, later ones politely."""

    def __init__(self) -> None:
        self.hits: list[bytes] = []
        self.connections = 0
        self.behaviours: list[Behaviour] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0)
        self._sockets = [self._listener]
        self._tasks: list[asyncio.Task[None]] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._accept()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in self._sockets:
            sock.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(self._listener)
            sock.settimeout(0)
            self._sockets.append(sock)
            behave = self.behaviours.pop(0) if self.behaviours else polite
            self.connections += 1
            self._tasks.append(asyncio.create_task(self._serve(behave, Peer(self, sock))))

    async def _serve(self, behave: Behaviour, peer: Peer) -> None:
        with suppress(EOFError, ConnectionError):  # the client left
            await behave(peer)


@pytest.fixture
async def remote() -> AsyncIterator[Remote]:
    one = Remote()
    one.start()
    yield one
    await one.stop()


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that the next one waits for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for filler in fillers:
            filler.close()
