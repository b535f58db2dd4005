"""A port that can be shut while the rest of the sandbox lives on: connections are refused."""

import asyncio

from aiohttp import web

from worker.sandbox.wire import reset_transport


class Door:
    """One listening port of a shared HTTP server. Port 0 takes a free one and then keeps it."""

    def __init__(self, server: web.Server, host: str, port: int) -> None:
        self._server = server
        self._host = host
        self.port = port
        self._listening: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen. Raises ``OSError`` when the port is taken."""
        if self._listening is not None:
            return
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            self._server, self._host, self.port, backlog=1024
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Stop listening, so that new connections are refused; the open ones stay."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def drop_callers(self) -> None:
        """Reset the connections that came in by this door."""
        for connection in self._server.connections:
            transport = connection.transport
            if transport is not None and transport.get_extra_info("sockname")[1] == self.port:
                reset_transport(transport)
