"""The remote: provider and producer in one cheap process, ``python -m tests.bench.remote``.

It parses as much of HTTP as its clients speak (``Content-Length`` bodies, kept connections) and
costs some tens of microseconds a request, so that what is measured are the workers. A provider's
answer is the order as it was sent with an id in front, after the latency; a webhook is answered
at once. Its books hold how often each order was called for and each line was told, and when the
first of each arrived (``time.monotonic``, which all processes of a machine share).

Its first line of output is its port. It ends with its standard input.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from tests.bench import job

run: Callable[..., Any] = asyncio.run
with suppress(ImportError):
    import uvloop

    run = uvloop.run

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NUMBER: Final = re.compile(rb'"platform":\{"id":"(\d+)"')
_LINE: Final = re.compile(rb'"deliver_id":"([^"]+)"')
_HEADER: Final = re.compile(rb"\r\n(webhook-[a-z]+): *([^\r]+)", re.IGNORECASE)
_VERIFY_EVERY: Final = 16
_HEAD_ENDS: Final = b"\r\n\r\n"
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
_REFUSED: Final = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"

Heard = dict[str, list[float]]
"""How often, and when first, by what it was about."""


@dataclass(slots=True)
class Books:
    """All that arrived since the last reset."""

    latency: float = 0.0
    orders: Heard = field(default_factory=dict)
    lines: Heard = field(default_factory=dict)
    calls: int = 0
    hooks: int = 0
    verified: int = 0
    forged: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    def count(self) -> dict[str, Any]:
        """The sums."""
        return {
            "orders": len(self.orders),
            "lines": len(self.lines),
            "calls": self.calls,
            "hooks": self.hooks,
            "verified": self.verified,
            "forged": self.forged,
            "most_in_flight": self.most_in_flight,
        }


def _note(heard: Heard, name: str) -> None:
    known = heard.get(name)
    if known is None:
        heard[name] = [1, time.monotonic()]
    else:
        known[0] += 1


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, remote: "Remote") -> None:
        self._remote = remote
        self._unread = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not of that class

    def data_received(self, data: bytes) -> None:
        self._unread = self._unread + data if self._unread else data
        while self._unread:
            end = self._unread.find(_HEAD_ENDS)
            if end < 0:
                return
            head = self._unread[:end]
            found = _LENGTH.search(head)
            whole = end + len(_HEAD_ENDS) + (int(found[1]) if found else 0)
            if len(self._unread) < whole:
                return
            body = self._unread[end + len(_HEAD_ENDS) : whole]
            self._unread = self._unread[whole:]
            self._remote.answer(head, body, self.send)

    def send(self, answer: bytes) -> None:
        """Write an answer, unless the client has gone."""
        if not self._transport.is_closing():
            self._transport.write(answer)


class Remote:
    """What is behind the connections."""

    def __init__(self) -> None:
        self.books = Books()
        self._loop = asyncio.get_running_loop()

    def answer(self, head: bytes, body: bytes, send: Callable[[bytes], None]) -> None:
        """Answer one request."""
        if head.startswith(b"POST /api/orders"):
            self._create(body, send)
        elif head.startswith(b"POST /hooks/"):
            send(self._hear(head, body))
        else:
            target = head.split(b" ", 2)[1].decode()
            send(self._control(urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))))

    def _create(self, body: bytes, send: Callable[[bytes], None]) -> None:
        books = self.books
        found = _NUMBER.search(body)
        if found is None:
            send(_REFUSED)
            return
        books.calls += 1
        books.in_flight += 1
        books.most_in_flight = max(books.most_in_flight, books.in_flight)
        _note(books.orders, found[1].decode())
        answer = b'{"id":"p%b","shortId":"s%b",%b' % (found[1], found[1], body[1:])
        self._loop.call_later(books.latency, self._reply, books, send, answer)

    def _reply(self, books: Books, send: Callable[[bytes], None], answer: bytes) -> None:
        books.in_flight -= 1
        send(_OK % (len(answer), answer))

    def _hear(self, head: bytes, body: bytes) -> bytes:
        books = self.books
        found = _LINE.search(body)
        if found is None:
            return _REFUSED
        books.hooks += 1
        if books.hooks % _VERIFY_EVERY == 1:
            if _is_genuine(head, body):
                books.verified += 1
            else:
                books.forged += 1
        _note(books.lines, found[1].decode())
        return _OK % (0, b"")

    def _control(self, path: str, asked: dict[str, str]) -> bytes:
        match path:
            case "/control/reset":
                self.books = Books(latency=float(asked["latency"]))
                said: dict[str, Any] = {}
            case "/control/count":
                said = self.books.count()
            case "/control/books":
                said = {
                    **self.books.count(),
                    "by_order": self.books.orders,
                    "by_line": self.books.lines,
                }
            case _:
                return _REFUSED
        answer = json.dumps(said).encode()
        return _OK % (len(answer), answer)


def _is_genuine(head: bytes, body: bytes) -> bool:
    said = {name.lower(): value.decode() for name, value in _HEADER.findall(head)}
    try:
        webhook_id, stamp = said[b"webhook-id"], said[b"webhook-timestamp"]
        theirs = said[b"webhook-signature"].split()
    except KeyError:
        return False
    return f"v1,{job.signature(webhook_id, stamp, body)}" in theirs


async def main() -> None:
    """Serve until the standard input ends."""
    loop = asyncio.get_running_loop()
    remote = Remote()
    server = await loop.create_server(lambda: Connection(remote), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 -- how our starter learns it
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    run(main())
