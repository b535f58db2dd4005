"""Idiomatic Celery, as its documentation and most tutorials have it: a task an order.

``acks_late``, JSON, no results; httpx's ``Client``, one a process, with a pool as large as the
process has slots; SQLModel with a session a step and a pool of the same size. Runs in four pools.
"""

import sys
from typing import Any, ClassVar

from celery import Celery

from tests.bench import job
from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.systems.base import Recorded, System, execute
from tests.bench.systems.peers import RESET, empty_queues, recorded

APP = "tests.bench.systems.celery_plain_app"
TASK = "bench.place"


class CeleryPeer(System):
    """A worker, or several, with an app of Celery's."""

    app: ClassVar[str] = APP
    workers: ClassVar[int] = 1
    options: ClassVar[tuple[str, ...]]

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._celery = Celery("bench", broker=ground.servers.redis_url)
        self._producer: Any = None

    async def start(self) -> None:
        empty_queues(self.ground)
        execute(self.ground.peers_url, *RESET)
        celery = (sys.executable, "-m", "celery", "-A", self.app, "worker")
        for number in range(1, self.workers + 1):
            named = ("--hostname", f"{self.name}-{number}@%h", "--loglevel", "WARNING")
            self.spawn(
                f"worker{number}",
                (*celery, *named, *self.options),
                self.ground.peers_environment(),
            )
        connection = self._celery.connection_for_write()
        self._producer = self._celery.amqp.Producer(connection)

    async def close(self) -> None:
        self._celery.close()

    async def fill(self, orders: Orders) -> None:
        for number in orders.numbers:
            await self.send(number)

    async def send(self, number: int) -> None:
        self._celery.send_task(TASK, args=[job.intent(number)], producer=self._producer)

    def recorded(self) -> Recorded:
        return recorded(self.ground)

    def clear(self) -> None:
        execute(self.ground.peers_url, "TRUNCATE orders, lines, deliveries", "CHECKPOINT")


class Prefork2(CeleryPeer):
    """The default pool, a process a core."""

    name = "celery-prefork-2"
    says = "idiomatic Celery, prefork, 2 processes"
    guess: ClassVar = {0.005: 50.0, 0.2: 8.0}
    options = ("--pool", "prefork", "--concurrency", "2")


class Prefork16(CeleryPeer):
    """The default pool, with processes to wait in."""

    name = "celery-prefork-16"
    says = "idiomatic Celery, prefork, 16 processes"
    guess: ClassVar = {0.005: 70.0, 0.2: 48.0}
    options = ("--pool", "prefork", "--concurrency", "16")


class Threads64(CeleryPeer):
    """Threads in one process."""

    name = "celery-threads-64"
    says = "idiomatic Celery, 64 threads"
    guess: ClassVar = {0.005: 42.0, 0.2: 40.0}
    options = ("--pool", "threads", "--concurrency", "64")


class Gevent500(CeleryPeer):
    """Green threads in one process."""

    name = "celery-gevent-500"
    says = "idiomatic Celery, gevent, 500 greenlets"
    guess: ClassVar = {0.005: 30.0, 0.2: 28.0}
    options = ("--pool", "gevent", "--concurrency", "500")
