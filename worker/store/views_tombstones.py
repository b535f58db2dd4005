"""Reading for people: orders that were purged, by the names that are still known of them."""

from typing import Final

from sqlalchemy import text

from schemas.ids import read_uuid
from schemas.orders import TombstoneView
from worker.store.session import Database
from worker.store.views import CANDIDATES, id_range, snapshot

_NAMED: Final = text("""
SELECT t.order_id, t.intent_id, t.producer, t.state, t.ended_at, t.buried_at FROM tombstones t
WHERE t.order_id IN (
    SELECT CAST(:order_id AS uuid)
    UNION ALL
    SELECT order_id FROM tombstones
    WHERE order_id BETWEEN CAST(:low AS uuid) AND CAST(:high AS uuid)
    UNION ALL
    SELECT n.order_id FROM producers p
    JOIN tombstones n ON n.producer = p.name AND n.intent_id = :name
    UNION ALL
    SELECT u.order_id FROM producers p
    JOIN used_deliver_ids u ON u.producer = p.name AND u.deliver_id = :name
)
ORDER BY t.order_id DESC LIMIT :limit
""")


async def buried(db: Database, name: str) -> list[TombstoneView]:
    """The purged orders that a name may mean, newest first; at most ``views.CANDIDATES``.

    A name is an order's id or its beginning, its intent's id or a DeliverID.
    """
    low, high = id_range(name)
    values = {"order_id": read_uuid(name), "low": low, "high": high, "name": name}
    async with snapshot(db) as connection:
        rows = await connection.execute(_NAMED, {**values, "limit": CANDIDATES})
        return [TombstoneView(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name
