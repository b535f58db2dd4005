"""A port of this machine that nobody uses."""

import socket


def free_port() -> int:
    """One that is free now. Whoever wants it should be quick."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
