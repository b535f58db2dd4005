"""A database with one producer in it, and a worker's hands: accept, claim, attempt, settle."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from schemas.ids import AttemptId, new_uuid
from schemas.notifications import LineNews, Notification
from tests.builders import Body, a_decider, an_entry, an_intent
from worker.capabilities import Capabilities
from worker.change import Change
from worker.crypto import Vault
from worker.lanes import Room
from worker.lifecycle import UNDER_WAY, Step
from worker.order import Attempted, Claimed
from worker.outcome import Outcome
from worker.settings import Settings
from worker.steps.accept import Sorted, accept_into
from worker.store import attempts, claims, notifications, orders, producers
from worker.store.attempts import NewAttempt, Opened
from worker.store.claims import Taken
from worker.store.notifications import NO_LIMIT, Owed
from worker.store.orders import Settled, Settling
from worker.store.session import Boundary, Database

LEASE = timedelta(seconds=60)
NO_NEED = timedelta(0)


@dataclass(frozen=True, slots=True)
class Shop:
    """What the store's tests do, in their words."""

    db: Database
    vault: Vault
    settings: Settings

    async def accept(self, *bodies: Body | bytes, producer: str = "shop") -> Sorted:
        entries = [an_entry(body, producer=producer) for body in bodies]
        return await accept_into(self.db, self.vault, self.settings, entries)

    async def claim(self, *, free: int = 10, worker: str = "host:1") -> list[Claimed]:
        return [*(await self.take(free=free, worker=worker)).orders]

    async def take(self, *, free: int, worker: str = "host:1", after: str = "") -> Taken:
        return await claims.claim(
            self.db,
            self.vault,
            claims.Taking(
                provider="hyperteknoloji",
                account="default",
                free=free,
                worker=worker,
                lease=LEASE,
                after=after,
            ),
        )

    async def claimed(self, *deliver_ids: str) -> Claimed:
        """An order that was accepted and claimed just now."""
        await self.accept(an_intent(*deliver_ids))
        (claimed,) = await self.claim()
        return claimed

    async def attempt(self, claimed: Claimed, step: Step = Step.PLACE) -> Claimed:
        """The order with an attempt that is under way."""
        new = a_new_attempt(claimed, step)
        (opened,) = await attempts.open_attempts(self.db, self.vault, [new])
        assert isinstance(opened, Opened)
        attempt = Attempted(
            attempt_id=new.attempt_id,
            number=opened.number,
            step=new.step,
            reference=new.reference,
            opened_at=opened.opened_at,
            sent_at=opened.opened_at,
        )
        return replace(claimed, attempt=attempt, attempt_outcome=None)

    async def settle(self, *changes: Change, **kept: timedelta) -> list[Settled]:
        batch = [Settling(change, **kept) for change in changes]
        return await orders.settle(self.db, self.vault, batch)

    async def owed(self, *, free: int = 10, room: Room = NO_LIMIT) -> list[Owed]:
        claimed = await notifications.claim(self.db, self.vault, free=free, lease=LEASE, room=room)
        return [*claimed.owed]

    async def rows(self, sql: str, **values: Any) -> Sequence[Any]:
        async with self.db.reading() as connection:
            return (await connection.execute(text(sql), values)).all()

    async def plan(self, statement: TextClause, **values: Any) -> str:
        """How PostgreSQL would carry a statement out."""
        explained = await self.rows(f"EXPLAIN {statement.text}", **values)
        return "\n".join(line for (line,) in explained)

    async def autocommit(self, sql: str) -> None:
        """What cannot run inside a transaction."""
        engine = self.db.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(sql))

    async def one(self, sql: str, **values: Any) -> Any:
        (row,) = await self.rows(sql, **values)
        return row

    async def until_waiting(self, count: int) -> None:
        """Until so many transactions wait for a lock."""
        async with asyncio.timeout(20):
            while len(await self.rows("SELECT FROM pg_locks WHERE NOT granted")) < count:
                await asyncio.sleep(0.01)

    async def execute(self, sql: str, **values: Any) -> None:
        async with self.db.transaction(Boundary.PRODUCER) as connection:
            await connection.execute(text(sql), values)


def a_new_attempt(
    claimed: Claimed, step: Step = Step.PLACE, *, needs: timedelta = NO_NEED
) -> NewAttempt:
    return NewAttempt(
        attempt_id=AttemptId(new_uuid()),
        order_id=claimed.order.order_id,
        fence=claimed.fence,
        state=UNDER_WAY[step],
        step=step,
        reference=new_uuid().hex,
        lease=LEASE,
        needs=needs,
    )


def a_change(
    claimed: Claimed,
    outcome: Outcome,
    *,
    step: Step = Step.PLACE,
    capabilities: Capabilities | None = None,
) -> Change:
    """What the decisions make of an outcome."""
    decider = a_decider() if capabilities is None else a_decider(capabilities)
    return decider.after_call(claimed, step, outcome, 0.5)


def news_of(owed: Owed) -> LineNews:
    """What is told of a line."""
    assert isinstance(owed.notification, Notification)
    return owed.notification.data


@pytest.fixture
async def shop(db: Database, vault: Vault) -> Shop:
    await producers.add(
        db, vault, name="shop", notify_url="https://shop.example/hooks", secret="whsec_c2VjcmV0"
    )
    settings = Settings(
        database_url="postgresql://nowhere",
        redis_url="redis://nowhere",
        encryption_keys=Vault.new_key(),
    )
    return Shop(db, vault, settings)
