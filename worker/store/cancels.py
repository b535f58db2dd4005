"""Wishes to call orders off: written down, and the order made due so that a worker answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import OrderId
from worker.store.deeds import Deed, note
from worker.store.session import Boundary, Database, as_rows

_ASK: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:wishes AS jsonb)) AS _(
        event_id uuid, order_id uuid, producer text, intent_id text, said_by text, reason text)
),
wanted AS (
    SELECT i.event_id, i.said_by, i.reason, o.id, o.provider, o.account
    FROM input i JOIN orders o
        ON o.id = i.order_id OR (o.producer, o.intent_id) = (i.producer, i.intent_id)
    ORDER BY o.id FOR UPDATE OF o
),
said AS (
    INSERT INTO events (id, order_id, line_id, sequence, type, data)
    SELECT event_id, id, NULL, NULL, 'order.cancel_asked',
        jsonb_strip_nulls(jsonb_build_object('by', said_by, 'reason', reason))
    FROM wanted
    ON CONFLICT (id) DO NOTHING
    RETURNING order_id
),
asked AS (
    UPDATE orders o SET updated_at = orderline_now(),
        cancel_asked_at = coalesce(o.cancel_asked_at, orderline_now()),
        step = coalesce(o.step, 'cancel'),
        due_at = CASE WHEN o.lease_until > orderline_now() THEN o.due_at ELSE orderline_now() END
    WHERE o.id IN (SELECT order_id FROM said) AND o.state <> 'cancelled'
)
SELECT event_id, id, provider, account FROM wanted
""")


_BURIED: Final = text("""
SELECT i.event_id, t.state, t.ended_at
FROM jsonb_to_recordset(CAST(:wishes AS jsonb)) AS i(
    event_id uuid, producer text, intent_id text)
JOIN tombstones t USING (producer, intent_id)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Somebody's wish to call an order off, named by its id or by its intent.

    ``event_id`` names the wish: written twice, it is one. ``said_by`` is for people.
    """

    event_id: UUID
    said_by: str
    order_id: OrderId | None = None
    producer: str | None = None
    intent_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """An order that is to be called off, and whom to ring for it."""

    order_id: OrderId
    provider: str
    account: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How an order ended that was purged since."""

    state: str
    ended_at: datetime


async def ask_for(connection: AsyncConnection, wishes: Sequence[Wish]) -> dict[UUID, Asked]:
    """Write wishes down, by ``event_id``; one that is missing names no order.

    An order that a worker holds keeps its lease: that worker's own change makes it due.
    """
    if not wishes:
        return {}
    found = await connection.execute(_ASK, {"wishes": as_rows(wishes)})
    return {row.event_id: Asked(OrderId(row.id), row.provider, row.account) for row in found}


async def buried(connection: AsyncConnection, wishes: Sequence[Wish]) -> dict[UUID, Ended]:
    """Which of these wishes name an intent whose order was purged, by ``event_id``.

    For those that named no order, and afterwards: one that was purged meanwhile is then seen.
    """
    if not wishes:
        return {}
    found = await connection.execute(_BURIED, {"wishes": as_rows(wishes)})
    return {row.event_id: Ended(row.state, row.ended_at) for row in found}


async def ask(db: Database, wish: Wish, deed: Deed | None = None) -> Asked | None:
    """Write one wish down; ``None`` when there is no such order."""
    async with db.transaction(Boundary.CANCEL) as connection:
        asked = (await ask_for(connection, [wish])).get(wish.event_id)
        if asked is not None:
            await note(connection, deed)
        return asked
