"""Replays of notifications: the same event is delivered anew, whatever became of it before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from schemas.ids import new_uuid
from worker.store.deeds import Deed, note
from worker.store.session import Boundary, Database, as_rows

REPLAYED: Final = "notification.replayed"
"""The event of the order's story, or of the endpoint's where there is no order."""

_LOCK: Final = text(
    "SELECT event_id FROM notifications WHERE event_id = ANY(:ids) ORDER BY event_id FOR UPDATE"
)

_REACHED: Final = text("""
INSERT INTO endpoints (producer, url)
SELECT DISTINCT producer, split_part(:url, '?', 1) FROM notifications WHERE event_id = ANY(:ids)
ON CONFLICT DO NOTHING
""")

# A note that is there already means that this very replay was committed before.
_REPLAY: Final = text("""
WITH input AS (
    SELECT i.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS i(event_id uuid, note_id uuid)
    WHERE NOT EXISTS (SELECT FROM events e WHERE e.id = i.note_id)
),
again AS (
    UPDATE notifications n SET state = 'pending', tries = 0, replays = n.replays + 1,
        lease_until = NULL, due_at = orderline_now(), url = coalesce(CAST(:url AS text), n.url)
    FROM input i WHERE n.event_id = i.event_id
    RETURNING n.event_id, n.producer, n.endpoint, n.replays, i.note_id
)
INSERT INTO events (id, order_id, producer, endpoint, type, data)
SELECT a.note_id, e.order_id,
    CASE WHEN e.order_id IS NULL THEN a.producer END,
    CASE WHEN e.order_id IS NULL THEN a.endpoint END,
    CAST(:type AS text),
    jsonb_strip_nulls(jsonb_build_object(
        'webhook_id', 'evt_' || replace(CAST(a.event_id AS text), '-', ''),
        'event', e.type, 'replay', a.replays,
        'by', CAST(:by AS text), 'reason', CAST(:why AS text)))
FROM again a JOIN events e ON e.id = a.event_id
RETURNING id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Somebody wants events delivered once more. ``url`` is ``None``: to where they went before."""

    event_ids: Sequence[UUID]
    by: str
    why: str | None
    url: str | None = None
    deed: Deed | None = None


async def replay(db: Database, wanted: Replay) -> int:
    """Make notifications due, with a fresh schedule; how many there were.

    The tries of before stay on record, and one that is under way changes nothing any more. What
    was acknowledged before holds back no later event of its line.
    """
    ids = sorted(set(wanted.event_ids))
    rows = [{"event_id": event_id, "note_id": new_uuid()} for event_id in ids]
    async with db.transaction(Boundary.REPLAY) as connection:
        await connection.execute(_LOCK, {"ids": ids})
        if wanted.url is not None:
            await connection.execute(_REACHED, {"ids": ids, "url": wanted.url})
        noted = await connection.execute(
            _REPLAY,
            {
                "rows": as_rows(rows),
                "url": wanted.url,
                "type": REPLAYED,
                "by": wanted.by,
                "why": wanted.why,
            },
        )
        count = len(noted.all())
        if count:
            await note(connection, wanted.deed)
        return count
