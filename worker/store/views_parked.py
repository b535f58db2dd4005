"""Reading for people: what waits for a decision of theirs, in one snapshot."""

from collections import defaultdict
from typing import Final
from uuid import UUID

from sqlalchemy import text

from schemas.orders import OrderView
from schemas.parked import ParkedView, SurplusView
from worker.store.session import Database
from worker.store.views import Wanted, select_orders, snapshot
from worker.store.views_story import select_attempts, select_lines

_WAITS: Final = """o.id IN (
    SELECT id FROM orders WHERE state = 'parked'
    UNION SELECT order_id FROM surplus_orders WHERE closed_at IS NULL)"""  # an OR uses no index

_SURPLUS: Final = text("""
SELECT order_id, provider_ref, reason, found_at, closed_at, closed_by, decision, why
FROM surplus_orders WHERE order_id = ANY(:ids) ORDER BY found_at
""")


async def waiting_for_a_person(
    db: Database, wanted: Wanted, *, order_id: UUID | None = None, limit: int = 50
) -> list[ParkedView]:
    """Parked orders, and those with an open surplus order; newest first, choices left out."""
    where, values = f"{_WAITS} AND {wanted.where('o')}", {**wanted.values(), "limit": limit}
    if order_id is not None:
        where, values = f"{where} AND o.id = :order_id", {**values, "order_id": order_id}
    async with snapshot(db) as connection:
        found: list[OrderView] = await select_orders(connection, where, values)
        ids = [order.order_id for order in found]
        attempts = await select_attempts(connection, ids)
        lines = await select_lines(connection, ids)
        surplus: defaultdict[UUID, list[SurplusView]] = defaultdict(list)
        for row in await connection.execute(_SURPLUS, {"ids": ids}):
            fields = {key: value for key, value in row._mapping.items() if key != "order_id"}  # noqa: SLF001 -- SQLAlchemy's public name
            surplus[row.order_id].append(SurplusView(**fields))
    return [
        ParkedView(
            order=order,
            lines=tuple(lines[order.order_id]),
            attempt=attempts[order.order_id][-1] if attempts[order.order_id] else None,
            surplus=tuple(surplus[order.order_id]),
        )
        for order in found
    ]
