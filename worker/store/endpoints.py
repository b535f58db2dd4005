"""Endpoints as people change them: disabled, so that nothing goes there, and enabled again."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CursorResult, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import new_uuid
from worker.lanes import Lane
from worker.store.deeds import Deed, note
from worker.store.session import Boundary, Database, as_rows
from worker.store.tables_told import DisabledBecause

_OF_ENDPOINT: Final = "producer = :producer AND endpoint = :url AND due_at IS NOT NULL"

_LOCK: Final = text(
    f"SELECT event_id FROM notifications WHERE {_OF_ENDPOINT} ORDER BY event_id FOR UPDATE"  # noqa: S608 -- our constant
)
"""Before the endpoint's own row: whoever records deliveries takes them in this order, too."""

_DISABLE: Final = text("""
WITH changed AS (
    UPDATE endpoints SET disabled_at = orderline_now(), disabled_because = 'operator'
    WHERE producer = :producer AND url = :url AND disabled_at IS NULL
    RETURNING producer, url
)
INSERT INTO events (id, producer, endpoint, type, data)
SELECT :id, producer, url, 'endpoint.disabled', CAST(:data AS jsonb) FROM changed
RETURNING (SELECT count(*) FROM notifications WHERE producer = :producer AND endpoint = :url
    AND due_at IS NOT NULL) AS waiting
""")

_ENABLE: Final = text(f"""
WITH changed AS (
    UPDATE endpoints SET disabled_at = NULL, disabled_because = NULL, rests_until = NULL,
        failing_since = NULL, failures = 0
    WHERE producer = :producer AND url = :url
        AND (disabled_at IS NOT NULL OR failing_since IS NOT NULL OR rests_until > orderline_now())
    RETURNING producer, url
),
waiting AS (
    SELECT n.event_id, row_number() OVER (ORDER BY n.event_id) AS place
    FROM notifications n JOIN changed USING (producer)
    WHERE {_OF_ENDPOINT} AND (n.lease_until IS NULL OR n.lease_until <= orderline_now())
),
begun AS (
    UPDATE notifications n SET tries = 0, lease_until = NULL,
        due_at = orderline_now() + make_interval(secs => w.place / 1000000.0)
    FROM waiting w WHERE n.event_id = w.event_id
    RETURNING n.event_id
)
INSERT INTO events (id, producer, endpoint, type, data)
SELECT :id, producer, url, 'endpoint.enabled', CAST(:data AS jsonb) FROM changed
RETURNING (SELECT count(*) FROM begun) AS waiting
""")  # noqa: S608 -- the clause is a constant of ours
"""What waits is due in the order in which it happened, a microsecond apart: a claim that goes by
``due_at`` then meets each line's next news before those that wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who wanted it, and why."""

    by: str
    why: str
    deed: Deed | None = None


async def disable(db: Database, lane: Lane, decision: Decision) -> int | None:
    """Send nothing there from now on; how many notifications wait.

    ``None`` where it is disabled already: nothing is changed then.
    """
    async with db.transaction(Boundary.PRODUCER) as connection:
        values = _values(lane, decision, because=DisabledBecause.OPERATOR)
        return await _changed(connection, (await connection.execute(_DISABLE, values)), decision)


async def enable(db: Database, lane: Lane, decision: Decision) -> int | None:
    """Send there again: what waits is due at once, in order, and its tries begin anew.

    One that only fails or rests is given a fresh start, too. How many notifications waited;
    ``None`` where all was well: nothing is changed then.
    """
    async with db.transaction(Boundary.PRODUCER) as connection:
        values = _values(lane, decision)
        await connection.execute(_LOCK, {"producer": lane[0], "url": lane[1]})
        return await _changed(connection, (await connection.execute(_ENABLE, values)), decision)


async def _changed(
    connection: AsyncConnection, waiting: CursorResult[Any], decision: Decision
) -> int | None:
    count: int | None = waiting.scalar_one_or_none()
    if count is not None:
        await note(connection, decision.deed)
    return count


def _values(lane: Lane, decision: Decision, **more: str) -> dict[str, Any]:
    data = as_rows(more | {"by": decision.by, "why": decision.why})
    return {"producer": lane[0], "url": lane[1], "id": new_uuid(), "data": data}
