"""Notifications: claimed in each line's order, their deliveries recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text

from schemas.ids import EventId
from schemas.notifications import EventType, LineNews, Notification
from worker.crypto import SealBroken, Vault
from worker.logs import get_logger
from worker.store.goods import open_goods
from worker.store.session import Boundary, Database, Row, as_rows

log = get_logger(__name__)

BEHIND: Final = """EXISTS (
    SELECT FROM notifications p
    WHERE p.subject = n.subject AND p.sequence < n.sequence AND p.state = 'pending'
        AND (p.acknowledged_at IS NULL OR n.acknowledged_at IS NOT NULL)
)"""
"""Which notifications ``n`` wait for an earlier one of their line.

One that was acknowledged, and is replayed, holds back only others like it.
"""

MAY_GO: Final = f"n.due_at <= orderline_now() AND NOT {BEHIND}"
"""Which notifications ``n`` are due and not behind an earlier one of their line."""

_CLAIM: Final = text(f"""
WITH due AS (
    SELECT n.event_id FROM notifications n
    WHERE {MAY_GO}
    ORDER BY n.due_at
    LIMIT :free
    FOR UPDATE SKIP LOCKED
),
taken AS (
    UPDATE notifications n SET fence = fence + 1,
        lease_until = orderline_now() + make_interval(secs => :lease),
        due_at = orderline_now() + make_interval(secs => :lease)
    FROM due WHERE n.event_id = due.event_id
    RETURNING n.event_id, n.subject, n.producer, n.url, n.fence, n.tries, n.replays
)
SELECT t.*, e.type, e.at, e.data, e.sealed_goods
FROM taken t JOIN events e ON e.id = t.event_id
""")  # noqa: S608 -- the clause is a constant of ours

_RECORD: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS _(
        event_id uuid, fence int, replays int, number int, state text, due_in float8,
        milliseconds int, code int, error text, excerpt text)
),
noted AS (
    INSERT INTO deliveries (event_id, number, milliseconds, code, error, excerpt)
    SELECT i.event_id, i.fence, i.milliseconds, i.code, i.error, i.excerpt
    FROM input i JOIN notifications n USING (event_id)
    ORDER BY i.event_id, i.fence
    ON CONFLICT (event_id, number) DO NOTHING
),
held AS (
    UPDATE notifications n SET
        state = i.state, tries = i.number, lease_until = NULL,
        due_at = orderline_now() + make_interval(secs => i.due_in),
        acknowledged_at = coalesce(n.acknowledged_at,
            CASE WHEN i.state = 'acknowledged' THEN orderline_now() END)
    FROM input i WHERE n.event_id = i.event_id AND n.state = 'pending' AND n.replays = i.replays
        AND (n.fence = i.fence OR i.state = 'acknowledged')
    RETURNING n.event_id, n.subject, n.sequence, n.state
)
SELECT EXISTS (
    SELECT FROM held h JOIN notifications later
        ON later.subject = h.subject AND later.sequence > h.sequence AND later.state = 'pending'
    WHERE h.state <> 'pending'
) AS later_are_owed
""")

_LOCK: Final = text(
    "SELECT event_id FROM notifications WHERE event_id = ANY(:ids) ORDER BY event_id FOR UPDATE"
)

_RELEASE: Final = text("""
UPDATE notifications n SET due_at = orderline_now(), lease_until = NULL
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS i(event_id uuid, fence int)
WHERE n.event_id = i.event_id AND n.fence = i.fence AND n.state = 'pending'
""")


def webhook_id(event_id: UUID) -> str:
    """What a receiver knows an event by."""
    return f"evt_{event_id.hex}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A notification whose next delivery is ours to make."""

    event_id: EventId
    subject: UUID
    """The line, or the entry in quarantine, that it is about."""
    producer: str
    url: str
    fence: int
    tries: int
    """Since it was last replayed."""
    replays: int = 0
    notification: Notification

    @property
    def webhook_id(self) -> str:
        """The same over every try; the receiver's key against repeats."""
        return webhook_id(self.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one delivery came to. ``due_in`` is ``None`` unless it is still pending.

    ``number`` counts the tries since the last replay. A delivery is kept under its claim's
    ``fence``, which is never given twice.
    """

    event_id: EventId
    fence: int
    replays: int = 0
    number: int
    state: str
    due_in: timedelta | None
    milliseconds: int
    code: int | None
    error: str | None
    excerpt: str | None


async def claim(db: Database, vault: Vault, *, free: int, lease: timedelta) -> list[Owed]:
    """Lease at most ``free`` due notifications, none before its line's earlier ones are done."""
    async with db.transaction(Boundary.NOTIFICATION_CLAIM) as connection:
        rows = await connection.execute(_CLAIM, {"free": free, "lease": lease.total_seconds()})
        taken = rows.all()
    return [owed for row in taken if (owed := _readable(row, vault)) is not None]


async def record(db: Database, batch: Sequence[Delivered]) -> list[bool]:
    """Record deliveries, all in one commit.

    An acknowledgement counts even after its lease is gone: the producer has it. One of a claim from
    before a replay is only noted: somebody wants another one. What comes after its order was purged
    is let go. Each result says whether later notifications of some line of the
    batch may go now.
    """
    async with db.transaction(Boundary.DELIVERY) as connection:
        await connection.execute(_LOCK, {"ids": [item.event_id for item in batch]})
        rows = [
            {
                "event_id": item.event_id,
                "fence": item.fence,
                "replays": item.replays,
                "number": item.number,
                "state": item.state,
                "due_in": None if item.due_in is None else item.due_in.total_seconds(),
                "milliseconds": item.milliseconds,
                "code": item.code,
                "error": item.error,
                "excerpt": item.excerpt,
            }
            for item in batch
        ]
        later = (await connection.execute(_RECORD, {"rows": as_rows(rows)})).scalar_one()
    return [later] * len(batch)


async def release(db: Database, given_back: Sequence[tuple[EventId, int]]) -> None:
    """Give leases back: each notification is due at once."""
    rows = [{"event_id": event_id, "fence": fence} for event_id, fence in given_back]
    async with db.transaction(Boundary.RELEASE) as connection:
        await connection.execute(_LOCK, {"ids": [row["event_id"] for row in rows]})
        await connection.execute(_RELEASE, {"rows": as_rows(rows)})


def told(
    kind: EventType, at: datetime, data: LineNews, goods: tuple[dict[str, str], ...] | None
) -> Notification:
    """The message about an event; the same from memory and from the database."""
    news = data if goods is None else data.model_copy(update={"goods": goods})
    return Notification(type=kind, timestamp=at, data=news)


def _readable(row: Row, vault: Vault) -> Owed | None:
    """A claimed notification, unless it cannot be opened: then it must block no other.

    It is due again, and said again, whenever its lease ends.
    """
    try:
        return _owed(row, vault)
    except (SealBroken, ValidationError) as error:
        log.exception(
            "notification_unreadable", event_id=str(row.event_id), error=type(error).__name__
        )
        return None


def _owed(row: Row, vault: Vault) -> Owed:
    goods = open_goods(vault, row.sealed_goods)
    return Owed(
        event_id=EventId(row.event_id),
        subject=row.subject,
        producer=row.producer,
        url=row.url,
        fence=row.fence,
        tries=row.tries,
        replays=row.replays,
        notification=told(
            EventType(row.type),
            row.at,
            LineNews.model_validate(row.data),
            None if goods is None else goods.items,
        ),
    )
