"""``orderline gateway``: the door for providers' callbacks and for producers without Redis."""

from typing import Annotated

import typer

from worker import logs
from worker.gateway.serving import a_server
from worker.runtime import check_settings
from worker.settings import load_settings


def gateway(
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Its port.")] = 8820,
) -> None:
    """Serve callbacks and the API for producers until SIGTERM or Ctrl-C.

    Needs Redis only to take callbacks and intents in. Put TLS in front of it, and say in
    ORDERLINE_PUBLIC_URL where providers reach it.

    Example: orderline gateway --host 0.0.0.0 --port 8820
    """
    settings = load_settings()
    check_settings(settings)
    logs.configure(settings.log_format, settings.log_level)
    a_server(settings, host, port).run()
