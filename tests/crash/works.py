"""A whole installation whose workers are processes, to be killed at the worst moment."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import text

from tests.crash.moments import Moment
from tests.crash.nursery import Child, Nursery
from tests.crash.receiver import PatientReceiver
from worker import streams
from worker.crypto import Vault
from worker.embedded.system import System
from worker.providers import REGISTRY
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.steps.accept import accept_into
from worker.store.intake import Entry, EntryKind
from worker.store.session import Boundary, Database

SHOP: Final = "shop"
PATIENCE: Final = 40.0
_SHOWN: Final = 400
"""Characters of each log that a failure shows."""

_RESTLESS = """
SELECT (SELECT count(*) FROM orders WHERE due_at IS NOT NULL)
     + (SELECT count(*) FROM notifications WHERE due_at IS NOT NULL)
"""
_IN_A_CALL = """
SELECT o.intent_id FROM attempts a JOIN orders o ON o.id = a.order_id WHERE a.outcome IS NULL
"""
_LONG_LEASES_END = """
UPDATE {held} SET lease_until = orderline_now(), due_at = orderline_now()
WHERE lease_until > orderline_now() + interval '1 minute'
"""


@dataclass
class Works:
    """One installation, and what was asked of it."""

    system: System
    nursery: Nursery
    sandbox: Sandbox
    receiver: PatientReceiver
    db: Database
    redis: Redis
    secrets: list[str] = field(repr=False)
    """What must stand in no log."""
    producer: str = SHOP
    app: str = "tasks.app"
    """The Celery app of workers that are no victims."""
    running: list[Child] = field(default_factory=list)
    asked: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """The intents that are to become orders, by their ids."""
    faulty: int = 0
    """How many entries are to be in quarantine."""

    async def start_worker(
        self,
        name: str,
        *options: str,
        crash_at: Moment | None = None,
        freeze_at: Moment | None = None,
        hang_at: Moment | None = None,
        careless: str | None = None,
        **settings: str,
    ) -> Child:
        """Start a worker; one with a fate, or without a safety, is a victim.

        ``options`` are Celery's, ``settings`` are ours, by their variables' names.
        """
        fate = {
            "CRASH_AT": crash_at,
            "FREEZE_AT": freeze_at,
            "HANG_AT": hang_at,
            "CARELESS": careless,
        }
        environment = {key: str(value) for key, value in fate.items() if value is not None}
        app = "tests.crash.victim" if environment else self.app
        words = ["-A", app, "worker", "--hostname", f"{name}@%h"]
        words += ["--without-gossip", "--without-mingle", *options]
        return self.run(name, "celery", *words, **environment, **settings)

    async def start_beat(self) -> Child:
        return self.run("beat", "celery", "-A", "tasks.app", "beat", "--pidfile", "")

    def orderline(self, name: str, *arguments: str, crash_at: Moment | None = None) -> Child:
        """Start the command; one with a fate dies at it."""
        fate = {} if crash_at is None else {"CRASH_AT": str(crash_at)}
        return self.run(name, "tests.crash.victim_cli", *arguments, **fate)

    def run(self, name: str, module: str, *arguments: str, **environment: str) -> Child:
        """Start ``python -m module`` with this installation's settings."""
        child = self.nursery.start(
            name, module, arguments, {**self.system.environment, **environment}, self.log(name)
        )
        self.running.append(child)
        return child

    def log(self, name: str) -> Path:
        """What a process wrote."""
        return self.system.home / f"{name}.log"

    def said(self, name: str, words: str) -> bool:
        """Whether a process has written some words."""
        return words in self.log(name).read_text(errors="replace")

    async def submit(self, *bodies: Mapping[str, Any]) -> None:
        for body in bodies:
            self.asked[body["intent_id"]] = body
            await streams.put(self.redis, self.producer, json.dumps(body))

    async def accept(self, *bodies: Mapping[str, Any]) -> None:
        """Take intents in here, so that they are due before any worker looks."""
        self.asked |= {body["intent_id"]: body for body in bodies}
        entries = [
            Entry(self.producer, "stream", f"{number}-0", json.dumps(body).encode())
            for number, body in enumerate(bodies)
        ]
        vault = Vault([self.system.encryption_key])
        await accept_into(self.db, vault, self.settings, entries)

    @property
    def settings(self) -> Settings:
        """What every process of this installation reads from its environment."""
        return Settings(
            _env_file=None,
            database_url=SecretStr(self.system.servers.database_url),
            redis_url=SecretStr(self.system.servers.redis_url),
            encryption_keys=SecretStr(self.system.encryption_key),
            development_hosts=self.system.development_hosts,
        )

    async def call_off(self, *intent_ids: str) -> None:
        """Put wishes on the producer's stream."""
        for intent_id in intent_ids:
            wish = json.dumps({"intent_id": intent_id})
            await streams.put(self.redis, self.producer, wish, EntryKind.CANCEL)

    async def call_back(self, *intent_ids: str) -> None:
        """Have Hyperteknoloji say of these orders that they are delivered."""
        vault = Vault([self.system.encryption_key])
        rows = await self.all(
            "SELECT l.line_ref FROM lines l JOIN orders o ON o.id = l.order_id"
            " WHERE o.intent_id = ANY(:ids)",
            ids=list(intent_ids),
        )
        for row in rows:
            body = json.dumps({"DeliverID": row.line_ref, "Status": 1}).encode()
            await streams.put_callback(
                self.redis, vault, provider="hyperteknoloji", account="default", body=body
            )

    async def end_long_leases(self) -> None:
        """Let the time pass that workers with a long margin hold things for."""
        async with self.db.transaction(Boundary.CLAIM) as connection:
            for held in ("orders", "notifications"):
                await connection.execute(text(_LONG_LEASES_END.format(held=held)))

    async def until(
        self, reached: Callable[[], Any], what: str, patience: float = PATIENCE
    ) -> None:
        """Wait until something is so; ``reached`` may be a coroutine function."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = reached()
            if (await found) if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(
            f"after {patience} s it is still not so that {what}: {await self.due()}"
        )

    async def until_ready(self, name: str) -> None:
        """Wait until a worker listens to its queues."""
        await self.until(lambda: self.said(name, "ready."), f"{name} listens")

    async def until_dead(self, victim: Child, moment: Moment) -> None:
        """Wait for a death, and see that it was this one."""
        await self.until(lambda: not victim.running, f"{victim.name} died at {moment}")
        assert victim.code == -signal.SIGKILL
        assert self.said(victim.name, f"CRASH_AT {moment}\n")

    async def until_frozen(self, victim: Child, moment: Moment) -> None:
        """Wait until a worker has stopped at a moment. ``SIGCONT`` lets it go on."""
        await self.until(
            lambda: self.said(victim.name, f"FREEZE_AT {moment}\n"),
            f"{victim.name} froze at {moment}",
        )

    async def until_at_rest(self, orders: int | None = None, patience: float = PATIENCE) -> None:
        """Wait until there are so many orders (all that was asked for), and nothing is due.

        What a dead worker had taken in and not yet removed may still be in its stream.
        """
        wanted = len(self.asked) if orders is None else orders

        async def at_rest() -> bool:
            count = await self.one("SELECT count(*) FROM orders")
            return bool(count == wanted and await self.one(_RESTLESS) == 0)

        await self.until(at_rest, f"{wanted} orders are at rest and told", patience)

    async def until_nothing_waits(self) -> None:
        """Wait until every entry has left its stream."""

        async def empty() -> bool:
            return not (await self.waiting() or await self.redis.xlen(streams.CALLBACKS))

        await self.until(empty, "every entry has left its stream")

    async def waiting(self) -> list[bytes]:
        """What the entries say that are in the producer's stream."""
        entries: Any = await self.redis.xrange(streams.stream_of(self.producer))
        return [value for _, fields in entries for value in fields.values()]

    async def until_states(self, *states: str, of: str) -> None:
        """Wait until an intent's order is in one of these states."""

        async def there() -> bool:
            return (await self.states()).get(of) in states

        await self.until(there, f"{of} is {' or '.join(states)}")

    async def due(self) -> list[Any]:
        """What is not at rest, for whoever reads a failure."""
        orders = await self.all(
            "SELECT intent_id, state, step, reason, due_at - orderline_now(), leased_by FROM orders"
        )
        rests = await self.all(
            "SELECT provider, opened_because, openings, probe_at - orderline_now(),"
            " probing_until - orderline_now() FROM accounts WHERE opened_at IS NOT NULL"
        )
        last = [
            f"{each.name}: {self.log(each.name).read_text(errors='replace')[-_SHOWN:]}"
            for each in self.running
        ]
        return [*orders, *rests, *last]

    async def one(self, query: str, **values: Any) -> Any:
        async with self.db.reading() as connection:
            return (await connection.execute(text(query), values)).scalar_one_or_none()

    async def all(self, query: str, **values: Any) -> list[Any]:
        async with self.db.reading() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def states(self) -> dict[str, str]:
        rows = await self.all("SELECT intent_id, state FROM orders")
        return {row.intent_id: row.state for row in rows}

    async def in_a_call(self) -> set[str]:
        """The intents for which a call is under way, or was when its worker died."""
        return {row.intent_id for row in await self.all(_IN_A_CALL)}

    def bought(self) -> int:
        """Live orders at all providers together; none may be there twice."""
        for remote in REGISTRY:
            assert self.sandbox.books.duplicates(remote) == {}
        return sum(
            len({row.order_id for row in self.sandbox.live_orders(remote)}) for remote in REGISTRY
        )
