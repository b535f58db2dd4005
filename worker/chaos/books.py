"""Our own books, read from the database: often and in short, and once in full."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.chaos.evidence import Order, OurBooks, Quarantined, Told
from worker.chaos.submitting import Standing
from worker.demo.books import AT_REST
from worker.lifecycle import OrderState
from worker.store.notifications import webhook_id
from worker.store.session import Database, is_transient

_STANDING: Final = text("""
SELECT producer, intent_id, state, due_at IS NOT NULL AS due FROM orders
""")

_OWED: Final = text("SELECT count(*) FROM notifications WHERE state = 'pending'")

_ORDERS: Final = text("""
SELECT o.id, o.producer, o.intent_id, o.fingerprint, o.provider, o.state, o.expires_at,
    o.parked_reason, coalesce(o.intent ->> 'order_type' LIKE 'PREVIEW%', false) AS previews,
    o.cancel_asked_at IS NOT NULL AS wish_open,
    (SELECT array_agg(l.line_ref ORDER BY l.index) FROM lines l WHERE l.order_id = o.id) AS refs,
    (SELECT count(*) FROM events e WHERE e.order_id = o.id AND e.type = 'order.cancel_asked')
        AS cancels,
    EXISTS (SELECT FROM events e WHERE e.order_id = o.id AND e.type = 'order.surplus_found')
        AS surplus
FROM orders o ORDER BY o.created_at
""")

_QUARANTINED: Final = text("SELECT stream, entry_id, digest, code FROM quarantine")

_TOLD: Final = text("""
SELECT e.id, l.producer, l.deliver_id AS subject, e.sequence, e.type
FROM events e JOIN lines l ON l.id = e.line_id
UNION ALL
SELECT e.id, q.producer, CAST(q.id AS text), e.sequence, e.type
FROM events e JOIN quarantine q ON q.id = e.quarantine_id
ORDER BY subject, sequence
""")

_BEGUN_LATE: Final = text("""
SELECT o.intent_id || ' attempt ' || a.number AS what
FROM attempts a JOIN orders o ON o.id = a.order_id
WHERE a.commits AND a.step <> 'cancel'
    AND a.sent_at + make_interval(secs => :needs) > o.expires_at
""")

_UNSETTLED: Final = text("""
SELECT o.intent_id, o.provider, o.state, o.step, o.reason,
    extract(epoch FROM o.due_at - orderline_now())::int AS due_in
FROM orders o WHERE o.due_at IS NOT NULL ORDER BY o.due_at
""")

_UNTOLD: Final = text("""
SELECT count(*) AS owed, extract(epoch FROM min(due_at) - orderline_now())::int AS due_in,
    max(tries) AS tries
FROM notifications WHERE state = 'pending' AND due_at IS NOT NULL
""")

_IDLE: Final = text("""
SELECT state, count(*) AS count,
    max(extract(epoch FROM clock_timestamp() - state_change))::int AS since
FROM pg_stat_activity
WHERE application_name = 'orderline' AND state LIKE 'idle in transaction%'
    AND clock_timestamp() - state_change > interval '5 s'
GROUP BY state
""")
"""Sessions that hold locks and do nothing: whoever had them is gone, and they do not know it."""

_NAMED: Final = 4
_READ_AGAIN: Final = 0.2


@dataclass(frozen=True, slots=True)
class Look:
    """How things stand, in short. ``owed`` are notifications."""

    accepted: int = 0
    at_rest: int = 0
    parked: int = 0
    owed: int = 0
    standing: Standing = field(default_factory=Standing)

    @property
    def quiet(self) -> bool:
        """Whether nothing is due any more."""
        return self.standing.open_orders == 0 == self.owed


async def look(db: Database) -> Look | None:
    """How things stand; ``None`` while the database is away."""
    try:
        async with db.reading() as connection:
            rows = (await connection.execute(_STANDING)).all()
            owed = (await connection.execute(_OWED)).scalar_one()
    except Exception as error:
        if not is_transient(error):
            raise
        return None
    states = Counter(row.state for row in rows)
    return Look(
        accepted=len(rows),
        at_rest=sum(count for state, count in states.items() if state in AT_REST),
        parked=states[OrderState.PARKED],
        owed=owed,
        standing=Standing(
            open_orders=sum(row.due for row in rows),
            known={(row.producer, row.intent_id) for row in rows},
            placed={(r.producer, r.intent_id) for r in rows if r.state == OrderState.PLACED},
        ),
    )


async def restless(db: Database) -> list[str]:
    """What is not at rest in the database, in a few words each."""
    async with db.reading() as connection:
        orders = (await connection.execute(_UNSETTLED)).all()
        untold = (await connection.execute(_UNTOLD)).one()
        idle = (await connection.execute(_IDLE)).all()
    named = [
        f"{row.intent_id} ({row.provider}) is {row.state}, {row.step} due in {row.due_in} s:"
        f" {row.reason or 'no reason'}"
        for row in orders[:_NAMED]
    ]
    more = [f"and {len(orders) - _NAMED} more orders"] if len(orders) > _NAMED else []
    mail = (
        [f"{untold.owed} notifications owed, the next in {untold.due_in} s, tries {untold.tries}"]
        if untold.owed
        else []
    )
    held = [f"{row.count} sessions are {row.state} for {row.since} s" for row in idle]
    return [*named, *more, *mail, *held]


async def read_books(db: Database, needs: timedelta) -> OurBooks:
    """Our books in full. ``needs`` is how long a purchase may take, and must have."""
    async with db.reading() as connection:
        orders = await _all(connection, _ORDERS, _order)
        quarantined = await _all(connection, _QUARANTINED, _quarantined)
        told = await _all(connection, _TOLD, _told)
        values = {"needs": needs.total_seconds()}
        late = (await connection.execute(_BEGUN_LATE, values)).scalars().all()
        owed = (await connection.execute(_OWED)).scalar_one()
    return OurBooks(orders=orders, quarantined=quarantined, told=told, begun_late=late, owed=owed)


async def patiently(db: Database, needs: timedelta) -> OurBooks:
    """``read_books``, after an outage of the database if need be."""
    while True:
        try:
            return await read_books(db, needs)
        except Exception as error:
            if not is_transient(error):
                raise
        await asyncio.sleep(_READ_AGAIN)


async def _all(connection: AsyncConnection, query: Any, shape: Callable[[Any], Any]) -> list[Any]:
    return [shape(row) for row in await connection.execute(query)]


def _order(row: Any) -> Order:
    return Order(
        order_id=str(row.id),
        producer=row.producer,
        intent_id=row.intent_id,
        fingerprint=row.fingerprint,
        provider=row.provider,
        state=row.state,
        expires_at=row.expires_at,
        parked_reason=row.parked_reason,
        previews=row.previews,
        refs=(row.id.hex, *row.refs),
        cancels=row.cancels,
        wish_open=row.wish_open,
        surplus=row.surplus,
    )


def _quarantined(row: Any) -> Quarantined:
    return Quarantined(stream=row.stream, entry_id=row.entry_id, digest=row.digest, code=row.code)


def _told(row: Any) -> Told:
    return Told(
        webhook_id=webhook_id(row.id),
        producer=row.producer,
        subject=row.subject,
        sequence=row.sequence,
        type=row.type,
    )
