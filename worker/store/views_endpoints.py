"""Reading endpoints: listed with what waits for them, found by their URLs, and told whole."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.endpoints import (
    EndpointDeliveryView,
    EndpointEventView,
    EndpointStory,
    EndpointView,
)
from worker.lanes import Lane
from worker.store.notifications import webhook_id
from worker.store.session import Database
from worker.store.views import CANDIDATES, snapshot

_STATE: Final = """CASE WHEN e.disabled_at IS NOT NULL THEN 'disabled'
    WHEN e.rests_until > orderline_now() THEN 'resting'
    WHEN e.failing_since IS NOT NULL THEN 'failing' ELSE 'ok' END"""

_ENDPOINTS: Final = f"""
WITH chosen AS (
    SELECT e.*, {_STATE} AS state FROM endpoints e
    WHERE {{where}}
    ORDER BY e.disabled_at IS NULL, e.failing_since IS NULL, e.producer, e.url LIMIT :limit
),
delivered AS (
    SELECT n.producer, n.endpoint, max(n.acknowledged_at) AS at
    FROM notifications n JOIN chosen c ON (c.producer, c.url) = (n.producer, n.endpoint)
    WHERE n.acknowledged_at IS NOT NULL GROUP BY n.producer, n.endpoint
)
SELECT c.producer, c.url, c.state, c.failing_since, c.failed_at, c.failures, c.rests_until,
    c.disabled_at, c.disabled_because, w.waiting, w.oldest_at, d.at AS delivered_at, c.created_at,
    orderline_now() AS as_of
FROM chosen c LEFT JOIN delivered d ON (d.producer, d.endpoint) = (c.producer, c.url)
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting, min(e.at) AS oldest_at
    FROM notifications n JOIN events e ON e.id = n.event_id
    WHERE n.producer = c.producer AND n.endpoint = c.url AND n.due_at IS NOT NULL
) w
ORDER BY c.disabled_at IS NULL, c.failing_since IS NULL, c.producer, c.url
"""  # noqa: S608 -- the clauses are ours

_EVENTS: Final = text("""
SELECT at, type, data FROM events WHERE producer = :producer AND endpoint = :url
ORDER BY at DESC, id DESC LIMIT :limit
""")

_DELIVERIES: Final = text("""
SELECT d.event_id, d.number, d.at, d.milliseconds, d.code, d.error
FROM deliveries d JOIN notifications n USING (event_id)
WHERE n.producer = :producer AND n.endpoint = :url
ORDER BY d.at DESC, d.event_id DESC, d.number DESC LIMIT :limit
""")

_STORY_LENGTH: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Which endpoints are meant. What is left out does not limit."""

    producer: str | None = None
    state: str | None = None


async def endpoints(db: Database, reached: Reached, *, limit: int = 50) -> list[EndpointView]:
    """The endpoints that are meant, those in trouble first."""
    conditions = {
        "e.producer = :producer": reached.producer,
        f"{_STATE} = :state": reached.state,
    }
    where = [sql for sql, value in conditions.items() if value is not None]
    values = {"producer": reached.producer, "state": reached.state, "limit": limit}
    given = {name: value for name, value in values.items() if value is not None}
    async with snapshot(db) as connection:
        return await _select(connection, " AND ".join(where) or "true", given)


async def find_endpoints(db: Database, name: str, producer: str | None) -> list[EndpointView]:
    """Those with this URL or, where there is none, whose URL begins so; at most ``CANDIDATES``.

    A query is no part of an endpoint's name.
    """
    name = name.partition("?")[0]
    of = "" if producer is None else " AND e.producer = :producer"
    values = {"name": name, "limit": CANDIDATES}
    values |= {} if producer is None else {"producer": producer}
    async with snapshot(db) as connection:
        exact = await _select(connection, f"e.url = :name{of}", values)
        return exact or await _select(connection, f"starts_with(e.url, :name){of}", values)


async def endpoint_story(db: Database, lane: Lane) -> EndpointStory:
    """Everything about an endpoint that exists."""
    key = {"producer": lane[0], "url": lane[1]}
    recent = key | {"limit": _STORY_LENGTH}
    async with snapshot(db) as connection:
        where = "e.producer = :producer AND e.url = :url"
        [view] = await _select(connection, where, key | {"limit": 1})
        events = (await connection.execute(_EVENTS, recent)).all()
        deliveries = (await connection.execute(_DELIVERIES, recent)).all()
    return EndpointStory(
        endpoint=view,
        events=tuple(EndpointEventView(at=row.at, type=row.type, data=row.data) for row in events),
        deliveries=tuple(
            EndpointDeliveryView(
                webhook_id=webhook_id(row.event_id),
                number=row.number,
                at=row.at,
                milliseconds=row.milliseconds,
                code=row.code,
                error=row.error,
            )
            for row in deliveries
        ),
    )


async def _select(
    connection: AsyncConnection, where: str, values: dict[str, Any]
) -> list[EndpointView]:
    rows = await connection.execute(text(_ENDPOINTS.format(where=where)), values)
    return [EndpointView(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name
