"""What a run is made on: our own servers behind lines, remotes, receivers, workers and beat."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from worker import streams
from worker.chaos.forwarder import Forwarder
from worker.chaos.line import Line
from worker.chaos.plan import PRODUCERS
from worker.chaos.receiving import ForgetfulReceiver
from worker.crypto import Vault
from worker.demo.crew import BEAT, Crew
from worker.demo.installing import migrated, register
from worker.embedded import Keeper, Servers
from worker.embedded.system import System
from worker.sandbox import Sandbox, SandboxSettings
from worker.store.session import Database

FAULT_RATE: Final = 0.04
PACE: Final = 1.0
WINDOW: Final = timedelta(seconds=20)
"""Of quotes that name no end, and of the prices that a provider freezes."""
CALL_TIMEOUT: Final = 2.0
START_GRACE: Final = 0.5
QUOTE_MARGIN: Final = 1.0
NEEDS: Final = timedelta(seconds=START_GRACE + CALL_TIMEOUT + QUOTE_MARGIN)
"""How much of its window a purchase must have left when it is begun."""
BOOKS_RATE: Final = 40.0
"""Pages of a remote's books a second."""
CONCURRENCY: Final = 8
"""Calls to one account at once, per worker: the remotes live in this one process."""

_SETTINGS: Final = {
    "ORDERLINE_START_GRACE": str(START_GRACE),
    "ORDERLINE_QUOTE_MARGIN": str(QUOTE_MARGIN),
    "ORDERLINE_LEASE_MARGIN": "1",
    "ORDERLINE_BREAKER_PAUSE": "1",
    "ORDERLINE_RETRY_BASE": "0.3",
    "ORDERLINE_RETRY_CAP": "2",
    "ORDERLINE_RETRY_FOR": "20",
    "ORDERLINE_RETRY_FLOOR": "100",
    "ORDERLINE_QUOTE_WINDOW": str(WINDOW.total_seconds()),
    "ORDERLINE_LOOK_UP_WAITS": "0.5,1,2,4",
    "ORDERLINE_ABSENCE_AFTER": "8",
    "ORDERLINE_DELIVERY_TIMEOUT": "10",
    "ORDERLINE_RECONCILE_EVERY": "5",
    "ORDERLINE_GRACE": "4",
    "ORDERLINE_LOG_FORMAT": "json",
}
"""A run cannot wait as long as production should; nothing else is different."""

_ANSWER_WITHIN: Final = 3.0
_TRIES: Final = 50
_BEGUN: Final = "engine_started"
_BEGUN_WITHIN: Final = 60.0
_LOOK_EVERY: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """A whole installation, and the handles to break it by."""

    keeper: Keeper
    db: Database
    """By no line: the audit's own way."""
    vault: Vault
    redis: Redis
    """By no line, too."""
    to_postgres: Line
    to_redis: Line
    producers_redis: Redis
    """The producers' way to Redis, by the line that workers use."""
    sandbox: Sandbox
    receiver: ForgetfulReceiver
    forwarder: Forwarder
    crew: Crew

    async def in_streams(self) -> int:
        """How many entries are in the streams."""
        waiting = await streams.waiting(self.redis, PRODUCERS)
        lag = await streams.lag(self.redis, streams.CALLBACKS)
        return sum(count for count, _ in waiting.values()) + (lag[0] if lag else 0)


@asynccontextmanager
async def set_up(
    keeper: Keeper, home: Path, *, seed: int, workers: int, say: Callable[[str], None]
) -> AsyncIterator[Works]:
    """Everything at work. ``home`` takes the logs."""
    async with AsyncExitStack() as stack:
        to_postgres = await stack.enter_async_context(Line(keeper.servers.database_url))
        to_redis = await stack.enter_async_context(Line(keeper.servers.redis_url))
        receiver = await stack.enter_async_context(ForgetfulReceiver(seed))
        habits = SandboxSettings(pace=PACE, fault_rate=FAULT_RATE, frozen_for=WINDOW)
        sandbox = await stack.enter_async_context(Sandbox(settings=habits, seed=seed))
        vault = Vault([key := Vault.new_key()])
        redis = await stack.enter_async_context(_redis(keeper.servers.redis_url, tries=_TRIES))
        by_line = await stack.enter_async_context(_redis(to_redis.url, tries=0))
        forwarder = await stack.enter_async_context(Forwarder(by_line, vault, seed))
        say("Migrating the database")
        db = await stack.enter_async_context(migrated(keeper.servers, key))
        await register(PRODUCERS, db, vault, receiver)
        system = System(
            home=home,
            servers=Servers(to_postgres.url, to_redis.url),
            encryption_key=key,
            accounts=_accounts(sandbox, forwarder),
            development_hosts=receiver.host,
            overrides=_SETTINGS,
        )
        say(f"Starting {workers} workers and beat")
        crew = await _crew(stack, system, workers)
        yield Works(
            keeper=keeper,
            db=db,
            vault=vault,
            redis=redis,
            to_postgres=to_postgres,
            to_redis=to_redis,
            producers_redis=by_line,
            sandbox=sandbox,
            receiver=receiver,
            forwarder=forwarder,
            crew=crew,
        )


def worker_names(workers: int) -> list[str]:
    """What so many workers are called."""
    return [f"worker{number}" for number in range(1, workers + 1)]


async def _crew(stack: AsyncExitStack, system: System, workers: int) -> Crew:
    names = worker_names(workers)
    crew = await stack.enter_async_context(Crew(system))
    await crew.start(*names, BEAT)
    await _at_work(system.home, names)
    return crew


async def _at_work(home: Path, names: Collection[str]) -> None:
    """Wait until every worker has begun, so that troubles meet work and not a start."""
    give_up_at = time.monotonic() + _BEGUN_WITHIN
    while time.monotonic() < give_up_at:
        if all(_BEGUN in (home / f"{name}.log").read_text() for name in names):
            return
        await asyncio.sleep(_LOOK_EVERY)


def _redis(url: str, *, tries: int) -> Redis:
    """A client that sends again by itself so often; never, where it matters what was sent."""
    return Redis.from_url(
        url,
        retry=Retry(ConstantBackoff(_LOOK_EVERY), tries),
        socket_timeout=_ANSWER_WITHIN,
        socket_connect_timeout=_ANSWER_WITHIN,
    )


def _accounts(
    sandbox: Sandbox, forwarder: Forwarder
) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    ours = {
        "call_timeout": str(CALL_TIMEOUT),
        "concurrency": str(CONCURRENCY),
        "books_rate": str(BOOKS_RATE),
    }
    return {
        provider: {
            name: {**fields, **ours, **forwarder.settings(provider)}
            for name, fields in named.items()
        }
        for provider, named in sandbox.account_settings().items()
    }
