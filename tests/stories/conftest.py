"""One whole engine in this process, against the sandbox over real HTTP, and time in our hands.

The database's clock decides everything that waits, so a story that takes three days is told by
moving that clock to whatever is due next.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from schemas.ids import AttemptId, new_uuid
from tests.stories.receiver import MoodyReceiver
from worker.crypto import Vault
from worker.demo.installing import register
from worker.desk import Desk
from worker.engine import Engine
from worker.lanes import lane_of
from worker.lifecycle import OrderState, Step
from worker.order import Attempted, Claimed
from worker.providers import REGISTRY
from worker.reconciliation import reconcile, start
from worker.runtime import open_runtime
from worker.sandbox import Sandbox, SandboxSettings
from worker.settings import Settings
from worker.steps.accept import Sorted, accept
from worker.steps.expire import expire
from worker.store import claims, endpoints
from worker.store.attempts import NewAttempt, Opened
from worker.store.endpoints import Decision
from worker.store.intake import Entry, EntryKind
from worker.store.queues import PAUSED, RESTS, RESTS_UNTIL
from worker.store.reconciliations import Run
from worker.store.session import Boundary

SHOP = "shop"
MINUTE = timedelta(minutes=1)

_NEXT_DUE = f"""
SELECT min(due_at) - orderline_now() FROM (
    SELECT CASE WHEN {RESTS} THEN greatest({RESTS_UNTIL}, due_at) ELSE due_at END AS due_at
    FROM orders LEFT JOIN accounts a USING (provider, account)
    WHERE due_at IS NOT NULL AND NOT ({PAUSED} AND a.paused_until IS NULL)
    UNION ALL
    SELECT greatest(n.due_at, e.rests_until)
    FROM notifications n JOIN endpoints e ON (e.producer, e.url) = (n.producer, n.endpoint)
    WHERE n.due_at IS NOT NULL AND e.disabled_at IS NULL AND NOT EXISTS (
        SELECT FROM notifications p
        WHERE p.subject = n.subject AND p.sequence < n.sequence AND p.state = 'pending'
            AND p.acknowledged_at IS NULL)
) all_due
"""  # noqa: S608 -- clauses of ours


@dataclass
class Story:
    """A shop, its providers and the engine between them."""

    engine: Engine
    sandbox: Sandbox
    receiver: MoodyReceiver
    set_clock: Callable[[timedelta], None]
    ahead: timedelta = timedelta(0)
    entries: int = field(default=0)

    @property
    def db(self) -> Any:
        return self.engine.rt.db

    async def submit(self, *bodies: Mapping[str, Any] | bytes) -> Sorted:
        """Put intents through the intake's one commit."""
        entries = []
        for body in bodies:
            self.entries += 1
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            entries.append(Entry(SHOP, "stream", f"{self.entries}-0", raw))
        return await accept(entries, self.engine.rt)

    async def cancel(self, intent_id: str, **more: Any) -> Sorted:
        """Put a wish to call an order off through the same commit."""
        self.entries += 1
        raw = json.dumps({"intent_id": intent_id, **more}).encode()
        entry = Entry(SHOP, "stream", f"{self.entries}-0", raw, EntryKind.CANCEL)
        return await accept([entry], self.engine.rt)

    async def now(self) -> datetime:
        """The database's time."""
        async with self.db.reading() as connection:
            moment: datetime = (
                await connection.execute(text("SELECT orderline_now()"))
            ).scalar_one()
        return moment

    async def pass_time(self, by: timedelta) -> None:
        """Let time pass, for the database and the providers alike."""
        self.ahead += by
        self.set_clock(self.ahead)

    async def work(self) -> None:
        """Do everything that is due now."""
        for _ in range(2):  # an order's work may ring for its notification
            await asyncio.gather(*(pump.see(()) for pump in self.engine.pumps))
            while any(pump.working for pump in self.engine.pumps):
                await asyncio.sleep(0.002)

    async def play(self, *, limit: timedelta = timedelta(days=5)) -> None:
        """Work, moving the clock to whatever is due next, until nothing ever is."""
        end = self.ahead + limit
        while True:
            await self.work()
            await self.engine.watch_calls()
            wait = await self.one(_NEXT_DUE)
            if wait is None or self.ahead + wait > end:
                return
            if wait > timedelta(0):
                await self.pass_time(wait)

    async def claim(self, provider: str) -> Claimed:
        """Take the one order that is due there, as another worker would."""
        rt = self.engine.rt
        [claimed] = (
            await claims.claim(
                rt.db,
                rt.vault,
                claims.Taking(
                    provider=provider, account="default", free=1, worker="another", lease=MINUTE
                ),
            )
        ).orders
        return claimed

    async def attempt(self, claimed: Claimed, *, needs: timedelta | None = None) -> Attempted:
        """Open its attempt to place it; the call itself is never made."""
        new = NewAttempt(
            attempt_id=AttemptId(new_uuid()),
            order_id=claimed.order.order_id,
            fence=claimed.fence,
            state=OrderState.PLACING,
            step=Step.PLACE,
            reference="r",
            lease=MINUTE,
            needs=needs,
        )
        opened = await self.engine.rt.attempts.write(new)
        assert isinstance(opened, Opened)
        return Attempted(
            attempt_id=new.attempt_id,
            number=opened.number,
            step=new.step,
            reference=new.reference,
            opened_at=opened.opened_at,
            sent_at=opened.sent_at,
        )

    async def enable(self) -> None:
        """Have the shop's endpoint enabled, as its operator would."""
        lane = lane_of(SHOP, self.receiver.hook(SHOP))
        await endpoints.enable(self.db, lane, Decision(by="ada", why="they are back"))

    async def expire(self) -> None:
        """What beat rings for every other second: end what has lapsed, whatever is due."""
        await expire(self.engine.mail, self.engine.rt)
        await self.work()

    async def reconcile(self, *, back: timedelta = timedelta(days=1)) -> list[Run]:
        """Hold our orders beside every provider's books, as beat would have it done."""
        rt, stopping = self.engine.rt, asyncio.Event()
        ended = [
            await reconcile(run, desk, rt, stopping)
            for desk in rt.desks.values()
            if (run := await start(desk, rt, back=back, asked_by="story"))
        ]
        await self.work()
        return ended

    async def one(self, query: str, **values: Any) -> Any:
        async with self.db.reading() as connection:
            return (await connection.execute(text(query), values)).scalar_one_or_none()

    async def all(self, query: str, **values: Any) -> list[Any]:
        async with self.db.reading() as connection:
            return list((await connection.execute(text(query), values)).all())

    async def execute(self, statement: str) -> None:
        """Change a row behind the engine's back."""
        async with self.db.transaction(Boundary.PRODUCER) as connection:
            await connection.execute(text(statement))

    async def state(self, intent_id: str) -> str:
        found: str = await self.one("SELECT state FROM orders WHERE intent_id = :i", i=intent_id)
        return found

    def told(self, deliver_id: str) -> list[str]:
        """What the shop heard of a DeliverID, in order of receipt."""
        return [
            body["type"].removeprefix("line.")
            for body in self.receiver.received.first.values()
            if body["data"].get("deliver_id") == deliver_id
        ]

    def bought(self) -> int:
        """Live orders at all providers together."""
        return sum(
            len({row.order_id for row in self.sandbox.live_orders(remote)}) for remote in REGISTRY
        )


@pytest.fixture
async def story(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> AsyncIterator[Story]:
    async with a_story(database_url, redis_url, set_clock, _from_now) as told:
        yield told


@pytest.fixture
async def impatient_story(
    database_url: str, redis_url: str, set_clock: Callable[[timedelta], None]
) -> AsyncIterator[Story]:
    """One in which nobody waits long before a question is put again."""
    waits: dict[str, Any] = {
        "retry_base": timedelta(milliseconds=10),
        "retry_cap": timedelta(milliseconds=50),
    }
    async with a_story(database_url, redis_url, set_clock, _from_now, **waits) as told:
        yield told


def _from_now(ahead: timedelta) -> datetime:
    return datetime.now(UTC) + ahead


@asynccontextmanager
async def a_story(
    database_url: str,
    redis_url: str,
    set_clock: Callable[[timedelta], None],
    clock: Callable[[timedelta], datetime],
    needs: timedelta | None = None,
    *,
    callbacks: bool = False,
    fields: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    **more: Any,
) -> AsyncIterator[Story]:
    """A story; ``clock`` is the providers' time once so much of it has passed.

    ``callbacks`` has providers call back where they are told to; ``fields`` are further settings
    of their accounts.

    ``needs`` is how much of its window a call takes at most, where clocks that stand still leave
    its real deadlines out of it.
    """
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(MoodyReceiver())
        ahead: list[Story] = []
        sandbox = await stack.enter_async_context(
            Sandbox(
                settings=SandboxSettings(pace=5.0, callbacks=callbacks),
                clock=lambda: clock(ahead[0].ahead if ahead else timedelta(0)),
            )
        )
        given: dict[str, Any] = {
            "database_url": database_url,
            "redis_url": redis_url,
            "encryption_keys": Vault.new_key(),
            "accounts": _accounts(sandbox, fields),
            "development_hosts": receiver.host,
            "grace": 5,
            "retry_for": timedelta(hours=1),
            "breaker_calls": 10_000,  # only stories about it let one open
            "start_grace": timedelta(seconds=2),  # with the call's own second, what a hang costs
        }
        settings = Settings(_env_file=None, **given | more)
        rt = await stack.enter_async_context(open_runtime(settings))
        if needs is not None:
            rt = replace(rt, desks={name: _needs(desk, needs) for name, desk in rt.desks.items()})
        await register((SHOP,), rt.db, rt.vault, receiver)
        engine = Engine(rt)
        engine.start()
        stack.push_async_callback(engine.stop, 5.0)
        told = Story(engine, sandbox, receiver, set_clock)
        ahead.append(told)
        await told.work()  # a pump's own first look must not take what a test means to claim
        yield told


def _needs(desk: Desk, needs: timedelta) -> Desk:
    patient = replace(desk, call_timeout=10 * desk.call_timeout)
    return replace(patient, decider=replace(desk.decider, needs=needs))


def _accounts(
    sandbox: Sandbox, more: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, dict[str, SecretStr]]]:
    """The sandbox's accounts, impatient, and one more of a client that may send twice."""
    given = sandbox.account_settings()
    lenient = given["feedback_company"]["default"] | {"resend_once": "true"}
    given["feedback_company"]["lenient"] = lenient
    for provider, fields in more.items():
        given[provider]["default"] |= fields
    return {
        provider: {
            name: {
                key: SecretStr(value)
                for key, value in (fields | {"call_timeout": "1.0", "books_rate": "1000"}).items()
            }
            for name, fields in accounts.items()
        }
        for provider, accounts in given.items()
    }


def hyper(intent_id: str, product: int = 1, *, lines: int = 1, **more: Any) -> dict[str, Any]:
    """An intent for Hyperteknoloji; its DeliverIDs are ``<intent_id>-<n>``."""
    return {
        "intent_id": intent_id,
        "provider": "hyperteknoloji",
        "lines": [
            {
                "deliver_id": f"{intent_id}-{n}",
                "quantity": 1,
                "customer_store_product_id": product,
            }
            for n in range(1, lines + 1)
        ],
        **more,
    }


def gifthub(intent_id: str, sku: str = "sandbox-ok-fixed", **more: Any) -> dict[str, Any]:
    """An intent for Gifthub; its DeliverID is ``<intent_id>-1``."""
    return {
        "intent_id": intent_id,
        "provider": "gifthub",
        "wallet": "EUR",
        "lines": [
            {
                "deliver_id": f"{intent_id}-1",
                "sku": sku,
                "product_type": "fixed",
                "face_value": "10",
                "quantity": 1,
            }
        ],
        **more,
    }


def threekit(intent_id: str, configuration: str = "sandbox-ok", **more: Any) -> dict[str, Any]:
    """An intent of its own shop order at Threekit; its DeliverID is ``<intent_id>-1``."""
    return {
        "intent_id": intent_id,
        "provider": "threekit",
        "platform": {"id": intent_id, "platform": "ourshop", "store_name": "Şişli"},
        "lines": [
            {"deliver_id": f"{intent_id}-1", "configuration_id": configuration, "quantity": 1}
        ],
        **more,
    }


def feedback(intent_id: str, magic: str | None = None, **more: Any) -> dict[str, Any]:
    """A notice for Feedback Company; its DeliverID is ``<intent_id>-1``."""
    return {
        "intent_id": intent_id,
        "provider": "feedback_company",
        "customer": {"email": f"{intent_id}@example.com", "fullname": "Zübeyde"},
        "lines": [{"deliver_id": f"{intent_id}-1"}],
        **({} if magic is None else {"filtercode": magic}),
        **more,
    }


def adobe(intent_id: str, offer: str = "sandbox-ok", **more: Any) -> dict[str, Any]:
    """An intent for two licences from Adobe; its DeliverID is ``<intent_id>-1``."""
    return {
        "intent_id": intent_id,
        "provider": "adobe_vipm",
        "customer_id": "9876543210",
        "order_type": "NEW",
        "currency": "USD",
        "lines": [{"deliver_id": f"{intent_id}-1", "offer_id": offer, "quantity": 2}],
        **more,
    }
