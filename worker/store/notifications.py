"""Notifications: who is owed one, claimed in each line's order and by endpoint.

Its neighbour ``deliveries`` records what became of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text

from schemas.ids import EventId
from schemas.notifications import (
    EntryNews,
    EventType,
    LineNews,
    Message,
    Notice,
    NoticeType,
    Notification,
)
from worker.crypto import SealBroken, Vault
from worker.lanes import FAILING_LANE, Lane, Room, lane_of
from worker.logs import get_logger
from worker.store.goods import open_goods
from worker.store.pipeline import Asked
from worker.store.session import Boundary, Database, Row, as_rows

log = get_logger(__name__)

OWING: Final = """owing AS (
    (SELECT n.producer, n.endpoint FROM notifications n
    WHERE n.due_at IS NOT NULL ORDER BY n.producer, n.endpoint LIMIT 1)
    UNION ALL
    SELECT next.producer, next.endpoint FROM owing o CROSS JOIN LATERAL (
        SELECT n.producer, n.endpoint FROM notifications n
        WHERE n.due_at IS NOT NULL AND (n.producer, n.endpoint) > (o.producer, o.endpoint)
        ORDER BY n.producer, n.endpoint LIMIT 1
    ) next
),
reachable AS (
    SELECT e.* FROM owing o JOIN endpoints e ON (e.producer, e.url) = (o.producer, o.endpoint)
    WHERE e.disabled_at IS NULL AND (e.rests_until IS NULL OR e.rests_until <= orderline_now())
)"""
"""For a ``WITH RECURSIVE``: the endpoints that something is owed to, in jumps over their index, so
that it costs nothing how many there are besides; and those of them that are not to be left alone.
"""

BEHIND: Final = """EXISTS (
    SELECT FROM notifications earlier
    WHERE earlier.subject = n.subject AND earlier.sequence < n.sequence
        AND earlier.state = 'pending'
        AND (earlier.acknowledged_at IS NULL OR n.acknowledged_at IS NOT NULL)
    OFFSET 0
)"""
"""Which notifications ``n`` wait for an earlier one of their line.

One that was acknowledged, and is replayed, holds back only others like it. ``OFFSET 0``: row by
row, for as many as are wanted, never a join of everything that is owed.
"""

MAY_GO: Final = f"n.due_at <= orderline_now() AND NOT {BEHIND}"
"""Which notifications ``n`` are due and not behind an earlier one of their line."""

_CLAIM: Final = text(f"""
WITH RECURSIVE {OWING},
lane AS (
    SELECT e.producer, e.url, e.failing_since IS NOT NULL OR coalesce(t.failing, false) AS failing,
        coalesce(t.count, 0) AS taken
    FROM reachable e LEFT JOIN jsonb_to_recordset(CAST(:taken AS jsonb)) AS t(
        producer text, url text, count int, failing bool) USING (producer, url)
),
candidate AS (
    SELECT c.event_id, c.due_at, l.failing,
        row_number() OVER (PARTITION BY l.failing ORDER BY c.due_at) AS place
    FROM lane l CROSS JOIN LATERAL (
        SELECT n.event_id, n.due_at FROM notifications n
        WHERE n.producer = l.producer AND n.endpoint = l.url AND {MAY_GO}
        ORDER BY n.due_at
        LIMIT greatest(
            CASE WHEN l.failing THEN least(:each, {FAILING_LANE}) ELSE :each END - l.taken, 0)
    ) c
),
chosen AS (
    SELECT event_id, due_at, failing FROM candidate WHERE NOT failing OR place <= :failing
    ORDER BY due_at LIMIT 2 * :free
),
due AS (
    SELECT n.event_id, c.failing FROM chosen c JOIN notifications n USING (event_id)
    WHERE n.due_at <= orderline_now()
    ORDER BY c.due_at LIMIT :free
    FOR UPDATE OF n SKIP LOCKED
),
taken AS (
    UPDATE notifications n SET fence = fence + 1,
        lease_until = orderline_now() + make_interval(secs => :lease),
        due_at = orderline_now() + make_interval(secs => :lease)
    FROM due WHERE n.event_id = due.event_id
    RETURNING n.event_id, n.subject, n.producer, n.url, n.fence, n.tries, n.replays, due.failing
)
SELECT t.*, e.type, e.at, e.data, e.sealed_goods, c.found
FROM (SELECT count(*) AS found FROM chosen) c
LEFT JOIN (taken t JOIN events e ON e.id = t.event_id) ON true
""")  # noqa: S608 -- the clauses are constants of ours
"""Chosen are twice as many as are wanted, so that two who claim at once do not both get the half
that the other one locked."""

NO_LIMIT: Final = Room(each=1_000, failing=1_000)
"""For who claims alone, and counts by itself."""


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
    """Since it was last replayed, or its endpoint enabled."""
    replays: int = 0
    failing: bool = False
    """Whether its endpoint failed the last time."""
    notification: Message

    @property
    def lane(self) -> Lane:
        """Where it goes to."""
        return lane_of(self.producer, self.url)

    @property
    def webhook_id(self) -> str:
        """The same over every try; the receiver's key against repeats."""
        return webhook_id(self.event_id)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought, and whether there was more: also what others were faster with."""

    owed: Sequence[Owed]
    more: bool


async def claim(
    db: Database, vault: Vault, *, free: int, lease: timedelta, room: Room = NO_LIMIT
) -> Claimed:
    """Lease at most ``free`` due notifications, the oldest first, as far as there is ``room``.

    None goes before its line's earlier ones are done, and none to an endpoint that is disabled or
    rests.
    """
    lanes = [
        {"producer": each.lane[0], "url": each.lane[1], "count": each.count}
        | {"failing": each.failing}
        for each in room.taken
    ]
    values = {
        "free": free,
        "lease": lease.total_seconds(),
        "each": room.each,
        "failing": room.failing,
        "taken": as_rows(lanes),
    }
    (rows,) = await db.together(Boundary.NOTIFICATION_CLAIM, Asked(_CLAIM, values))
    taken, found = [row for row in rows if row.event_id is not None], rows[0].found
    owed = [each for row in taken if (each := _readable(row, vault)) is not None]
    return Claimed(owed, more=found >= free or found > len(taken))


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
    return Owed(
        event_id=EventId(row.event_id),
        subject=row.subject,
        producer=row.producer,
        url=row.url,
        fence=row.fence,
        tries=row.tries,
        replays=row.replays,
        failing=row.failing,
        notification=_message(row, vault),
    )


def _message(row: Row, vault: Vault) -> Message:
    if row.type in set(NoticeType):
        news = EntryNews.model_validate(row.data)
        return Notice(type=NoticeType(row.type), timestamp=row.at, data=news)
    goods = open_goods(vault, row.sealed_goods)
    return told(
        EventType(row.type),
        row.at,
        LineNews.model_validate(row.data),
        None if goods is None else goods.items,
    )
