"""The first commit of an intent's life: what bears on it, and the order with its lines.

Its neighbour ``quarantine`` keeps what cannot become an order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import OrderId, new_uuid
from schemas.intents import Intent
from worker.store.pipeline import Asked, ask
from worker.store.session import Database, as_rows

KNOWN_ORDERS: Final = text("""
WITH k AS (
    SELECT * FROM jsonb_to_recordset(CAST(:keys AS jsonb)) AS _(producer text, intent_id text)
)
SELECT o.producer, o.intent_id, o.id, o.fingerprint FROM k JOIN orders o USING (producer, intent_id)
UNION ALL
SELECT t.producer, t.intent_id, t.order_id, t.fingerprint
FROM k JOIN tombstones t USING (producer, intent_id)
""")
"""The orders of intents, with those that were purged: in one statement, which sees an order or its
tombstone whenever the purge commits."""

_KNOWN_DELIVER_IDS: Final = text("""
WITH k AS (
    SELECT * FROM jsonb_to_recordset(CAST(:keys AS jsonb)) AS _(producer text, deliver_id text)
)
SELECT l.producer, l.deliver_id, l.order_id FROM k JOIN lines l USING (producer, deliver_id)
UNION ALL
SELECT u.producer, u.deliver_id, u.order_id
FROM k JOIN used_deliver_ids u USING (producer, deliver_id)
""")
"""As above: a line, or what is kept of it."""

_PRODUCERS: Final = text("""
SELECT p.name, p.notify_url, p.notify_hosts, p.disabled_at IS NOT NULL AS disabled, p.max_open,
    orderline_now() AS now
FROM (VALUES (1)) AS _(one) LEFT JOIN producers p ON true
""")

_INSERT_ORDERS: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:orders AS jsonb)) AS _(
        id uuid, producer text, intent_id text, fingerprint text, provider text, account text,
        intent jsonb, notify_url text, quoted_at timestamptz, expires_at timestamptz,
        max_total numeric, currency text, priority smallint)
),
fresh AS (
    INSERT INTO orders (id, producer, intent_id, fingerprint, provider, account, intent,
        notify_url, quoted_at, expires_at, max_total, currency, priority, state, step, due_at)
    SELECT id, producer, intent_id, fingerprint, provider, account, intent,
        notify_url, quoted_at, expires_at, max_total, currency, priority, 'accepted', 'place',
        orderline_now()
    FROM input ORDER BY producer, intent_id
    ON CONFLICT (producer, intent_id) DO NOTHING
    RETURNING id
),
placed AS (
    INSERT INTO lines (id, order_id, index, producer, deliver_id, line_ref, state)
    SELECT l.id, l.order_id, l.index, l.producer, l.deliver_id, l.line_ref, 'waiting'
    FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS l(
        id uuid, order_id uuid, index int, producer text, deliver_id text, line_ref text)
    JOIN fresh ON fresh.id = l.order_id
    ORDER BY l.producer, l.deliver_id
),
reached AS (
    INSERT INTO endpoints (producer, url)
    SELECT DISTINCT producer, split_part(notify_url, '?', 1) FROM input ORDER BY 1, 2
    ON CONFLICT DO NOTHING
),
known AS (
    INSERT INTO accounts (provider, account)
    SELECT DISTINCT provider, account FROM input ORDER BY provider, account
    ON CONFLICT DO NOTHING
)
SELECT id FROM fresh
""")


_LAST_MOMENT: Final = 253_402_300_799_000
"""Who adds an entry may give it any id; milliseconds beyond the year 9999 are no moment here."""


class Raced(Exception):
    """Another worker recorded one of these intents between our look and our insert."""


class EntryKind(StrEnum):
    """What a producer may put on its stream, by the name of the entry's field."""

    INTENT = "intent"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of an intent stream, as it was read. ``kind`` is the field that held it."""

    producer: str
    stream: str
    entry_id: str
    raw: bytes = field(repr=False)
    kind: EntryKind = EntryKind.INTENT

    @property
    def put_at(self) -> datetime:
        """When Redis took it, by its own clock, which gave the entry its id."""
        milliseconds = min(int(self.entry_id.partition("-")[0]), _LAST_MOMENT)
        return datetime.fromtimestamp(milliseconds / 1000, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An intent that can become an order."""

    order_id: OrderId
    intent: Intent
    document: Mapping[str, Any] = field(repr=False)
    fingerprint: str
    notify_url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What the intake has to know of a registered producer."""

    notify_url: str
    notify_hosts: Sequence[str] = ()
    """Further hosts that its intents may name, as ``schemas.intents.hosts`` reads them."""
    disabled: bool = False
    """Whether nothing is taken from it now."""
    max_open: int | None = None
    """How many of its orders may be open at once; ``None``: as the settings say."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the database already knows that bears on a batch of intents. ``now`` is its clock."""

    now: datetime
    orders: Mapping[tuple[str, str], tuple[OrderId, str]]
    """(producer, intent_id) → the order, though it may be purged, and its fingerprint."""
    deliver_ids: Mapping[tuple[str, str], OrderId]
    """(producer, deliver_id) → the order that used it."""
    producers: Mapping[str, Registered]
    """Those that are registered, by name."""


async def look(connection: AsyncConnection, intents: Sequence[Intent]) -> Known:
    """What is known about these intents' keys.

    Lines are looked for before orders: another worker may commit the same intent in between,
    and it must then look like a repeat, not like a deliver_id that somebody else has taken.
    """
    keys = [{"producer": i.producer, "intent_id": i.intent_id} for i in intents]
    deliver = [
        {"producer": i.producer, "deliver_id": line.deliver_id} for i in intents for line in i.lines
    ]
    deliver_ids, orders, producers = await ask(
        connection,
        Asked(_KNOWN_DELIVER_IDS, {"keys": as_rows(deliver)}),
        Asked(KNOWN_ORDERS, {"keys": as_rows(keys)}),
        Asked(_PRODUCERS),
    )
    return Known(
        now=producers[0].now,
        orders={(r.producer, r.intent_id): (OrderId(r.id), r.fingerprint) for r in orders},
        deliver_ids={(r.producer, r.deliver_id): OrderId(r.order_id) for r in deliver_ids},
        producers={
            r.name: Registered(
                notify_url=r.notify_url,
                notify_hosts=r.notify_hosts,
                disabled=r.disabled,
                max_open=r.max_open,
            )
            for r in producers
            if r.name is not None
        },
    )


async def known_of(db: Database, producer: str, intent_ids: Sequence[str]) -> set[str]:
    """Those of a producer's intents that are orders, or were."""
    keys = [{"producer": producer, "intent_id": intent_id} for intent_id in intent_ids]
    async with db.reading() as connection:
        found = await connection.execute(KNOWN_ORDERS, {"keys": as_rows(keys)})
        return {row.intent_id for row in found}


async def record(connection: AsyncConnection, orders: Sequence[NewOrder]) -> None:
    """Insert orders that ``look`` did not know.

    Raises ``Raced`` (or a unique violation) when another worker was faster with one of them:
    look again. No order is accepted and purged in between: no transaction lasts for a day.
    """
    if not orders:
        return
    rows = {
        "orders": as_rows([_order_row(order) for order in orders]),
        "lines": as_rows([row for order in orders for row in _line_rows(order)]),
    }
    [fresh] = await ask(connection, Asked(_INSERT_ORDERS, rows))
    if len(fresh) < len(orders):
        raise Raced


def _order_row(order: NewOrder) -> dict[str, Any]:
    intent, quote = order.intent, order.intent.quote
    return {
        "id": order.order_id,
        "producer": intent.producer,
        "intent_id": intent.intent_id,
        "fingerprint": order.fingerprint,
        "provider": intent.provider,
        "account": intent.account,
        "intent": order.document,
        "notify_url": order.notify_url,
        "quoted_at": quote and quote.quoted_at,
        "expires_at": order.expires_at,
        "max_total": quote and quote.max_total,
        "currency": quote and quote.currency,
        "priority": intent.priority.rank,
    }


def _line_rows(order: NewOrder) -> list[dict[str, Any]]:
    return [
        {
            "id": new_uuid(),
            "order_id": order.order_id,
            "index": index,
            "producer": order.intent.producer,
            "deliver_id": line.deliver_id,
            "line_ref": new_uuid().hex,
        }
        for index, line in enumerate(order.intent.lines)
    ]
