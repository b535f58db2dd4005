"""A producer's server on loopback, and the sender that may reach it."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from worker.clock import SystemClock
from worker.delivery.sender import Sender

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def an_answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Producer:
    """A producer's server: remembers what it got and answers as told."""

    behaviour: bytes | Behaviour
    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
                if isinstance(self.behaviour, bytes):
                    writer.write(self.behaviour)
                else:
                    await self.behaviour(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def a_producer(
    behaviour: bytes | Behaviour = NO_CONTENT, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Producer]:
    producer = Producer(behaviour)
    server = await asyncio.start_server(producer.serve, "127.0.0.1", 0, ssl=tls)
    producer.port = server.sockets[0].getsockname()[1]
    try:
        yield producer
    finally:
        server.close()


@asynccontextmanager
async def a_sender(*hosts: str, **options: object) -> AsyncIterator[Sender]:
    sender = Sender(SystemClock(), development_hosts=hosts, **options)  # type: ignore[arg-type] # the tests' own shorthand
    try:
        yield sender
    finally:
        await sender.aclose()


@asynccontextmanager
async def a_pair(
    behaviour: bytes | Behaviour = NO_CONTENT,
) -> AsyncIterator[tuple[Producer, Sender]]:
    async with a_producer(behaviour) as producer, a_sender(producer.host) as sender:
        yield producer, sender
