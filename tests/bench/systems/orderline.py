"""Orderline itself: product code and default settings, ``celery -A tasks.app worker`` and beat."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar, Final

from redis.asyncio import Redis

from tests.bench import job
from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.systems.base import Recorded, System, execute, two_counts
from worker.crypto import Vault
from worker.embedded.system import System as Installation
from worker.settings import Settings
from worker.store import migrations, producers
from worker.store.session import Database
from worker.streams import put, put_all

_CHUNK: Final = 500
_TABLES: Final = (
    "deliveries, notifications, events, attempts, lines, orders, quarantine, surplus_orders"
)
_RECORDED: Final = """
SELECT (SELECT count(*) FROM orders WHERE producer = 'bench' AND state = 'fulfilled'),
    (SELECT count(*) FROM deliveries d JOIN notifications n USING (event_id)
     WHERE n.producer = 'bench' AND n.state = 'acknowledged')
"""
_OWED: Final = """
SELECT (SELECT count(*) FROM orders WHERE due_at IS NOT NULL),
    (SELECT count(*) FROM notifications WHERE due_at IS NOT NULL)
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
        return Installation(
            home=self.ground.home,
            servers=self.ground.servers,
            encryption_key=self._key,
            accounts={"threekit": self.accounts},
            development_hosts=f"127.0.0.1:{self.ground.remote.port}",
        )

    @property
    def fields(self) -> dict[str, str]:
        """What every account is configured with."""
        return {"base_url": self.ground.remote.url, "token": job.TOKEN, **self.account}

    @property
    def accounts(self) -> Mapping[str, Mapping[str, str]]:
        """The provider's accounts by their names."""
        return {"default": self.fields}

    async def start(self) -> None:
        await self._redis.flushall()
        await self._prepare_database()
        names = [f"worker{number + 1}" for number in range(self.workers)]
        for name in names:
            self.log(name).unlink(missing_ok=True)
            self.keep(self.installation.worker(f"{self.name}-{name}"))
        self.keep(self.installation.beat())
        for name in names:
            await self.said(name, "engine_started")

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

    def is_settled(self, orders: int, lines: int) -> bool:
        """Nothing is owed any more: two small indexes tell, however much there is besides."""
        del orders, lines
        owed = two_counts(self.ground.servers.database_url, _OWED)
        return owed.orders == owed.lines == 0

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
