"""The stage: starts everything, submits the scenario, makes the trouble it asks for, waits."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from schemas.orders import RecentLine
from worker import streams
from worker.crypto import Vault
from worker.demo.books import AT_REST, Books, Key, read_books
from worker.demo.crew import BEAT, GATEWAY, Crew
from worker.demo.eavesdropper import Eavesdropper
from worker.demo.installing import migrated, register
from worker.demo.leaks import search
from worker.demo.receiver import Receiver
from worker.demo.scenario import PRODUCERS, TR, Case, Scenario
from worker.demo.verdict import Verdict, Witnesses, judge
from worker.demo.visitor import until_serving, visit
from worker.embedded import Servers
from worker.embedded.port import free_port
from worker.embedded.system import System
from worker.lifecycle import OrderState
from worker.sandbox import Outage, Sandbox, SandboxSettings
from worker.store import api_keys, views
from worker.store.intake import EntryKind
from worker.store.session import Database

OUTAGE_SECONDS: Final = 7.0
PATIENCE: Final = 50.0
"""Seconds after which what is not finished counts as lost."""

_LINES: Final = 500
"""More than the scenario has."""
_LOOK_EVERY: Final = 0.1
_CALL_TIMEOUT: Final = "3"
_CREDENTIALS: Final = ("email", "token", "callback_api_key", "client_secret")
"""Of the sandbox's accounts; its password is a word that may stand anywhere."""
_BOUGHT: Final = frozenset({OrderState.PLACED, OrderState.FULFILLED, OrderState.PARKED})
_SETTINGS: Final = {
    "ORDERLINE_BREAKER_PAUSE": "1",
    "ORDERLINE_RETRY_BASE": "0.4",
    "ORDERLINE_RETRY_CAP": "2",
    "ORDERLINE_RETRY_FLOOR": "100",
    "ORDERLINE_LOOK_UP_WAITS": "1,1.5,2",
    "ORDERLINE_START_GRACE": "1",
    "ORDERLINE_QUOTE_MARGIN": "1",
    "ORDERLINE_LEASE_MARGIN": "3",
    "ORDERLINE_GRACE": "6",
    "ORDERLINE_LOG_FORMAT": "json",
}
"""The demonstration cannot wait as long as production should."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who watches: ``say`` gets a sentence now and then, ``show`` every line, often.

    Lines come oldest first, each with its story, and with the number of quarantined intents.
    """

    say: Callable[[str], None]
    show: Callable[[Sequence[tuple[RecentLine, str]], int], None]


@dataclass(slots=True)
class Stage:
    """A running demonstration."""

    db: Database
    redis: Redis
    sandbox: Sandbox
    receiver: Receiver
    eavesdropper: Eavesdropper
    crew: Crew
    api_keys: Mapping[str, str] = field(repr=False)
    secrets: Sequence[str] = field(repr=False)
    audience: Audience
    scenario: Scenario
    cases: list[Case] = field(default_factory=list)
    stories: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    async def play(self, *, chaos: bool) -> Verdict:
        """Submit everything, wait until it has come to rest, and judge.

        Raises ``ProcessEnded`` when a worker or beat ends by itself.
        """
        first = list(self.scenario.before_outage())
        providers = len(self.sandbox.account_settings())
        self.audience.say(f"{len(first)} intents of two producers for {providers} providers")
        await self._submit(first)
        if chaos:
            await self._make_trouble()
        await self._until(self._calls_are_over)
        await self._call_off()
        self.audience.say(f"Hyperteknoloji goes away for {OUTAGE_SECONDS:g} s; more intents arrive")
        await self.sandbox.outage("hyperteknoloji", Outage.REFUSE, OUTAGE_SECONDS)
        await self._submit(list(self.scenario.during_outage()))
        await self._until(self._at_rest)
        await self._until(lambda books: books.acknowledged == books.notifications)
        return await self._judge(chaos=chaos)

    async def _submit(self, cases: list[Case]) -> None:
        for case in cases:
            self.cases.append(case)
            for deliver_id in case.deliver_ids:
                self.stories.setdefault(deliver_id, case.story)
            await streams.put(self.redis, case.producer, case.raw)

    async def _call_off(self) -> None:
        """Say that some orders are not wanted any more, once they are bought."""
        wanted = {(case.producer, case.intent_id or "") for case in self.scenario.to_cancel}
        await self._until(lambda books: all(books.states.get(key) in _BOUGHT for key in wanted))
        self.audience.say(f"{len(wanted)} orders are not wanted any more")
        for producer, intent_id in wanted:
            wish = json.dumps({"intent_id": intent_id, "reason": "the customer left"})
            await streams.put(self.redis, producer, wish, EntryKind.CANCEL)
        await self._until(lambda books: books.wishes == 0)

    async def _make_trouble(self) -> None:
        await self._until(lambda books: len(books.states) > 0)
        while await streams.waiting(self.redis, PRODUCERS):
            await self._look()
        self.audience.say("Chaos: Redis is wiped and a worker killed; another worker starts")
        await self.redis.flushall()
        self.crew.kill("worker1")
        await self.crew.start("worker3")

    async def _until(self, reached: Callable[[Books], bool]) -> None:
        while time.monotonic() - self.started < PATIENCE:
            if reached(await self._look()):
                return
            await asyncio.sleep(_LOOK_EVERY)

    async def _look(self) -> Books:
        """Our books as they are now, after the audience has seen the lines."""
        self.crew.check()
        lines = await views.recent_lines(self.db, limit=_LINES)
        books = await read_books(self.db)
        told = [(line, self.stories[line.deliver_id]) for line in reversed(lines)]
        self.audience.show(told, books.quarantined)
        return books

    def _calls_are_over(self, books: Books) -> bool:
        """Whether the outage would cut no buying call, which would end in honest doubt."""
        under_way = {OrderState.ACCEPTED, OrderState.PLACING}
        mine = [state for (producer, _), state in books.states.items() if producer == TR]
        return len(mine) > 0 and under_way.isdisjoint(mine)

    def _at_rest(self, books: Books) -> bool:
        wanted: set[Key] = {
            (case.producer, case.intent_id or "") for case in self.cases if case.ends is not None
        }
        return wanted <= books.states.keys() and AT_REST.issuperset(books.states.values())

    async def _judge(self, *, chaos: bool) -> Verdict:
        seconds = time.monotonic() - self.started
        books = await self._look()
        left = await streams.waiting(self.redis, PRODUCERS)
        codes = self.receiver.received.codes()
        logs = sorted(self.crew.system.home.glob("*.log"))
        heard = self.eavesdropper.heard
        said = {f"Celery event {number}": event for number, event in enumerate(heard, start=1)}
        url = self.crew.system.gateway_url
        if url is not None:
            said |= await visit(url, self.api_keys, books.states, self.scenario.faulty)
        return judge(
            Witnesses(
                cases=self.cases,
                books=books,
                sandbox=self.sandbox,
                received=self.receiver.received,
                search=await search(
                    {*self.secrets, *self.scenario.personal, *codes}, logs, self.redis, said
                ),
                left_in_redis=sum(count for count, _ in left.values()),
                chaos=chaos,
                seconds=seconds,
            )
        )


@asynccontextmanager
async def set_stage(servers: Servers, home: Path, audience: Audience) -> AsyncIterator[Stage]:
    """A migrated database, the sandbox, a receiver, two workers and beat.

    ``home`` takes the logs. Afterwards nothing of the demonstration is left in Redis.
    """
    async with AsyncExitStack() as stack:
        scenario = Scenario()
        receiver = await stack.enter_async_context(Receiver())
        sandbox = await stack.enter_async_context(Sandbox(settings=SandboxSettings(pace=1.5)))
        system = _system(servers, home, sandbox, receiver)
        audience.say("Migrating the database")
        db = await stack.enter_async_context(migrated(servers, system.encryption_key))
        vault = Vault([system.encryption_key])
        webhook_secrets = await register(PRODUCERS, db, vault, receiver)
        redis = await stack.enter_async_context(Redis.from_url(servers.redis_url))
        stack.push_async_callback(_tidy, redis)
        eavesdropper = await stack.enter_async_context(Eavesdropper(redis))
        audience.say("Starting two workers, beat and the gateway")
        crew = await stack.enter_async_context(Crew(system))
        await crew.start("worker1", "worker2", BEAT, GATEWAY)
        await until_serving(system.gateway_url or "")
        keys = {name: api_keys.new_key() for name in PRODUCERS}
        for name, key in keys.items():
            await api_keys.add(db, name, key)
        secrets = [system.encryption_key, *webhook_secrets, *keys.values(), *_credentials(sandbox)]
        yield Stage(
            db, redis, sandbox, receiver, eavesdropper, crew, keys, secrets, audience, scenario
        )


def _system(servers: Servers, home: Path, sandbox: Sandbox, receiver: Receiver) -> System:
    accounts = {
        provider: {
            name: {**fields, "call_timeout": _CALL_TIMEOUT} for name, fields in named.items()
        }
        for provider, named in sandbox.account_settings().items()
    }
    return System(
        home=home,
        servers=servers,
        encryption_key=Vault.new_key(),
        accounts=accounts,
        development_hosts=receiver.host,
        gateway_port=free_port(),
        overrides=_SETTINGS,
    )


def _credentials(sandbox: Sandbox) -> list[str]:
    accounts: Mapping[str, Mapping[str, Mapping[str, str]]] = sandbox.account_settings()
    return [
        fields[name]
        for named in accounts.values()
        for fields in named.values()
        for name in _CREDENTIALS
        if name in fields
    ]


async def _tidy(redis: Redis) -> None:
    """Take away the keys that Orderline made; there were none before."""
    async for key in redis.scan_iter("orderline:*", count=500):
        await redis.delete(key)
