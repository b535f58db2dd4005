"""Tells a victim which step a commit is of. The engine's hook says only which boundary it is.

A transaction is in one task from its first statement to its commit, so what is noted in that
task's context by the function that writes is there when the hook is called. Nothing here changes
what the engine does.
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.crash.moments import AGAIN, HEARD, LATE, RUNG
from worker.crypto import Vault
from worker.desk import Desk
from worker.outcome import OutcomeName
from worker.pump import Pump
from worker.runtime import Runtime
from worker.steps import drive
from worker.steps.decided import Decided
from worker.store import accounts, attempts, claims, orders
from worker.store.attempts import NewAttempt
from worker.store.notifications import Owed
from worker.store.orders import Settled, Settling
from worker.store.session import Database, Row

ABOUT: ContextVar[frozenset[str]] = ContextVar("about", default=frozenset())
"""What the transaction under way in this task is about: steps, or a word of ``moments``."""

_ANSWERS = frozenset({OutcomeName.CONFIRMED, OutcomeName.PENDING, OutcomeName.REFUSED})
"""What the provider said of a call that reached it. On a slow machine others come before it: a call
that was not begun in time, or one without an answer."""

_step_of_change: dict[int, str] = {}


def put_in_place(module: ModuleType, name: str, ours: Any) -> Any:
    """Put a function of ours in a module's place; what was there. It must have been there."""
    theirs = vars(module)[name]
    vars(module)[name] = ours
    return theirs


def watch(answered: Callable[[str], None]) -> None:
    """Begin to note. ``answered`` is called with a step between its answer and its settling."""
    _watch_claims()
    _watch_attempts()
    _watch_settling(answered)
    _watch_bells()


def _watch_claims() -> None:
    async def take_one(
        connection: AsyncConnection, statement: TextClause, values: Mapping[str, Any]
    ) -> Sequence[Row]:
        rows: Sequence[Row] = await their_one(connection, statement, values)
        seized = statement is claims._SEIZE
        ABOUT.set(frozenset(LATE if seized else str(row.step) for row in rows))
        return rows

    async def take(
        connection: AsyncConnection, vault: Vault, taking: claims.Taking, *, probing: bool = False
    ) -> claims.Taken:
        taken: claims.Taken = await theirs(connection, vault, taking, probing=probing)
        ABOUT.set(frozenset(str(claimed.step) for claimed in taken.orders))
        return taken

    their_one = put_in_place(claims, "_take", take_one)
    theirs = put_in_place(claims, "take", take)


def _watch_attempts() -> None:
    async def open_attempts(
        db: Database, vault: Vault, batch: Sequence[NewAttempt]
    ) -> list[attempts.Opened | attempts.NotOpened]:
        again = {AGAIN for new in batch if new.sends > 1}
        ABOUT.set(frozenset({str(new.step) for new in batch} | again))
        results: list[attempts.Opened | attempts.NotOpened] = await theirs(db, vault, batch)
        return results

    theirs = put_in_place(attempts, "open_attempts", open_attempts)


def _watch_settling(answered: Callable[[str], None]) -> None:
    async def settle_one(decided: Decided, desk: Desk, mail: Pump[Owed], rt: Runtime) -> Settled:
        step = str(decided.claimed.step)
        _step_of_change[id(decided.change)] = step
        ended = decided.change.attempt
        try:
            if ended is not None and ended.outcome in _ANSWERS:
                answered(step)
            settled: Settled = await their_one(decided, desk, mail, rt)
            return settled
        finally:
            del _step_of_change[id(decided.change)]

    async def settle(db: Database, vault: Vault, batch: Sequence[Settling]) -> list[Settled]:
        ABOUT.set(frozenset(_step_of_change.get(id(each.change), LATE) for each in batch))
        settled: list[Settled] = await theirs(db, vault, batch)
        return settled

    their_one = put_in_place(drive, "settle", settle_one)
    theirs = put_in_place(orders, "settle", settle)


def _watch_bells() -> None:
    """``Due`` is made in the sweep's transaction for whatever it rings for, and only then."""

    def due(*fields: Any) -> accounts.Due:
        ABOUT.set(frozenset({RUNG}))
        made: accounts.Due = their_due(*fields)
        return made

    async def answer(db: Database, provider: str, account: str) -> None:
        ABOUT.set(frozenset({HEARD}))
        await their_answer(db, provider, account)

    their_due = put_in_place(accounts, "Due", due)
    their_answer = put_in_place(accounts, "answer", answer)
