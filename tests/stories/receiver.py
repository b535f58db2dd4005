"""A producer's endpoint with moods."""

import json

from aiohttp import web

from worker.demo.receiver import Receiver, subject_of


class MoodyReceiver(Receiver):
    """Answers as it is told to; what it accepts is verified like any other."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[int] = []
        """Status codes for the next deliveries."""
        self.bodies: list[bytes] = []
        """Every body that arrived, accepted or not."""
        self._refused: set[str] = set()

    def refuse(self, deliver_id: str) -> None:
        """Answer 503 to whatever concerns this DeliverID, or this entry in quarantine."""
        self._refused.add(deliver_id)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        if self.answers:
            return web.Response(status=self.answers.pop(0))
        if subject_of(json.loads(body)["data"]) in self._refused:
            return web.Response(status=503)
        return await super()._take(request)
