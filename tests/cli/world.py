"""Orders in every state, made the way a worker makes them: accept, claim, attempt, settle, tell."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis
from sqlalchemy import text

from schemas.ids import AttemptId, new_uuid
from tests.builders import ONE_PHASE, a_decider, an_entry
from worker.capabilities import Capabilities
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Attempted, Claimed
from worker.outcome import Confirmed, Goods, LineReport, Outcome
from worker.settings import Settings
from worker.steps.accept import Sorted, accept_into
from worker.store import accounts, attempts, claims, deliveries, notifications, orders, producers
from worker.store.attempts import NewAttempt, Opened
from worker.store.deliveries import Delivered
from worker.store.orders import Settling
from worker.store.session import Boundary, Database
from worker.store.tables_told import NotificationState
from worker.streams import IntentStreams

LEASE = timedelta(seconds=60)
PATIENCE = 30.0
URL = "https://shop.example/hooks?key=hidden-in-the-query"


@dataclass(frozen=True, slots=True)
class World:
    """A database with a producer in it, and a worker's hands."""

    db: Database
    vault: Vault
    settings: Settings
    secrets: dict[str, str] = field(default_factory=dict)

    async def register(self, name: str = "shop") -> None:
        self.secrets[name] = new_secret()
        await producers.add(
            self.db, self.vault, name=name, notify_url=URL, secret=self.secrets[name]
        )

    async def accept(self, *bodies: Any, producer: str = "shop") -> Sorted:
        entries = [an_entry(body, producer=producer) for body in bodies]
        return await accept_into(self.db, self.vault, self.settings, entries)

    async def claim(self) -> Claimed:
        """The order that has been due longest."""
        [claimed] = (
            await claims.claim(
                self.db,
                self.vault,
                claims.Taking(
                    provider="hyperteknoloji",
                    account="default",
                    free=1,
                    worker="host:1",
                    lease=LEASE,
                ),
            )
        ).orders
        return claimed

    async def attempt(self, claimed: Claimed) -> Claimed:
        """The order with an attempt on disk, its call under way."""
        new = NewAttempt(
            attempt_id=AttemptId(new_uuid()),
            order_id=claimed.order.order_id,
            fence=claimed.fence,
            state=OrderState.PLACING,
            step=Step.PLACE,
            reference="our-reference",
            lease=LEASE,
            needs=timedelta(seconds=30),
        )
        [opened] = await attempts.open_attempts(self.db, self.vault, [new])
        assert isinstance(opened, Opened)
        attempt = Attempted(
            attempt_id=new.attempt_id,
            number=opened.number,
            step=new.step,
            reference=new.reference,
            opened_at=opened.opened_at,
            sent_at=opened.opened_at,
        )
        return replace(claimed, attempt=attempt)

    async def place(self, outcome: Outcome, capabilities: Capabilities = ONE_PHASE) -> None:
        """Place the order that is due, with this outcome."""
        await self.settle(await self.attempt(await self.claim()), outcome, capabilities)

    async def settle(
        self, tried: Claimed, outcome: Outcome, capabilities: Capabilities = ONE_PHASE
    ) -> None:
        """Write down what an attempt came to."""
        change = a_decider(capabilities).after_call(tried, Step.PLACE, outcome, 0.5)
        [settled] = await orders.settle(self.db, self.vault, [Settling(change)])
        assert settled.held

    async def call_off(self) -> None:
        """Answer the wish to call the order that is due off, as far as no provider is needed."""
        claimed, decider = await self.claim(), a_decider(ONE_PHASE)
        if claimed.step is Step.POLL:
            change = decider.before_poll(claimed)
        else:
            change = decider.before_call(claimed, claimed.step, 0.5)
        assert change
        await orders.settle(self.db, self.vault, [Settling(change)])

    async def sweep(self) -> None:
        """Be beat, and the worker that it rings for, for once."""
        await accounts.ring_due(self.db, timedelta(seconds=5))

    async def tell(self, *, code: int | None = 200, error: str | None = None) -> None:
        """Try every notification that is due, once."""
        claimed = await notifications.claim(self.db, self.vault, free=50, lease=LEASE)
        batch = [
            Delivered(
                event_id=owed.event_id,
                fence=owed.fence,
                replays=owed.replays,
                tries=owed.tries + 1,
                state=(
                    NotificationState.ACKNOWLEDGED if code == 200 else NotificationState.PENDING
                ),
                due_in=None if code == 200 else timedelta(seconds=7),
                milliseconds=35,
                code=code,
                error=error,
                excerpt=None,
            )
            for owed in claimed.owed
        ]
        await deliveries.record(self.db, batch)

    async def execute(self, statement: str) -> None:
        """Change rows behind everybody's back."""
        async with self.db.transaction(Boundary.PRODUCER) as connection:
            await connection.execute(text(statement))

    async def tell_later(self) -> None:
        """Have every notification acknowledged that waits for its next try."""
        async with self.db.transaction(Boundary.DELIVERY) as connection:
            await connection.execute(text("UPDATE notifications SET due_at = orderline_now()"))
        await self.tell()


def delivered(line_ref: str, **item: str) -> Confirmed:
    """The provider's yes to an order of one line, with its code at once."""
    report = LineReport(
        line_ref, LineState.DELIVERED, provider_line_ref="pl-1", goods=Goods((item,))
    )
    return Confirmed("provider-77", (report,))


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again, at something that has no event to await."""
    async with asyncio.timeout(PATIENCE):
        while not await happened():
            await asyncio.sleep(0.02)


async def take_in(world: World, redis: Redis, stop: asyncio.Event, *names: str) -> None:
    """Be the intake, until told to stop."""
    streams = IntentStreams(redis, "host:1")
    while not stop.is_set():
        entries = await streams.read(names, count=50, block_ms=50)
        if entries:
            await accept_into(world.db, world.vault, world.settings, entries)
            await streams.done(entries)
