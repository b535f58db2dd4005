"""A producer's endpoint that can be made to keep its callers waiting."""

import asyncio

from aiohttp import web

from worker.demo.receiver import Receiver


class PatientReceiver(Receiver):
    """Answers at once, unless it is told to hold what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.held = 0
        """How many deliveries wait for an answer."""
        self.gone = 0
        """How many deliveries got 410 for an answer."""
        self.is_gone = False
        """Whether that is what it answers now."""
        self._open = asyncio.Event()
        self._open.set()

    def hold(self) -> None:
        """Answer nothing from now on."""
        self._open.clear()

    def let_go(self) -> None:
        """Answer again, whatever waits included."""
        self._open.set()

    async def _take(self, request: web.Request) -> web.Response:
        self.held += 1
        await self._open.wait()
        self.held -= 1
        if self.is_gone:
            self.gone += 1
            return web.Response(status=410)
        if request.transport is None or request.transport.is_closing():
            return web.Response(status=503)  # nobody is there any more to hear it
        return await super()._take(request)
