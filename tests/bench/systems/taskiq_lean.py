"""Lean taskiq: asyncio end to end, on a Redis stream, which acknowledges what was done.

A psycopg pool with plain SQL, one statement and one commit a step, all deliveries of an order in
one; aiohttp, an order's webhooks beside each other; uvloop; 500 tasks at once in each process.
"""

import sys
from typing import ClassVar

from taskiq import AsyncBroker
from taskiq.kicker import AsyncKicker
from taskiq_redis import RedisStreamBroker

from tests.bench import job
from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.systems.base import Recorded, System, execute
from tests.bench.systems.peers import RESET, empty_queues, recorded


class Taskiq(System):
    """A worker of so many processes."""

    workers: ClassVar[int]

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._broker: AsyncBroker = RedisStreamBroker(ground.servers.redis_url)

    async def start(self) -> None:
        empty_queues(self.ground)
        execute(self.ground.peers_url, *RESET)
        await self._broker.startup()
        command = (
            *(sys.executable, "-m", "taskiq", "worker"),
            "tests.bench.systems.taskiq_lean_app:broker",
            *("--workers", str(self.workers), "--max-async-tasks", "500"),
            *("--max-prefetch", "500", "--log-level", "WARNING", "--no-configure-logging"),
        )
        self.spawn("worker", command, self.ground.peers_environment())

    async def close(self) -> None:
        await self._broker.shutdown()

    async def fill(self, orders: Orders) -> None:
        for number in orders.numbers:
            await self.send(number)

    async def send(self, number: int) -> None:
        kicker: AsyncKicker[..., None] = AsyncKicker("bench:place", self._broker, {})
        await kicker.kiq(job.intent(number))

    def recorded(self) -> Recorded:
        return recorded(self.ground)

    def clear(self) -> None:
        execute(self.ground.peers_url, "TRUNCATE orders, lines, deliveries", "CHECKPOINT")


class TaskiqOne(Taskiq):
    """One process."""

    name = "taskiq-1"
    says = "lean taskiq, one process, psycopg, aiohttp"
    guess: ClassVar = {0.005: 180.0, 0.2: 180.0}
    workers = 1


class TaskiqTwo(Taskiq):
    """Two processes."""

    name = "taskiq-2"
    says = "lean taskiq, two processes, psycopg, aiohttp"
    guess: ClassVar = {0.005: 300.0, 0.2: 320.0}
    workers = 2
