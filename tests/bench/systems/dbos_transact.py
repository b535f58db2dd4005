"""DBOS Transact: a durable workflow an order, its queue in the same PostgreSQL.

Five steps for a mean order (record, call, settle, and for each line tell, which records that, too),
each of them checkpointed. Plain SQL over a psycopg pool; two processes. Async and threads were
tried: async is a little faster. ``BENCH_AT_ONCE`` and ``BENCH_POLL`` try other widths and pauses.
"""

import sys
from typing import ClassVar, Final

from dbos import DBOSClient, EnqueueOptions

from tests.bench import job
from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.systems.base import Recorded, System, execute
from tests.bench.systems.peers import RESET, empty_queues, recorded

QUEUE: Final = "orders"
WORKFLOW: Final = "place"
VERSION: Final = "bench"


class Dbos(System):
    """A worker of so many processes."""

    name = "dbos-2"
    says = "DBOS Transact, two processes, psycopg, aiohttp"
    guess: ClassVar = {0.005: 40.0, 0.2: 35.0}
    workers: ClassVar[int] = 2
    style: ClassVar[str] = "async"

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._client: DBOSClient | None = None

    async def start(self) -> None:
        empty_queues(self.ground)
        execute(self.ground.peers_url, "DROP SCHEMA IF EXISTS dbos CASCADE", *RESET)
        for number in range(1, self.workers + 1):
            command = (sys.executable, "-m", "tests.bench.systems.dbos_transact_app")
            told = {"BENCH_EXECUTOR": f"{number}", "BENCH_STYLE": self.style}
            self.spawn(f"worker{number}", command, {**self.ground.peers_environment(), **told})
            await self._is_up(number)
        url = self.ground.peers_url.replace("postgresql://", "postgresql+psycopg://")
        self._client = DBOSClient(system_database_url=url)

    async def close(self) -> None:
        if self._client is not None:
            self._client.destroy()

    async def fill(self, orders: Orders) -> None:
        for number in orders.numbers:
            await self.send(number)

    async def send(self, number: int) -> None:
        assert self._client is not None
        options: EnqueueOptions = {
            "queue_name": QUEUE,
            "workflow_name": WORKFLOW,
            "workflow_id": str(number),
            "app_version": VERSION,
        }
        self._client.enqueue(options, job.intent(number))

    def recorded(self) -> Recorded:
        return recorded(self.ground)

    def clear(self) -> None:
        own = "TRUNCATE dbos.workflow_status, dbos.operation_outputs CASCADE"
        truncate = "TRUNCATE orders, lines, deliveries"
        execute(self.ground.peers_url, own, truncate, "CHECKPOINT")

    async def _is_up(self, number: int) -> None:
        """Wait for its word, so that no two migrate the same schema."""
        await self.said(f"worker{number}", "ready")
