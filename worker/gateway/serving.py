"""The process: an ASGI server around the application, ended gracefully by SIGTERM or SIGINT."""

import signal
from math import ceil
from typing import Final

import uvicorn

from worker.gateway.app import create_app
from worker.settings import Settings

AT_ONCE: Final = 1000
"""How many connections are served at once; further ones are answered 503."""
IDLE: Final = 30
"""Seconds that a connection may lie idle between two requests."""


def a_server(settings: Settings, host: str, port: int) -> uvicorn.Server:
    """A server that logs no request of its own: the front tells each in one line.

    Raises ``SettingsError``.
    """
    return uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=host,
            port=port,
            access_log=False,
            log_config=None,
            lifespan="on",
            ws="none",
            proxy_headers=bool(settings.gateway_proxies.strip()),
            forwarded_allow_ips=settings.gateway_proxies,
            server_header=False,
            limit_concurrency=AT_ONCE,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=ceil(settings.grace.total_seconds()),
        )
    )


def serve(server: uvicorn.Server) -> bool:
    """Serve until SIGTERM or SIGINT, and then let requests finish. Whether it ever served."""
    # Having ended gracefully, uvicorn sends itself the signal once more: that is to do nothing.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run()
    return server.started
