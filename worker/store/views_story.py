"""One order's whole story, from one snapshot: what was asked, tried, became of it and was told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.intents import IntentFault, load_intent, masked
from schemas.orders import (
    AttemptView,
    DeliveryView,
    EventView,
    LineView,
    NotificationView,
    OrderStory,
)
from worker.crypto import SealBroken, Vault
from worker.errors import NotFound
from worker.store.goods import open_goods
from worker.store.notifications import webhook_id
from worker.store.session import Database, Row
from worker.store.views import price, select_orders, snapshot

_HIDDEN: Final = "…"

_ASKED: Final = text("SELECT intent, notify_url FROM orders WHERE id = :order_id")

_LINES: Final = text("""
SELECT order_id, deliver_id, line_ref, state, provider_line_ref, price, currency, reason, details
FROM lines WHERE order_id = ANY(:ids) ORDER BY index
""")

_ATTEMPTS: Final = text("""
SELECT order_id, number, step, reference, opened_at, sends, sent_at, closed_at, outcome, reason,
    look_ups, coalesce(evidence, '{}') AS evidence
FROM attempts WHERE order_id = ANY(:ids) ORDER BY number
""")

_EVENTS: Final = text("""
SELECT e.at, e.type, l.deliver_id, e.sequence, e.data, e.sealed_goods
FROM events e LEFT JOIN lines l ON l.id = e.line_id
WHERE e.order_id = :order_id ORDER BY e.at, e.id
""")

_NOTIFICATIONS: Final = text("""
SELECT n.event_id, l.deliver_id, n.sequence, e.type, n.url, n.state, n.due_at, n.acknowledged_at
FROM events e JOIN notifications n ON n.event_id = e.id JOIN lines l ON l.id = n.subject
WHERE e.order_id = :order_id ORDER BY e.at, e.id
""")

_DELIVERIES: Final = text("""
SELECT d.event_id, d.number, d.at, d.milliseconds, d.code, d.error
FROM events e JOIN deliveries d ON d.event_id = e.id
WHERE e.order_id = :order_id ORDER BY d.event_id, d.number
""")


async def story(db: Database, vault: Vault, order_id: UUID, *, reveal: bool = False) -> OrderStory:
    """Everything about one order. Raises ``NotFound``.

    Personal data is hidden unless ``reveal``; delivered codes are only counted.
    """
    key = {"order_id": order_id}
    async with snapshot(db) as connection:
        found = await select_orders(connection, "o.id = :order_id", {**key, "limit": 1})
        if not found:
            raise NotFound(f"There is no order {order_id}.")
        asked = (await connection.execute(_ASKED, key)).one()
        lines = await select_lines(connection, [order_id])
        attempts = await select_attempts(connection, [order_id])
        events = (await connection.execute(_EVENTS, key)).all()
        notifications = await _notifications(connection, order_id, reveal=reveal)
    return OrderStory(
        order=found[0],
        notify_url=asked.notify_url if reveal else shown_url(asked.notify_url),
        intent=asked.intent if reveal else _masked(asked.intent),
        lines=tuple(lines[order_id]),
        attempts=tuple(attempts[order_id]),
        events=tuple(_event(row, vault) for row in events),
        notifications=notifications,
    )


async def select_lines(
    connection: AsyncConnection, ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[LineView]]:
    """The lines of orders, in the intents' order."""
    found: defaultdict[UUID, list[LineView]] = defaultdict(list)
    for row in await connection.execute(_LINES, {"ids": ids}):
        found[row.order_id].append(_line(row))
    return found


async def select_attempts(
    connection: AsyncConnection, ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[AttemptView]]:
    """The attempts of orders, the newest last."""
    found: defaultdict[UUID, list[AttemptView]] = defaultdict(list)
    for row in await connection.execute(_ATTEMPTS, {"ids": ids}):
        found[row.order_id].append(_attempt(row))
    return found


def shown_url(url: str) -> str:
    """A URL without the values in its query, which often are somebody's key."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=_HIDDEN if parts.query else "", fragment=""))


async def _notifications(
    connection: AsyncConnection, order_id: UUID, *, reveal: bool
) -> tuple[NotificationView, ...]:
    key = {"order_id": order_id}
    deliveries: defaultdict[UUID, list[DeliveryView]] = defaultdict(list)
    for row in await connection.execute(_DELIVERIES, key):
        deliveries[row.event_id].append(
            DeliveryView(
                number=row.number,
                at=row.at,
                milliseconds=row.milliseconds,
                code=row.code,
                error=row.error,
            )
        )
    return tuple(
        NotificationView(
            webhook_id=webhook_id(row.event_id),
            deliver_id=row.deliver_id,
            sequence=row.sequence,
            type=row.type,
            url=row.url if reveal else shown_url(row.url),
            state=row.state,
            due_at=row.due_at,
            acknowledged_at=row.acknowledged_at,
            deliveries=tuple(deliveries[row.event_id]),
        )
        for row in await connection.execute(_NOTIFICATIONS, key)
    )


def _masked(document: dict[str, Any]) -> dict[str, Any]:
    try:
        shown = masked(load_intent(document))
    except IntentFault as fault:
        # Kept by an older version, whose marks of what is personal this one cannot read.
        return {"unreadable": str(fault)}
    if shown.get("notify_url") is not None:
        shown["notify_url"] = shown_url(shown["notify_url"])
    return shown


def _line(row: Row) -> LineView:
    return LineView(
        deliver_id=row.deliver_id,
        line_ref=row.line_ref,
        state=row.state,
        provider_line_ref=row.provider_line_ref,
        price=price(row.price, row.currency),
        reason=row.reason,
        details=row.details,
    )


def _attempt(row: Row) -> AttemptView:
    return AttemptView(
        number=row.number,
        step=row.step,
        reference=row.reference,
        opened_at=row.opened_at,
        sends=row.sends,
        sent_at=row.sent_at,
        closed_at=row.closed_at,
        outcome=row.outcome,
        reason=row.reason,
        look_ups=row.look_ups,
        status=row.evidence.get("status"),
        request_ref=row.evidence.get("request_ref"),
        body=row.evidence.get("body"),
    )


def _event(row: Row, vault: Vault) -> EventView:
    return EventView(
        at=row.at,
        type=row.type,
        deliver_id=row.deliver_id,
        sequence=row.sequence,
        data=row.data,
        goods=_goods(vault, row.sealed_goods),
    )


def _goods(vault: Vault, sealed: bytes | None) -> str | None:
    try:
        goods = open_goods(vault, sealed)
    except SealBroken:
        return "sealed, and no configured key opens them"
    if goods is None:
        return None
    return f"{len(goods.items)} item{'' if len(goods.items) == 1 else 's'}, sealed"
