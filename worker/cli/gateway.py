"""``orderline gateway``: callbacks and intents from the network, in a process of its own."""

from typing import Annotated

import typer

from worker import logs
from worker.gateway.serving import a_server, serve
from worker.settings import load_settings


def gateway(
    *,
    host: Annotated[
        str, typer.Option(help="The address to listen at; 0.0.0.0 for all of them.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any free one.")] = 8700,
) -> None:
    """Take in providers' callbacks and producers' intents by HTTP, until SIGTERM or Ctrl-C.

    Run it behind a proxy that speaks TLS, whose address ORDERLINE_GATEWAY_PROXIES names, and say in
    ORDERLINE_PUBLIC_URL where it is reached from outside: workers then tell providers where to
    call back about each order. It needs Redis; without the database it takes in all the same. How
    it is used is on its page /docs; /healthz and /readyz are for probes.

    Ends with 0 once it was told to, 1 where it could not begin to serve.

    Example: orderline gateway --host 0.0.0.0 --port 8700
    """
    settings = load_settings()
    server = a_server(settings, host, port)
    logs.configure(settings.log_format, settings.log_level)
    if not serve(server):
        raise typer.Exit(1)
