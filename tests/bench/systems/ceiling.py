"""The ceiling: no queue, no retries, one asyncio process that does the writes and the calls.

It is handed intents in a file that grows, and writes what Orderline does (order and lines; the
attempt, before the call; the outcome with an event a line; a delivery), each in group commits, so
that its rate is about what Python, aiohttp and PostgreSQL allow one process here.
"""

import sys
from typing import ClassVar

from tests.bench import job
from tests.bench.job import Orders
from tests.bench.systems.base import Recorded, System, execute
from tests.bench.systems.peers import RESET, empty_queues, recorded

_MORE: tuple[str, ...] = (
    """CREATE TABLE attempts (
        id UUID PRIMARY KEY, order_id UUID NOT NULL, number INT NOT NULL, reference TEXT NOT NULL,
        opened_at TIMESTAMPTZ NOT NULL DEFAULT now(), outcome TEXT, closed_at TIMESTAMPTZ,
        UNIQUE (order_id, number))""",
    """CREATE TABLE events (
        id UUID PRIMARY KEY, order_id UUID NOT NULL, line_id UUID NOT NULL, sequence INT NOT NULL,
        type TEXT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now(), data JSONB NOT NULL,
        UNIQUE (line_id, sequence))""",
    "CREATE INDEX events_of_an_order ON events (order_id)",
)


class Ceiling(System):
    """The one process."""

    name = "ceiling"
    says = "no queue: one asyncio process, aiohttp, group commits"
    guess: ClassVar = {0.005: 1000.0, 0.2: 1000.0}

    async def start(self) -> None:
        empty_queues(self.ground)
        execute(self.ground.peers_url, *RESET, *_MORE)
        self._pipe = self.ground.home / "ceiling.intents"
        self._pipe.unlink(missing_ok=True)
        self._pipe.touch()
        told = {**self.ground.peers_environment(), "BENCH_INTENTS": str(self._pipe)}
        self.spawn("worker", (sys.executable, "-m", "tests.bench.systems.ceiling_app"), told)
        await self.said("worker", "ready")

    async def fill(self, orders: Orders) -> None:
        self._put(b"".join(each + b"\n" for each in job.encode_all(orders.numbers)))

    async def send(self, number: int) -> None:
        self._put(job.encoded(number) + b"\n")

    def recorded(self) -> Recorded:
        return recorded(self.ground)

    def clear(self) -> None:
        truncate = "TRUNCATE orders, lines, attempts, events, deliveries"
        execute(self.ground.peers_url, truncate, "CHECKPOINT")

    def _put(self, intents: bytes) -> None:
        with self._pipe.open("ab", buffering=0) as pipe:
            pipe.write(intents)
