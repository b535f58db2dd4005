"""Reading for producers: how their orders stand, and what was delivered. Never personal data."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pydantic_core
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.gateway import EndedOrder, ToldLine, ToldOrder, ToldQuote
from worker.crypto import Vault
from worker.store.goods import open_goods
from worker.store.session import Database, Row
from worker.store.views import price, snapshot

_ORDER: Final = text("""
SELECT id, intent_id, provider, account, state, reason, provider_ref, quoted_at, expires_at,
    max_total, currency, total, total_currency, created_at, updated_at, finished_at,
    cancel_asked_at, erased_at
FROM orders WHERE producer = :producer
    AND (id = CAST(:order_id AS uuid) OR intent_id = CAST(:intent_id AS text))
""")

_LINES: Final = text("""
SELECT id, deliver_id, state, sequence, reason, price, currency, provider_line_ref, details
FROM lines WHERE order_id = :order_id ORDER BY index
""")

_GOODS: Final = text("""
SELECT line_id, sealed_goods FROM events
WHERE order_id = :order_id AND sealed_goods IS NOT NULL ORDER BY line_id, sequence
""")

_ENDED: Final = text("""
SELECT order_id, intent_id, state, ended_at FROM tombstones WHERE producer = :producer
    AND (order_id = CAST(:order_id AS uuid) OR intent_id = CAST(:intent_id AS text))
""")


Items = list[dict[str, str]]
"""Delivered codes, as they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Which order of a producer is meant: by its id, or by its intent's."""

    producer: str
    order_id: UUID | None = None
    intent_id: str | None = None

    def values(self) -> dict[str, Any]:
        """The parameters of the statements."""
        return {"producer": self.producer, "order_id": self.order_id, "intent_id": self.intent_id}


async def order_of(
    db: Database, vault: Vault, meant: Meant, *, goods: bool
) -> ToldOrder | EndedOrder | None:
    """The order; only its end where it was purged, ``None`` where that producer has none such.

    ``goods``: with all codes that were delivered so far. Raises ``SealBroken``.
    """
    async with snapshot(db) as connection:
        row = (await connection.execute(_ORDER, meant.values())).one_or_none()
        if row is None:
            ended = (await connection.execute(_ENDED, meant.values())).one_or_none()
            return None if ended is None else EndedOrder(**ended._mapping)  # noqa: SLF001 -- SQLAlchemy's public name
        key = {"order_id": row.id}
        lines = (await connection.execute(_LINES, key)).all()
        delivered = await _delivered(connection, vault, row.id) if goods else {}
    return _order(
        row, [_line(line, delivered.get(line.id, []) if goods else None) for line in lines]
    )


async def _delivered(
    connection: AsyncConnection, vault: Vault, order_id: UUID
) -> Mapping[UUID, Items]:
    found: defaultdict[UUID, Items] = defaultdict(list)
    for row in await connection.execute(_GOODS, {"order_id": order_id}):
        goods = open_goods(vault, row.sealed_goods)
        if goods is not None:
            found[row.line_id] = united(found[row.line_id], goods.items)
    return found


def united(so_far: Items, more: Sequence[Mapping[str, str]]) -> Items:
    """What came so far, and what is new in a later report, which may repeat all of it."""
    known = Counter(map(_spelt, so_far))
    together = [dict(item) for item in so_far]
    for item in more:
        if known[_spelt(item)] > 0:
            known[_spelt(item)] -= 1
        else:
            together.append(dict(item))
    return together


def _spelt(item: Mapping[str, str]) -> bytes:
    return pydantic_core.to_json(sorted(item.items()))


def _order(row: Row, lines: Sequence[ToldLine]) -> ToldOrder:
    quote = ToldQuote(
        quoted_at=row.quoted_at,
        expires_at=row.expires_at,
        max_total=price(row.max_total, row.currency),
    )
    return ToldOrder(
        order_id=row.id,
        intent_id=row.intent_id,
        provider=row.provider,
        account=row.account,
        state=row.state,
        reason=row.reason,
        provider_ref=row.provider_ref,
        quote=None if quote == ToldQuote() else quote,
        total=price(row.total, row.total_currency),
        created_at=row.created_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
        cancel_asked_at=row.cancel_asked_at,
        erased_at=row.erased_at,
        lines=tuple(lines),
    )


def _line(row: Row, goods: Items | None) -> ToldLine:
    return ToldLine(
        deliver_id=row.deliver_id,
        state=row.state,
        sequence=row.sequence,
        reason=row.reason,
        price=price(row.price, row.currency),
        provider_line_ref=row.provider_line_ref,
        details=row.details or None,
        goods=None if goods is None else tuple(goods),
    )
