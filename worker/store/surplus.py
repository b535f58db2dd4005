"""Surplus orders: one more at the provider than we asked for, until a person has dealt with it.

They are written where they are found: by ``attempts`` (a late yes) and by ``orders`` (a look-up).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from schemas.ids import OrderId, new_uuid
from worker.store.deeds import Deed, note
from worker.store.session import LOCK_ORDERS, Boundary, Database
from worker.store.tables import SurplusDecision

_CLOSE: Final = text("""
WITH closed AS (
    UPDATE surplus_orders SET decision = :decision, closed_at = orderline_now(), closed_by = :by,
        why = :why
    WHERE order_id = :order_id AND coalesce(provider_ref, '') = :ref AND closed_at IS NULL
    RETURNING order_id
)
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT CAST(:event_id AS uuid), order_id, NULL, NULL, 'order.surplus_closed',
    jsonb_build_object('as', CAST(:decision AS text), 'by', CAST(:by AS text),
        'why', CAST(:why AS text), 'ref', CAST(:ref AS text))
FROM closed
RETURNING order_id
""")


_OPEN: Final = text("""
SELECT order_id, array_agg(provider_ref ORDER BY found_at) AS refs FROM surplus_orders
WHERE order_id = ANY(:ids) AND closed_at IS NULL GROUP BY order_id
""")


async def still_open(
    db: Database, ids: Sequence[OrderId]
) -> Mapping[OrderId, Sequence[str | None]]:
    """The provider's ids of surplus orders that nobody has dealt with, by our order."""
    async with db.reading() as connection:
        rows = await connection.execute(_OPEN, {"ids": ids})
        return {OrderId(row.order_id): tuple(row.refs) for row in rows}


async def close(
    db: Database,
    order_id: OrderId,
    ref: str | None,
    decision: SurplusDecision,
    *,
    by: str,
    why: str,
    deed: Deed | None = None,
) -> bool:
    """Record what became of a surplus order; ``False`` where it is not there, or not open."""
    async with db.transaction(Boundary.SURPLUS) as connection:
        await connection.execute(LOCK_ORDERS, {"ids": [order_id]})  # as whoever adopts it does
        closed = await connection.execute(
            _CLOSE,
            {
                "order_id": order_id,
                "ref": ref or "",
                "decision": decision,
                "by": by,
                "why": why,
                "event_id": new_uuid(),
            },
        )
        if closed.one_or_none() is None:
            return False
        await note(connection, deed)
        return True
