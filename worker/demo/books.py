"""Our own books at the end of the demonstration, read from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.store.session import Database

Key = tuple[str, str]
"""A producer and its intent's id."""

AT_REST: Final = frozenset({*TERMINAL_ORDERS, OrderState.PARKED})
"""The states in which nothing more is due."""

_ORDERS: Final = text("""
SELECT o.producer, o.intent_id, o.state, o.id, array_agg(l.line_ref) AS refs,
    EXISTS (SELECT FROM attempts WHERE order_id = o.id AND commits) AS bought
FROM orders o JOIN lines l ON l.order_id = o.id GROUP BY o.id
""")

_COUNTS: Final = text("""
SELECT (SELECT count(*) FROM quarantine WHERE decision IS DISTINCT FROM 'replayed') AS quarantined,
    (SELECT count(*) FROM orders WHERE cancel_asked_at IS NOT NULL) AS wishes,
    (SELECT count(*) FROM notifications) AS notifications,
    (SELECT count(*) FROM events WHERE type = 'order.called_back') AS called_back,
    (SELECT count(*) FROM notifications WHERE state = 'acknowledged') AS acknowledged,
    count(a.id) AS purchases, count(a.id) FILTER (WHERE a.closed_at > o.expires_at) AS late
FROM orders o JOIN attempts a ON a.order_id = o.id
WHERE a.outcome IN ('confirmed', 'pending') AND a.commits
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What our database says."""

    states: Mapping[Key, str]
    refs: Mapping[Key, tuple[str, ...]]
    """Every reference by which a provider may know an order."""
    free: frozenset[Key]
    """Orders for which no call was made that may commit money: previews, say."""
    quarantined: int
    """Entries that are no order: those that were taken in again are."""
    notifications: int
    acknowledged: int
    called_back: int
    """How often a provider's callback had an order looked at."""
    wishes: int
    """Orders that somebody wants called off, and has no answer yet."""
    purchases: int
    """Calls that committed money."""
    late: int
    """Those of them that had not ended when their quote did."""

    @property
    def open_orders(self) -> int:
        """How many orders are neither finished nor parked."""
        return sum(state not in AT_REST for state in self.states.values())


async def read_books(db: Database) -> Books:
    """Our books, in one look."""
    async with db.reading() as connection:
        orders = (await connection.execute(_ORDERS)).all()
        counts = (await connection.execute(_COUNTS)).one()
    return Books(
        states={(row.producer, row.intent_id): row.state for row in orders},
        refs={(row.producer, row.intent_id): (row.id.hex, *row.refs) for row in orders},
        free=frozenset((row.producer, row.intent_id) for row in orders if not row.bought),
        **counts._mapping,  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping
    )
