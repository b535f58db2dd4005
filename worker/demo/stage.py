"""The stage: starts everything, submits the scenario, makes the trouble it asks for, waits."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from worker import streams
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.demo.receiver import Receiver
from worker.demo.scenario import PRODUCERS, TR, Case, Scenario
from worker.demo.verdict import Verdict, judge, read_books
from worker.embedded import Servers
from worker.embedded.leash import Leashed, stop_all
from worker.embedded.system import System
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.sandbox import Outage, Sandbox, SandboxSettings
from worker.settings import Settings
from worker.store import migrations, producers
from worker.store.session import Database

OUTAGE_SECONDS: Final = 7.0
PATIENCE: Final = 50.0
"""Seconds after which what is not finished counts as lost."""

_CALL_TIMEOUT: Final = "3"
_SETTINGS: Final = {
    "ORDERLINE_RETRY_BASE": "0.4",
    "ORDERLINE_RETRY_CAP": "2",
    "ORDERLINE_LOOK_UP_WAITS": "1,1.5,2",
    "ORDERLINE_START_GRACE": "1",
    "ORDERLINE_QUOTE_MARGIN": "1",
    "ORDERLINE_LEASE_MARGIN": "3",
    "ORDERLINE_GRACE": "6",
    "ORDERLINE_LOG_FORMAT": "json",
}
"""The demonstration cannot wait as long as production should."""


@dataclass(slots=True)
class Stage:
    """A running demonstration."""

    db: Database
    redis: Redis
    sandbox: Sandbox
    receiver: Receiver
    system: System
    processes: list[Leashed]
    """Two workers and beat; more workers when some are killed."""
    say: Callable[[str], None]
    cases: list[tuple[Case, str | None]] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    async def play(self, *, chaos: bool) -> Verdict:
        """Submit everything, wait until it has come to rest, and judge."""
        scenario = Scenario()
        self.say("Submitting intents of two producers for two providers")
        await self._submit(list(scenario.before_outage()))
        if chaos:
            await self._make_trouble()
        await self._until(self._calls_are_over)
        self.say(f"Hyperteknoloji goes away for {OUTAGE_SECONDS:g} s; more intents arrive")
        await self.sandbox.outage("hyperteknoloji", Outage.REFUSE, OUTAGE_SECONDS)
        await self._submit(list(scenario.during_outage()))
        await self._until(self._at_rest)
        await self._until_told()
        seconds = time.monotonic() - self.started
        books = await read_books(self.db)
        return judge(self.cases, books, self.sandbox, self.receiver.received, seconds)

    async def _submit(self, cases: list[Case]) -> None:
        for case in cases:
            await streams.put(self.redis, case.producer, case.raw)
            self.cases.append((case, _intent_id(case)))

    async def _make_trouble(self) -> None:
        self.say("Chaos: Redis is wiped, and a worker is killed (SIGKILL); another one starts")
        while await streams.waiting(self.redis, PRODUCERS):
            await asyncio.sleep(0.02)
        await self.redis.flushall()
        self.processes[0].signal(signal.SIGKILL)
        self.processes.append(await asyncio.to_thread(self.system.worker, "worker3"))

    async def _until(self, reached: Callable[[dict[tuple[str, str], str]], bool]) -> None:
        while time.monotonic() - self.started < PATIENCE:
            if reached((await read_books(self.db)).states):
                return
            await asyncio.sleep(0.1)

    def _calls_are_over(self, states: dict[tuple[str, str], str]) -> bool:
        """Whether the outage would cut no buying call, which would end in honest doubt."""
        under_way = {OrderState.ACCEPTED, OrderState.PLACING}
        mine = [state for (producer, _), state in states.items() if producer == TR]
        return len(mine) > 0 and under_way.isdisjoint(mine)

    def _at_rest(self, states: dict[tuple[str, str], str]) -> bool:
        wanted = {(case.producer, name) for case, name in self.cases if case.ends is not None}
        ended = {*TERMINAL_ORDERS, OrderState.PARKED}
        return wanted <= states.keys() and all(state in ended for state in states.values())

    async def _until_told(self) -> None:
        while time.monotonic() - self.started < PATIENCE:
            books = await read_books(self.db)
            if books.acknowledged == books.notifications:
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def set_stage(
    servers: Servers, home: Path, say: Callable[[str], None]
) -> AsyncIterator[Stage]:
    """A migrated database, the sandbox, a receiver, two workers and beat."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        sandbox = await stack.enter_async_context(Sandbox(settings=SandboxSettings(pace=1.5)))
        system = System(
            home=home,
            servers=servers,
            encryption_key=Vault.new_key(),
            accounts={
                provider: {
                    name: {**fields, "call_timeout": _CALL_TIMEOUT} for name, fields in of.items()
                }
                for provider, of in sandbox.account_settings().items()
            },
            development_hosts=receiver.host,
            overrides=_SETTINGS,
        )
        settings = Settings(
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            encryption_keys=system.encryption_key,
        )
        say("Migrating the database")
        await asyncio.to_thread(migrations.upgrade, settings.sqlalchemy_url)
        db = Database(settings.sqlalchemy_url)
        stack.push_async_callback(db.close)
        await _register(db, Vault([system.encryption_key]), receiver)
        redis = await stack.enter_async_context(Redis.from_url(servers.redis_url))
        say("Starting two workers and beat")
        processes: list[Leashed] = []
        stack.push_async_callback(asyncio.to_thread, stop_all, processes)
        for name in ("worker1", "worker2"):
            processes.append(await asyncio.to_thread(system.worker, name))
        processes.append(await asyncio.to_thread(system.beat))
        yield Stage(db, redis, sandbox, receiver, system, processes, say)


async def _register(db: Database, vault: Vault, receiver: Receiver) -> None:
    for name in PRODUCERS:
        secret = new_secret()
        await producers.add(db, vault, name=name, notify_url=receiver.hook(name), secret=secret)
        receiver.trust(name, secret)


def _intent_id(case: Case) -> str | None:
    try:
        found = json.loads(case.raw).get("intent_id")
    except ValueError:
        return None
    return str(found)
