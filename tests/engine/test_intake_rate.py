"""Back-pressure ends at the door: intents are taken in as fast while their provider is dark."""

import asyncio
import json
import socket
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from redis.asyncio import Redis

from schemas.jobs import OrderBell
from tasks.engine import EngineThread
from tasks.intake import Intake
from tests.builders import an_intent
from worker.crypto import Vault
from worker.settings import Settings
from worker.store import producers
from worker.store.session import Database
from worker.streams import put_all, stream_of

MANY: Final = 2000
PERMITS: Final = 32
PAIRS: Final = 3
PATIENCE: Final = 120
SLOWEST: Final = 100
"""Intents a second that are taken in at the very least, on whatever machine."""
SHARE: Final = 0.5
"""How much of its usual rate the intake keeps at least; it is more, but machines are busy."""


class Bells:
    """Stands where Celery does, and rings at once."""

    thread: EngineThread

    def send_task(self, task: str, *, args: list[Any], **_: Any) -> None:
        if task.startswith("order."):
            provider, account, ids = args
            order_ids = tuple(map(UUID, ids))
            bell = OrderBell(task=task, provider=provider, account=account, order_ids=order_ids)
            self.thread.submit(self.thread.engine.hear(bell))


@pytest.fixture
def dark() -> Iterator[str]:
    """The address of a provider that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_url=database_url,
        redis_url=redis_url,
        encryption_keys=Vault.new_key(),
        grace=1,
        pulse_dir=tmp_path,
    )


@asynccontextmanager
async def taking_in(settings: Settings) -> AsyncIterator[EngineThread]:
    """A worker's engine with its intake, as Celery would start them."""
    bells = Bells()
    thread = bells.thread = EngineThread(settings, bells)
    await asyncio.to_thread(thread.start)
    readers: list[Intake] = []

    async def read() -> None:
        readers.append(Intake(thread))
        await readers[0].run()

    running = thread.submit(read())
    try:
        yield thread
    finally:
        readers[0].stop()
        await asyncio.to_thread(running.result, 10)
        await asyncio.to_thread(thread.stop)


async def rate(redis: Redis, first: int, count: int) -> float:
    """How many intents a second are taken in, of so many that lie on the stream at once."""
    intents = [
        json.dumps(an_intent(f"d-{number}", intent_id=f"i-{number}")).encode()
        for number in range(first, first + count)
    ]
    begun = time.monotonic()
    await put_all(redis, "shop", intents)
    async with asyncio.timeout(PATIENCE):
        while await redis.xlen(stream_of("shop")):
            await asyncio.sleep(0.005)
    return count / (time.monotonic() - begun)


@pytest.mark.slow
async def test_intents_are_taken_in_as_fast_while_their_provider_hangs(
    db: Database,
    vault: Vault,
    settings: Settings,
    redis_url: str,
    dark: str,
    record_property: Callable[[str, object], None],
) -> None:
    await producers.add(
        db, vault, name="shop", notify_url="https://shop.example/h", secret="whsec_c2VjcmV0"
    )
    account = {"base_url": dark, "email": "a@b.example", "password": "pw", "concurrency": PERMITS}
    accounts = {"hyperteknoloji": {"default": {k: str(v) for k, v in account.items()}}}
    hangs = settings.model_copy(
        update={"accounts": Settings(**settings.model_dump() | {"accounts": accounts}).accounts}
    )
    rates: dict[str, list[float]] = {"usual": [], "dark": []}
    first = 0
    async with Redis.from_url(redis_url) as redis:
        for pair in range(PAIRS):
            for name in ("usual", "dark") if pair % 2 else ("dark", "usual"):
                async with taking_in(hangs if name == "dark" else settings) as thread:
                    await rate(redis, first, 2 * PERMITS)  # its calls hang by now
                    first += 2 * PERMITS
                    rates[name].append(await rate(redis, first, MANY))
                    first += MANY
                    held = sum(pump.working for pump in thread.engine.orders.values())
                    assert held == (PERMITS if name == "dark" else 0)
    usual, while_dark = (statistics.median(rates[name]) for name in ("usual", "dark"))
    record_property("taken in per second, as usual", usual)
    record_property("taken in per second, while the provider hangs", while_dark)
    assert while_dark > max(SLOWEST, SHARE * usual), rates
