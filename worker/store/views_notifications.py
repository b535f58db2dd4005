"""Reading notifications: listed, chosen, found by their ids, and told whole."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.notifications import EventType, LineNews, render
from schemas.told import DeliveryStory, OwedStory, OwedView
from worker.crypto import SealBroken, Vault
from worker.store.goods import open_goods
from worker.store.notifications import BEHIND, told, webhook_id
from worker.store.session import Database, Row
from worker.store.views import CANDIDATES, snapshot
from worker.store.views_story import shown_url

_ID: Final = re.compile(r"(?:evt_)?([0-9a-f-]{1,36})", re.IGNORECASE)
_HIDDEN: Final = "…"

_OWED: Final = """
SELECT n.event_id, e.at, e.type, n.producer, e.order_id, l.deliver_id, n.sequence, n.url, n.state,
    n.tries, n.replays, n.due_at, n.acknowledged_at, last.code, last.error,
    CASE WHEN n.state <> 'pending' THEN NULL
        WHEN p.disabled_at IS NOT NULL
            THEN 'its endpoint is disabled (' || p.disabled_because || ')'
        WHEN {behind} THEN 'behind an earlier one of its line'
        WHEN p.rests_until > orderline_now() THEN 'its endpoint rests'
        WHEN n.lease_until > orderline_now() THEN 'under way'
    END AS waits
FROM notifications n
JOIN events e ON e.id = n.event_id
JOIN endpoints p ON p.producer = n.producer AND p.url = n.endpoint
LEFT JOIN lines l ON l.id = e.line_id
LEFT JOIN LATERAL (
    SELECT code, error FROM deliveries d WHERE d.event_id = n.event_id ORDER BY number DESC LIMIT 1
) last ON true
WHERE {where}
ORDER BY e.at {order}, n.subject, n.sequence {order}
LIMIT :limit
"""

_SAID: Final = text("""
SELECT e.type, e.at, e.data, e.sealed_goods, orderline_now() AS as_of
FROM events e WHERE e.id = :id
""")

_DELIVERIES: Final = text("""
SELECT row_number() OVER (ORDER BY number) AS number, at, milliseconds, code, error, excerpt
FROM deliveries WHERE event_id = :id ORDER BY number
""")

_HOSTS: Final = text("""
SELECT notify_url AS url FROM producers WHERE name = :name
UNION SELECT 'https://' || unnest(notify_hosts) FROM producers WHERE name = :name
UNION SELECT url FROM endpoints WHERE producer = :name
""")

Order = Literal["newest first", "oldest first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which notifications are meant. What is left out does not limit.

    ``ids`` are webhook ids, the events' uuids, or beginnings of either. ``since`` and ``until`` are
    about when the fact happened: moments, or how long ago by the database's clock.
    """

    ids: Sequence[str] = ()
    order_id: UUID | None = None
    producer: str | None = None
    endpoint: str | None = None
    state: str | None = None
    type: str | None = None
    since: datetime | timedelta | None = None
    until: datetime | timedelta | None = None

    def where(self) -> str:
        """These wishes as SQL; values are parameters."""
        ago = "orderline_now() - CAST(:{} AS interval)"
        conditions = {
            "replace(CAST(n.event_id AS text), '-', '') LIKE ANY(:ids)": bool(self.ids),
            "e.order_id = :order_id": self.order_id is not None,
            "n.producer = :producer": self.producer is not None,
            "n.endpoint = split_part(:endpoint, '?', 1)": self.endpoint is not None,
            "n.state = :state": self.state is not None,
            "e.type = :type": self.type is not None,
            "e.at >= :since": isinstance(self.since, datetime),
            f"e.at >= {ago.format('since')}": isinstance(self.since, timedelta),
            "e.at <= :until": isinstance(self.until, datetime),
            f"e.at <= {ago.format('until')}": isinstance(self.until, timedelta),
        }
        return " AND ".join(sql for sql, wanted in conditions.items() if wanted) or "true"

    def values(self) -> dict[str, Any]:
        """The parameters of ``where``."""
        names = ("order_id", "producer", "endpoint", "state", "type", "since", "until")
        given = {name: getattr(self, name) for name in names}
        given = {name: value for name, value in given.items() if value is not None}
        return given | ({"ids": [_pattern(each) for each in self.ids]} if self.ids else {})


def _pattern(name: str) -> str:
    match = _ID.fullmatch(name)
    return f"{match[1].lower().replace('-', '')}%" if match else ""


async def owed(
    db: Database, sought: Sought, *, limit: int | None = 50, order: Order = "newest first"
) -> list[OwedView]:
    """The notifications that are sought."""
    async with snapshot(db) as connection:
        return await _select(connection, sought, limit=limit, order=order)


async def named(db: Database, name: str) -> list[OwedView]:
    """The notifications that an id may mean; at most ``CANDIDATES``."""
    return await owed(db, Sought(ids=[name]), limit=CANDIDATES)


async def owed_story(db: Database, vault: Vault, event_id: UUID, *, reveal: bool) -> OwedStory:
    """Everything about a notification that exists; delivered codes only where ``reveal``."""
    key = {"id": event_id}
    async with snapshot(db) as connection:
        [view] = await _select(connection, Sought(ids=[str(event_id)]), limit=1)
        said = (await connection.execute(_SAID, key)).one()
        deliveries = (await connection.execute(_DELIVERIES, key)).all()
    body, size, goods = _body(said, vault, reveal=reveal)
    return OwedStory(
        **view.model_dump(),
        body=body,
        size=size,
        goods=goods,
        deliveries=tuple(DeliveryStory(**row._asdict()) for row in deliveries),
        as_of=said.as_of,
    )


async def urls_of(db: Database, producer: str) -> list[str]:
    """Every URL whose host a producer's notifications may go to."""
    async with db.reading() as connection:
        return [row.url for row in await connection.execute(_HOSTS, {"name": producer})]


async def _select(
    connection: AsyncConnection, sought: Sought, *, limit: int | None, order: Order = "newest first"
) -> list[OwedView]:
    sql = _OWED.format(
        behind=BEHIND,
        where=sought.where(),
        order="DESC" if order == "newest first" else "ASC",
    )
    rows = await connection.execute(text(sql), {**sought.values(), "limit": limit})
    return [_view(row) for row in rows]


def _view(row: Row) -> OwedView:
    return OwedView(
        event_id=row.event_id,
        webhook_id=webhook_id(row.event_id),
        at=row.at,
        type=row.type,
        producer=row.producer,
        order_id=row.order_id,
        deliver_id=row.deliver_id,
        sequence=row.sequence,
        url=shown_url(row.url),
        state=row.state,
        tries=row.tries,
        replays=row.replays,
        due_at=row.due_at,
        acknowledged_at=row.acknowledged_at,
        last_code=row.code,
        last_error=row.error,
        waits=row.waits,
    )


def _body(
    said: Row, vault: Vault, *, reveal: bool
) -> tuple[dict[str, Any] | None, int | None, int]:
    """What is sent, its size in bytes, and how many codes are in it."""
    try:
        goods = open_goods(vault, said.sealed_goods)
        news = LineNews.model_validate(said.data)
        body = render(
            told(EventType(said.type), said.at, news, None if goods is None else goods.items)
        )
    except (SealBroken, ValidationError, ValueError):
        return None, None, 0
    document: dict[str, Any] = json.loads(body)
    items = document["data"].get("goods", [])
    if items and not reveal:
        document["data"]["goods"] = [dict.fromkeys(each, _HIDDEN) for each in items]
    return document, len(body), len(items)
