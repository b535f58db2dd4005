"""Real worker processes against the sandbox, to be killed at the worst moment."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from worker import streams
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.demo.receiver import Receiver
from worker.embedded import Servers
from worker.embedded.leash import Leashed, stop_all
from worker.embedded.system import System
from worker.providers import REGISTRY
from worker.sandbox import Sandbox, SandboxSettings
from worker.store import producers
from worker.store.session import Database

SHOP = "shop"
PATIENCE = 40.0

_RESTLESS = """
SELECT (SELECT count(*) FROM orders WHERE due_at IS NOT NULL)
     + (SELECT count(*) FROM notifications WHERE due_at IS NOT NULL)
"""


@dataclass
class Works:
    """A whole installation whose workers are processes."""

    system: System
    sandbox: Sandbox
    receiver: Receiver
    db: Database
    redis: Redis
    running: list[Leashed] = field(default_factory=list)

    async def start_worker(self, name: str, *options: str, **environment: str) -> Leashed:
        system = replace(self.system, overrides={**self.system.overrides, **environment})
        if environment.keys() & {"CRASH_AT", "HANG_AT"}:
            system = replace(system, app="tests.crash.victim")
        worker = await asyncio.to_thread(system.worker, name, *options)
        self.running.append(worker)
        return worker

    async def start_beat(self) -> None:
        self.running.append(await asyncio.to_thread(self.system.beat))

    async def submit(self, *bodies: Mapping[str, Any]) -> None:
        for body in bodies:
            await streams.put(self.redis, SHOP, json.dumps(body))

    async def until(self, reached: Callable[[], Any], what: str) -> None:
        """Wait until something is so; ``reached`` may be a coroutine function."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = reached()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(
            f"after {PATIENCE} s it is still not so that {what}: {await self.due()}"
        )

    async def due(self) -> list[Any]:
        """What is not at rest, for whoever reads a failure."""
        async with self.db.reading() as connection:
            orders = await connection.execute(
                text("SELECT intent_id, state, step, reason, due_at - orderline_now() FROM orders")
            )
            return list(orders.all())

    async def until_at_rest(self, orders: int) -> None:
        """Wait until so many orders exist and nothing is due any more."""

        async def at_rest() -> bool:
            count = await self.one("SELECT count(*) FROM orders")
            return bool(count == orders and await self.one(_RESTLESS) == 0)

        await self.until(at_rest, f"{orders} orders are at rest and told")

    async def one(self, query: str, **values: Any) -> Any:
        async with self.db.reading() as connection:
            return (await connection.execute(text(query), values)).scalar_one_or_none()

    async def states(self) -> dict[str, str]:
        async with self.db.reading() as connection:
            rows = await connection.execute(text("SELECT intent_id, state FROM orders"))
            return {row.intent_id: row.state for row in rows}

    def bought(self) -> int:
        """Live orders at all providers together; none may be there twice."""
        for remote in REGISTRY:
            assert self.sandbox.books.duplicates(remote) == {}
        return sum(
            len({row.order_id for row in self.sandbox.live_orders(remote)}) for remote in REGISTRY
        )


@pytest.fixture
async def works(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Works]:
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        sandbox = await stack.enter_async_context(
            Sandbox(settings=SandboxSettings(pace=0.5, callbacks=False))
        )
        system = System(
            home=tmp_path,
            servers=Servers(database_url, redis_url),
            encryption_key=Vault.new_key(),
            accounts={
                provider: {name: {**fields, "call_timeout": "2"} for name, fields in of.items()}
                for provider, of in sandbox.account_settings().items()
            },
            development_hosts=receiver.host,
            overrides={
                "ORDERLINE_START_GRACE": "0.5",
                "ORDERLINE_LEASE_MARGIN": "0.5",
                "ORDERLINE_RETRY_BASE": "0.2",
                "ORDERLINE_RETRY_CAP": "1",
                "ORDERLINE_LOOK_UP_WAITS": "0.5,0.5,0.5",
                "ORDERLINE_DELIVERY_TIMEOUT": "2",
                "ORDERLINE_GRACE": "5",
                "ORDERLINE_LOG_FORMAT": "json",
            },
        )
        db = Database(f"postgresql+psycopg://{database_url.partition('://')[2]}")
        stack.push_async_callback(db.close)
        redis = await stack.enter_async_context(Redis.from_url(redis_url))
        secret = new_secret()
        receiver.trust(SHOP, secret)
        vault = Vault([system.encryption_key])
        await producers.add(db, vault, name=SHOP, notify_url=receiver.hook(SHOP), secret=secret)
        installation = Works(system, sandbox, receiver, db, redis)
        stack.push_async_callback(asyncio.to_thread, stop_all, installation.running)
        yield installation
