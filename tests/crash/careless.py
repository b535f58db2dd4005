"""The engine with one of its safeties off, to show that the crash tests would notice.

Each function takes one safety away, by replacing what it names, and fails where the code has
changed so that there is nothing to replace. Only a victim's process calls them.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from sqlalchemy import TextClause, text

from schemas.ids import AttemptId
from tests.crash.watched import put_in_place
from worker import runtime
from worker.clock import SystemClock
from worker.crypto import Vault
from worker.desk import Desk
from worker.metrics.meters import Call
from worker.outcome import Outcome
from worker.runtime import Runtime
from worker.steps import call
from worker.store import attempts, orders
from worker.store.attempts import NewAttempt, NotOpened, Opened
from worker.store.batch import BatchWriter
from worker.store.orders import Settled, Settling
from worker.store.session import Boundary, Database


def be(careless: str) -> None:
    """Take away the safety of this name; nothing without one."""
    if careless:
        _SAFETIES[careless]()


def _without(module: ModuleType, statement: str, said: str, instead: str = "") -> None:
    """Take words out of a statement."""
    theirs: TextClause = vars(module)[statement]
    assert said in theirs.text, f"{statement} no longer says {said!r}"
    put_in_place(module, statement, text(theirs.text.replace(said, instead)))


def _no_fences() -> None:
    """Attempts are opened and changes written whatever the order's fence says."""
    _without(attempts, "_OPEN", " AND o.fence = i.fence")
    _without(orders, "_SETTLE", " AND o.fence = i.fence")
    _without(orders, "_SETTLE", "RETURNING o.id, o.fence", "RETURNING o.id, i.fence")


def _call_first() -> None:
    """The call is made before its attempt is on disk: that is written once it is answered."""

    async def ask(verb: Any, kind: Call, token: str | None, desk: Desk, rt: Runtime) -> Outcome:
        outcome: Outcome = await theirs(verb, kind, token, desk, rt)
        assert isinstance(rt.attempts, _Later)
        await rt.attempts.write_now()
        return outcome

    def writer(name: str, flush: Any, **options: Any) -> Any:
        kind = _Later if name == "attempts" else BatchWriter
        return kind(name, flush, **options)

    theirs = put_in_place(call, "_ask", ask)
    put_in_place(runtime, "BatchWriter", writer)


class _Later(BatchWriter[NewAttempt, Opened | NotOpened]):
    """Says that an attempt is opened, and opens it when told to."""

    _kept: dict[AttemptId, NewAttempt] | None = None

    async def write(self, row: NewAttempt) -> Opened | NotOpened:
        self._kept = {**(self._kept or {}), row.attempt_id: row}
        now = SystemClock().now()
        return Opened(1, now, now)

    async def write_now(self) -> None:
        kept, self._kept = self._kept or {}, None
        await asyncio.gather(*(super(_Later, self).write(row) for row in kept.values()))


def _no_window() -> None:
    """No call is kept back because its quote has expired."""
    _without(
        attempts,
        "_OPEN",
        "orderline_now() + make_interval(secs => i.needs) <= o.expires_at AS in_time",
        "true AS in_time",
    )


def _told_later() -> None:
    """What is owed to the producer is written in a transaction of its own, after the change."""
    owed = "ON CONFLICT (event_id) DO NOTHING\n    RETURNING n.event_id, n.fence"
    _without(orders, "_SETTLE", owed, f"LIMIT 0 {owed}")

    async def settle(db: Database, vault: Vault, batch: Sequence[Settling]) -> list[Settled]:
        settled: list[Settled] = await theirs(db, vault, batch)
        ids = [move.event_id for each in batch for move in each.change.moves]
        async with db.transaction(Boundary.SETTLE) as connection:
            await connection.execute(_OWED, {"ids": ids})
        return settled

    theirs = put_in_place(orders, "settle", settle)


_OWED = text("""
INSERT INTO notifications (event_id, subject, sequence, producer, url, state, due_at)
SELECT e.id, e.line_id, e.sequence, o.producer, o.notify_url, 'pending', orderline_now()
FROM events e JOIN orders o ON o.id = e.order_id
WHERE e.id = ANY(:ids) ON CONFLICT DO NOTHING
""")

_SAFETIES: dict[str, Callable[[], None]] = {
    "no fences": _no_fences,
    "call first": _call_first,
    "no window": _no_window,
    "told later": _told_later,
}
