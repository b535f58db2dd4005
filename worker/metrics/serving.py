"""A worker's own small port: ``/metrics`` and nothing else, on a thread of its own.

So that it answers also while the loop stands still, which is when somebody wants to know.
"""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from worker.logs import get_logger
from worker.metrics.exposing import CONTENT_TYPE, PATH, Collected, exposed, may_read
from worker.settings import Settings

log = get_logger(__name__)

_PATIENCE: Final = 5.0
"""Seconds after which whoever asks slowly is left alone."""
_LOOK_EVERY: Final = 0.05
"""Seconds between two looks whether to stop."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, handler: Any) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        super().__init__((host, port), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody is there to be told; whoever went away asks again."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server_version = sys_version = ""

    def __init__(self, parts: tuple[Collected, ...], token: str | None, *args: Any) -> None:
        self._parts = parts
        self._token = token
        super().__init__(*args)

    def do_GET(self) -> None:
        """Tell the metrics, if that is what is asked."""
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND, b"there is /metrics only\n", "text/plain")
        elif self._token and not may_read(self._token, self.headers.get("authorization")):
            self._answer(HTTPStatus.UNAUTHORIZED, b"a bearer token belongs here\n", "text/plain")
        else:
            self._answer(HTTPStatus.OK, exposed(*self._parts), CONTENT_TYPE)

    def log_message(self, *_: Any) -> None:
        """Scrapes are not worth a line."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        if status is HTTPStatus.UNAUTHORIZED:
            self.send_header("www-authenticate", "Bearer")
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def metrics_served(settings: Settings, *parts: Collected) -> Iterator[int | None]:
    """Serve these at the settings' port while the block lasts; the port, ``None`` where none is.

    A port that is taken (by another worker of this host) is said in the log, and nothing else
    happens: a worker works without.
    """
    server = _opened(settings, parts)
    if server is None:
        yield None
        return
    thread = threading.Thread(
        target=server.serve_forever, args=(_LOOK_EVERY,), name="metrics", daemon=True
    )
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_PATIENCE)


def _opened(settings: Settings, parts: tuple[Collected, ...]) -> _Server | None:
    port = settings.metrics_port
    if not port:
        return None
    token = settings.metrics_token
    secret = None if token is None else token.get_secret_value()
    try:
        return _Server(settings.metrics_host, port, partial(_Handler, parts, secret))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        log.warning(
            "metrics_port_taken" if taken else "metrics_not_served", error=type(error).__name__
        )
        return None
