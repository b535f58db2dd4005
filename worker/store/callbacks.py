"""Callbacks: the order that one names is looked at again, and that is all that is written.

A hint moves no state. It only makes an order due now that would have been asked after later. An
order that a worker holds, or that is to be called off first, is due as soon as that is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import text

from schemas.ids import OrderId
from worker.store.session import Boundary, Database, as_rows

_HEAR: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:hints AS jsonb)) AS _(
        event_id uuid, provider text, account text, ref text, order_id uuid)
),
named AS (
    SELECT i.event_id, o.id, o.step,
        coalesce(o.lease_until > orderline_now() AND o.leased_by IS NOT NULL, false)
            OR coalesce(o.step = 'cancel', false) AS busy,
        o.state = 'parked' AND o.step IS NULL AND EXISTS (
            SELECT FROM attempts a WHERE a.order_id = o.id AND a.number = o.attempts
            AND a.outcome = 'in_doubt' AND a.step <> 'cancel') AS doubted
    FROM input i JOIN orders o
        ON o.id = coalesce((SELECT order_id FROM lines WHERE line_ref = i.ref), i.order_id)
        AND o.provider = i.provider AND o.account = i.account
    ORDER BY o.id FOR UPDATE OF o
),
heard AS (
    UPDATE orders o SET
        heard_at = CASE WHEN n.busy THEN orderline_now() END,
        step = CASE WHEN n.doubted THEN 'reconcile' ELSE o.step END,
        due_at = CASE WHEN n.busy THEN o.due_at ELSE least(o.due_at, orderline_now()) END
    FROM (SELECT DISTINCT id, step, busy, doubted FROM named) n
    WHERE o.id = n.id AND (n.doubted OR
        o.due_at IS NOT NULL AND (n.busy OR n.step IN ('poll', 'reconcile')))
    RETURNING o.id, o.provider, o.account
),
said AS (
    INSERT INTO events (id, order_id, line_id, sequence, type, data)
    SELECT n.event_id, n.id, NULL, NULL, 'order.called_back', '{}'
    FROM named n JOIN heard h USING (id)
    ON CONFLICT (id) DO NOTHING
)
SELECT id, provider, account FROM heard
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """One entry of the callbacks' stream, as it was read. Its body is sealed: it may hold goods.

    ``order`` is the id of the one order that it can be about, in hex, where it came by that order's
    own URL; else empty, and its body says which.
    """

    stream: str
    entry_id: str
    provider: str
    account: str
    order: str = ""
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A reference of ours that a provider named, and the event that says so, once.

    ``order_id`` where the reference is an order's id.
    """

    event_id: UUID
    provider: str
    account: str
    ref: str
    order_id: UUID | None


@dataclass(frozen=True, slots=True)
class Heard:
    """An order that is looked at again because of a callback, and whom to ring for it."""

    order_id: OrderId
    provider: str
    account: str


async def hear(db: Database, hints: Sequence[Hint]) -> list[Heard]:
    """Make the orders due that these hints name. Finished ones, and strangers, are left alone."""
    if not hints:
        return []
    async with db.transaction(Boundary.CALLBACK) as connection:
        rows = (await connection.execute(_HEAR, {"hints": as_rows(hints)})).all()
    return [Heard(OrderId(row.id), row.provider, row.account) for row in rows]
