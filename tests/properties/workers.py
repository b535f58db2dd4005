"""Workers that a test holds in its hands: the real steps on the real database, one call at a time.

Only the provider is a model, because its calls have to stand still wherever the test wants: each
one is carried out, answered or forgotten by a rule of its own.
"""

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import text

from schemas.ids import OrderId
from tests.builders import CALL_DEADLINE, NEEDS, POLICY, a_priced_intent, an_entry, an_intent
from tests.properties.remote import Remote
from worker.capabilities import Capabilities, Doubt
from worker.decisions import Decider
from worker.delivery.sender import RESULTS
from worker.desk import Desk
from worker.http import Deadline
from worker.lifecycle import LineState, Step
from worker.metrics.meters import Meters
from worker.order import Attempted, Ordered
from worker.outcome import Absent, Confirmed, InDoubt, LineReport, LookUp, NotSent, Outcome
from worker.pump import Pump
from worker.runtime import Runtime
from worker.steps.accept import accept
from worker.steps.drive import drive
from worker.steps.expire import expire
from worker.steps.hear import hear
from worker.store import claims, erasing
from worker.store.callbacks import Callback
from worker.store.notifications import Owed
from worker.store.session import Boundary

PROVIDER = "hyperteknoloji"
PRICED = "gifthub"
"""The provider of those that are priced first: only they can be quoted anew."""
LEASE = timedelta(seconds=55)

Answer = TypeVar("Answer")


@dataclass
class Call:
    """One call to the provider, standing still."""

    ref: str | None
    attempt: Attempted
    worker: asyncio.Task[Any]
    answer: asyncio.Future[Outcome]
    outcome: Outcome | None = None
    """What it came to there, once it was carried out."""
    left: bool = True
    """Whether it may still be carried out."""


@dataclass
class Provider:
    """The provider's side: a model whose buying calls wait for the test."""

    remote: Remote
    calls: list[Call] = field(default_factory=list)
    blocked: set[asyncio.Task[Any]] = field(default_factory=set)
    away: bool = False
    listed: bool = True
    """Whether its list shows what is there; only a weak one may ever not."""

    def capabilities_for(self, intent: object) -> Capabilities:
        del intent
        return self.remote.capabilities

    def request(self, order: Ordered, step: Step, reference: str) -> bytes | None:
        del order, step
        return reference.encode()

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        del deadline, token
        assert attempt.request == attempt.reference.encode()  # what is sent again is as it was
        task = asyncio.current_task()
        assert task is not None
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.calls.append(Call(order.provider_ref, attempt, task, answer))
        self.blocked.add(task)
        return await answer

    confirm = cancel = place

    def carry_out(self, call: Call) -> Outcome:
        if call.outcome is None:
            call.outcome = self.remote.hear(call.ref, call.attempt)
        return call.outcome

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        del order, deadline, token
        if self.away:
            return NotSent("away")
        remote = self.remote
        if attempt.step is Step.CANCEL:
            return Confirmed(None) if remote.called_off else Absent()
        placing = attempt.step is Step.PLACE and remote.capabilities.two_phase
        there = remote.reserved if placing else remote.live
        weak = remote.after(attempt.step) is Doubt.LOOK_UP_WEAK and not self.listed
        return Confirmed(there[0]) if there and not weak else Absent()

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        del deadline, token
        if self.away or not self.remote.live:
            return InDoubt("away")
        done = tuple(LineReport(line.line_ref, LineState.DELIVERED) for line in order.lines)
        return Confirmed(self.remote.live[0], done)


@dataclass
class Workers:
    """One order of an account of its own, and everybody who works on it."""

    loop: asyncio.Runner
    rt: Runtime
    provider: Provider
    account: str
    name: str
    tasks: list[asyncio.Task[str]] = field(default_factory=list)
    order_id: OrderId | None = None
    callbacks: int = 0

    @property
    def desk(self) -> Desk:
        return self.rt.desks[self.name, self.account]

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return self.loop.run(work)

    def accept(self, number: str, window: timedelta | None, *, requote: bool) -> None:
        async def submit() -> OrderId:
            fields: dict[str, Any] = {"intent_id": number, "account": self.account}
            if window is not None:
                now = await self._one("SELECT orderline_now()")
                ends = {"quoted_at": now.isoformat(), "expires_at": (now + window).isoformat()}
                limit = {"max_total": "99", "currency": "EUR"}
                anew = requote and self.name == PRICED
                fields["quote"] = ends | (limit | {"requote": True} if anew else {})
            asked = a_priced_intent if self.name == PRICED else an_intent
            body = asked(f"{number}-1", f"{number}-2", **fields)
            entry = an_entry(json.dumps(body).encode(), entry_id=f"{number}-0")
            heaps = await accept([entry], self.rt)
            again = await accept([entry], self.rt)  # its worker died before it was removed
            assert [order_id for _, order_id in again.repeated] == [heaps.fresh[0].order_id]
            return heaps.fresh[0].order_id

        self.order_id = self.run(submit())

    def ring(self) -> None:
        """A bell: rightly, twice, or for nothing. Whoever hears it takes what is due."""

        async def claim() -> None:
            for claimed in (
                await claims.claim(
                    self.rt.db,
                    self.rt.vault,
                    claims.Taking(
                        provider=self.name,
                        account=self.account,
                        free=4,
                        worker=f"worker {len(self.tasks)}",
                        lease=LEASE,
                    ),
                )
            ).orders:
                work = drive(claimed, self.desk, _no_mail(self.rt), self.rt)
                self.tasks.append(asyncio.get_running_loop().create_task(work))
            await self._quiet()

        self.run(claim())

    def expire(self) -> None:
        """Orders whose quote has ended are ended, by whoever is rung for it."""

        async def end() -> None:
            await expire(_no_mail(self.rt), self.rt)

        self.run(end())

    def answer(self, call: Call, outcome: Outcome) -> None:
        """The worker that made this call hears of it, if it still lives."""

        async def say() -> None:
            if not call.answer.done():
                call.answer.set_result(outcome)
                self.provider.blocked.discard(call.worker)
            await self._quiet()

        self.run(say())

    def kill(self, call: Call) -> None:
        """The worker that made this call dies; the call does not."""

        async def die() -> None:
            call.answer.cancel()
            self.provider.blocked.discard(call.worker)
            await self._quiet()

        self.run(die())

    def call_back(self) -> None:
        async def say() -> None:
            assert self.order_id is not None
            ref = await self._one(
                "SELECT line_ref FROM lines WHERE order_id = :id LIMIT 1", id=self.order_id
            )
            said = {"DeliverID": ref, "reference": self.order_id.hex}
            self.callbacks += 1
            callback = Callback(
                stream=self.account,
                entry_id=f"{self.callbacks}-0",
                provider=self.name,
                account=self.account,
                sealed=self.rt.vault.seal(json.dumps(said).encode()),
            )
            await hear([callback], self.rt)

        self.run(say())

    def erase(self) -> None:
        """Upkeep that does not wait: once its producer was told, an order that ended is erased."""

        async def do() -> None:
            async with self.rt.db.transaction(Boundary.DELIVERY) as connection:
                await connection.execute(_ALL_TOLD, {"id": self.order_id})
            await erasing.erase(self.rt.db, timedelta(), 100)

        self.run(do())

    def one(self, query: str, **values: Any) -> Any:
        return self.run(self._one(query, **values))

    def row(self) -> Any:
        async def read() -> Any:
            async with self.rt.db.reading() as connection:
                found = await connection.execute(_ROW, {"id": self.order_id})
                return found.one()

        return self.run(read())

    async def _one(self, query: str, **values: Any) -> Any:
        async with self.rt.db.reading() as connection:
            return (await connection.execute(text(query), values)).scalar_one_or_none()

    async def _quiet(self) -> None:
        """Until everybody waits for the provider, or has nothing left to do."""
        while any(not task.done() and task not in self.provider.blocked for task in self.tasks):
            await asyncio.sleep(0.001)
        for task in [task for task in self.tasks if task.done()]:
            self.tasks.remove(task)
            if not task.cancelled():
                task.result()


_ALL_TOLD = text("""
UPDATE notifications SET state = 'acknowledged', due_at = NULL
WHERE event_id IN (SELECT id FROM events WHERE order_id = :id)
""")

_ROW = text("""
SELECT o.*, orderline_now() AS now, o.lease_until > orderline_now() AS leased,
    (SELECT count(*) FROM attempts WHERE order_id = o.id AND outcome IS NULL) AS open_attempts,
    (SELECT array_agg(DISTINCT state) FROM lines WHERE order_id = o.id) AS lines,
    (SELECT count(*) FROM surplus_orders WHERE order_id = o.id AND closed_at IS NULL) AS surplus,
    (SELECT count(*) FROM lines l WHERE l.order_id = o.id AND l.sequence <> (
        SELECT count(*) FROM events e WHERE e.line_id = l.id)) AS untold,
    (SELECT count(*) FROM events e WHERE e.order_id = o.id AND e.line_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM notifications n WHERE n.event_id = e.id)) AS unowed,
    (SELECT count(*) FROM lines l JOIN events e ON e.line_id = l.id AND e.sequence = l.sequence
        WHERE l.order_id = o.id AND e.data->>'state' <> l.state) AS mistold
FROM orders o WHERE o.id = :id
""")


def workers_of(
    loop: asyncio.Runner, rt: Runtime, capabilities: Capabilities, account: str
) -> Workers:
    """Workers of an account whose provider behaves like this."""
    provider: Any = Provider(Remote(capabilities))
    (desk,) = rt.desks.values()
    ours = replace(
        desk,
        account=account,
        provider=provider,
        decider=Decider(capabilities, POLICY, call_deadline=CALL_DEADLINE, needs=NEEDS),
        tokens=None,
        lease=LEASE,
    )
    name = PRICED if capabilities.two_phase else PROVIDER
    meters = Meters({ours.key: ours}, RESULTS)
    theirs = replace(rt, desks={(name, account): ours}, meters=meters)
    return Workers(loop, theirs, provider, account, name)


def _no_mail(rt: Runtime) -> Pump[Owed]:
    """A pump of notifications without a permit: what is owed stays owed."""

    async def nothing(_: object) -> Any:
        raise AssertionError("there is no permit for it")

    return Pump(
        "notification",
        permits=0,
        claim=nothing,
        work=nothing,
        name_of=lambda owed: owed.event_id,
        supervisor=rt.supervisor,
    )
