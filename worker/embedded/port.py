"""A port of this machine that nobody uses."""

import socket
from contextlib import suppress


def free_port(*wished: int) -> int:
    """The first of these that is free now, else any other. Whoever wants it should be quick."""
    for port in (*wished, 0):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found: int = probe.getsockname()[1]
            return found
    raise OSError("no port of 127.0.0.1 is free")
