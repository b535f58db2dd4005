"""Attempts: opened before the first byte is sent, in a commit of their own.

The quote's window is checked by the very statement that opens the attempt, by the database's
clock, after the order's row was locked: waiting for a lock cannot make the check stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import text

from schemas.ids import AttemptId, OrderId, new_uuid
from worker.crypto import Vault
from worker.lifecycle import OrderState, Step
from worker.order import Attempted
from worker.outcome import Confirmed, Outcome, OutcomeName, Pending, name_of
from worker.store.pipeline import Asked
from worker.store.session import LOCK_ORDERS, Boundary, Database, as_bytea, as_rows

_OPEN: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS _(
        attempt_id uuid, order_id uuid, fence int, state text, step text, reference text,
        sends int, sealed_request bytea, commits bool, lease float8, needs float8)
),
held AS (
    SELECT i.*, another.surplus, coalesce(mine.number, o.attempts + 1) AS number,
        coalesce(mine.opened_at, orderline_now()) AS opened_at,
        CASE WHEN mine.sends = i.sends THEN mine.sent_at ELSE orderline_now() END AS sent_at,
        coalesce(mine.sends = i.sends, false) OR i.needs IS NULL OR o.expires_at IS NULL
            OR orderline_now() + make_interval(secs => i.needs) <= o.expires_at AS in_time
    FROM input i JOIN orders o ON o.id = i.order_id AND o.fence = i.fence
    LEFT JOIN attempts mine ON mine.id = i.attempt_id
    CROSS JOIN LATERAL (
        SELECT i.commits AND mine.sends IS DISTINCT FROM i.sends AND EXISTS (
            SELECT FROM surplus_orders s WHERE s.order_id = o.id AND s.closed_at IS NULL
        ) AS surplus
    ) another
),
moved AS (
    UPDATE orders o SET state = h.state, attempts = h.number, updated_at = orderline_now(),
        lease_until = orderline_now() + make_interval(secs => h.lease),
        due_at = orderline_now() + make_interval(secs => h.lease)
    FROM held h WHERE o.id = h.order_id AND h.in_time AND NOT h.surplus
),
opened AS (
    INSERT INTO attempts AS a (id, order_id, number, step, reference, fence, opened_at, sends,
        sent_at, sealed_request, commits)
    SELECT attempt_id, order_id, number, step, reference, fence, opened_at, sends,
        sent_at, sealed_request, commits
    FROM held WHERE in_time AND NOT surplus
    ON CONFLICT (id) DO UPDATE SET sends = excluded.sends, sent_at = excluded.sent_at,
        fence = excluded.fence, outcome = NULL, closed_at = NULL
    WHERE a.sends < excluded.sends AND a.outcome = 'in_doubt'
)
SELECT attempt_id, number, in_time, surplus, opened_at, sent_at FROM held
""")

_LOCK_ITS_ORDER: Final = text("""
SELECT o.id FROM orders o JOIN attempts a ON a.order_id = o.id WHERE a.id = :id FOR UPDATE OF o
""")
"""A statement of its own, first: under the lock the next one sees which id the order has by now,
and a look-up that finds the very same one sees the surplus order, to adopt it."""

_NOTE_LATE: Final = text("""
WITH noted AS (
    UPDATE attempts SET outcome = :outcome, reason = :reason, closed_at = orderline_now(),
        evidence = CAST(:evidence AS jsonb)
    WHERE id = :id AND (outcome IS NULL OR outcome = 'in_doubt')
      AND (CAST(:fence AS int) IS NULL OR fence = :fence)
),
surplus AS (
    INSERT INTO surplus_orders (id, order_id, provider_ref, reason)
    SELECT CAST(:event_id AS uuid), o.id, CAST(:ref AS text),
        'attempt ' || a.number || ' was answered yes after the order had gone on'
    FROM attempts a JOIN orders o ON o.id = a.order_id
    WHERE a.id = :id AND :said_yes AND a.commits
      AND CASE WHEN CAST(:ref AS text) IS NULL
          THEN a.outcome IS NULL OR a.outcome NOT IN ('confirmed', 'pending')
          ELSE o.provider_ref IS DISTINCT FROM CAST(:ref AS text) END
    ON CONFLICT DO NOTHING
    RETURNING order_id, provider_ref
)
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT CAST(:event_id AS uuid), order_id, NULL, NULL, 'order.surplus_found',
    jsonb_build_object('provider_refs', jsonb_build_array(provider_ref))
FROM surplus
ON CONFLICT (id) DO NOTHING
RETURNING order_id
""")


class NotOpened(StrEnum):
    """Why an attempt was not opened. Nothing was sent."""

    FENCED = "fenced"
    """Another worker holds the order now."""
    WINDOW_CLOSED = "window_closed"
    """The call could not end before the quote expires."""
    SURPLUS = "surplus"
    """Another order of it was found at the provider: what would buy once more is not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """An attempt to open; with ``sends`` above 1, one in doubt to be sent again as it was.

    ``needs`` is how much of the quote's window the call needs at most, margin included; ``None``
    for a call that no window limits. ``commits`` says whether it may commit money.
    """

    attempt_id: AttemptId
    order_id: OrderId
    fence: int
    state: OrderState
    step: Step
    reference: str
    lease: timedelta
    needs: timedelta | None
    commits: bool = True
    sends: int = 1
    request: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """The attempt is recorded; its call may be made."""

    number: int
    opened_at: datetime
    sent_at: datetime


async def open_attempts(
    db: Database, vault: Vault, batch: Sequence[NewAttempt]
) -> list[Opened | NotOpened]:
    """Open attempts, each under its order's fence, all in one commit.

    Safe to write again: a repeat of an ambiguous commit finds its own row by its id.
    """
    rows = [
        {
            "attempt_id": new.attempt_id,
            "order_id": new.order_id,
            "fence": new.fence,
            "state": new.state,
            "step": new.step,
            "reference": new.reference,
            "sends": new.sends,
            "sealed_request": as_bytea(_sealed(vault, new)),
            "commits": new.commits,
            "lease": new.lease.total_seconds(),
            "needs": None if new.needs is None else new.needs.total_seconds(),
        }
        for new in batch
    ]
    lock = Asked(LOCK_ORDERS, {"ids": [new.order_id for new in batch]})
    _, held = await db.together(Boundary.ATTEMPT, lock, Asked(_OPEN, {"rows": as_rows(rows)}))
    found = {row.attempt_id: row for row in held}
    results: list[Opened | NotOpened] = []
    for new in batch:
        row = found.get(new.attempt_id)
        if row is None:
            results.append(NotOpened.FENCED)
        elif row.surplus:
            results.append(NotOpened.SURPLUS)
        elif not row.in_time:
            results.append(NotOpened.WINDOW_CLOSED)
        else:
            results.append(Opened(row.number, row.opened_at, row.sent_at))
    return results


def _sealed(vault: Vault, new: NewAttempt) -> bytes | None:
    """The request to keep; one that is sent again was kept the first time."""
    return None if new.request is None or new.sends > 1 else vault.seal(new.request)


async def note_late(
    db: Database, attempt: Attempted, outcome: Outcome, reason: str, fence: int | None
) -> bool:
    """Record what an attempt came to after its order has gone on without it.

    ``fence`` as for ``claims.seize``. Where it bought something under another id than the order's,
    that is a surplus order: kept for a person, told by an event, and ``True`` comes back. Of a
    request that had been sent before, all but a yes leaves the doubt as it was.
    """
    said_yes = isinstance(outcome, Confirmed | Pending)
    ref = outcome.provider_ref if isinstance(outcome, Confirmed | Pending) else None
    doubtful = attempt.sends > 1 and not said_yes
    async with db.transaction(Boundary.LATE) as connection:
        await connection.execute(_LOCK_ITS_ORDER, {"id": attempt.attempt_id})
        found = await connection.execute(
            _NOTE_LATE,
            {
                "id": attempt.attempt_id,
                "fence": fence,
                "outcome": OutcomeName.IN_DOUBT if doubtful else name_of(outcome),
                "reason": reason,
                "evidence": as_rows(outcome.evidence),
                "ref": ref,
                "said_yes": said_yes,
                "event_id": new_uuid(),
            },
        )
        return found.one_or_none() is not None
