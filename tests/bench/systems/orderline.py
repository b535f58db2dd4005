"""Orderline itself: product code and default settings, ``celery -A tasks.app worker`` and beat."""

import asyncio
import time
from typing import ClassVar, Final

from redis.asyncio import Redis

from tests.bench import job
from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.systems.base import Recorded, System, execute, since, two_counts
from worker.crypto import Vault
from worker.embedded.system import System as Installation
from worker.settings import Settings
from worker.store import migrations, producers
from worker.store.session import Database
from worker.streams import put, put_all

_CHUNK: Final = 500
_STARTS_WITHIN: Final = 60.0
_TABLES: Final = (
    "deliveries, notifications, events, attempts, lines, orders, quarantine, surplus_orders"
)
_RECORDED: Final = """
SELECT (SELECT count(*) FROM orders WHERE producer = 'bench' AND state = 'fulfilled'),
    (SELECT count(*) FROM deliveries d JOIN notifications n USING (event_id)
     WHERE n.producer = 'bench' AND n.state = 'acknowledged')
"""


class Orderline(System):
    """Workers, and beat beside them."""

    workers: ClassVar[int]
    account: ClassVar[dict[str, str]] = {}
    """Fields of the provider's account besides its address and its token."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._key = Vault.new_key()
        self._redis: Redis = Redis.from_url(ground.servers.redis_url)

    @property
    def installation(self) -> Installation:
        """How its processes are started."""
        remote = self.ground.remote
        fields = {"base_url": remote.url, "token": job.TOKEN, **self.account}
        return Installation(
            home=self.ground.home,
            servers=self.ground.servers,
            encryption_key=self._key,
            accounts={"threekit": {"default": fields}},
            development_hosts=f"127.0.0.1:{remote.port}",
        )

    async def start(self) -> None:
        await self._redis.flushall()
        await self._prepare_database()
        names = [f"{self.name}-worker{number + 1}" for number in range(self.workers)]
        for name in names:
            (self.ground.home / f"{name}.log").unlink(missing_ok=True)
            self.keep(self.installation.worker(name))
        self.keep(self.installation.beat())
        began = time.monotonic()
        while not all(map(self._has_begun, names)) and since(began) < _STARTS_WITHIN:
            self.check()
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self._redis.aclose()

    async def fill(self, orders: Orders) -> None:
        for first in range(0, orders.count, _CHUNK):
            numbers = orders.numbers[first : first + _CHUNK]
            await put_all(self._redis, job.PRODUCER, job.encode_all(numbers))

    async def send(self, number: int) -> None:
        await put(self._redis, job.PRODUCER, job.encoded(number))

    def recorded(self) -> Recorded:
        return two_counts(self.ground.servers.database_url, _RECORDED)

    def clear(self) -> None:
        execute(self.ground.servers.database_url, f"TRUNCATE {_TABLES} CASCADE", "CHECKPOINT")

    async def _prepare_database(self) -> None:
        settings = Settings(
            database_url=self.ground.servers.database_url,
            redis_url=self.ground.servers.redis_url,
            encryption_keys=self._key,
        )
        await asyncio.to_thread(migrations.upgrade, settings.sqlalchemy_url)
        self.clear()
        tables = "producers, webhook_secrets, endpoints, accounts"
        execute(self.ground.servers.database_url, f"TRUNCATE {tables} CASCADE")
        db, hook = Database(settings.sqlalchemy_url), self.ground.remote.url + job.HOOK_PATH
        try:
            await producers.add(
                db, Vault([self._key]), name=job.PRODUCER, notify_url=hook, secret=job.SECRET
            )
        finally:
            await db.close()

    def _has_begun(self, name: str) -> bool:
        log = self.ground.home / f"{name}.log"
        return log.exists() and "engine_started" in log.read_text()


class OrderlineOne(Orderline):
    """One worker process."""

    name = "orderline-1"
    says = "Orderline, one worker process, beat; default settings"
    guess: ClassVar = {0.005: 250.0, 0.2: 120.0}
    workers = 1


class OrderlineTwo(Orderline):
    """Two worker processes."""

    name = "orderline-2"
    says = "Orderline, two worker processes, beat; default settings"
    guess: ClassVar = {0.005: 400.0, 0.2: 250.0}
    workers = 2


class OrderlineTwoWide(Orderline):
    """Two worker processes, of which each may make more calls at once."""

    name = "orderline-2-wide"
    says = "the same with the account's own limit at 500 calls at once (default 32 a process)"
    guess: ClassVar = {0.005: 400.0, 0.2: 400.0}
    workers = 2
    account: ClassVar = {"concurrency": "500"}
