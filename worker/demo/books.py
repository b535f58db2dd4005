"""Our own books at the end of the demonstration, read from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.providers import REGISTRY
from worker.store.session import Database

Key = tuple[str, str]
"""A producer and its intent's id."""

AT_REST: Final = frozenset({*TERMINAL_ORDERS, OrderState.PARKED})
"""The states in which nothing more is due."""

_ORDERS: Final = text("""
SELECT o.producer, o.intent_id, o.state, o.id, array_agg(l.line_ref) AS refs
FROM orders o JOIN lines l ON l.order_id = o.id GROUP BY o.id
""")

_COUNTS: Final = text("""
SELECT (SELECT count(*) FROM quarantine) AS quarantined,
    (SELECT count(*) FROM notifications) AS notifications,
    (SELECT count(*) FROM notifications WHERE state = 'acknowledged') AS acknowledged,
    count(a.id) AS purchases, count(a.id) FILTER (WHERE a.closed_at > o.expires_at) AS late
FROM orders o JOIN attempts a ON a.order_id = o.id
WHERE a.outcome = 'confirmed'
    AND a.step = CASE WHEN o.provider = ANY(:two_phase) THEN 'confirm' ELSE 'place' END
""")

_TWO_PHASE: Final = [name for name, each in REGISTRY.items() if each.capabilities.two_phase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What our database says."""

    states: Mapping[Key, str]
    refs: Mapping[Key, tuple[str, ...]]
    """Every reference by which a provider may know an order."""
    quarantined: int
    notifications: int
    acknowledged: int
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
        counts = (await connection.execute(_COUNTS, {"two_phase": _TWO_PHASE})).one()
    return Books(
        states={(row.producer, row.intent_id): row.state for row in orders},
        refs={(row.producer, row.intent_id): (row.id.hex, *row.refs) for row in orders},
        **counts._mapping,  # noqa: SLF001 -- SQLAlchemy's public name for a row as a mapping
    )
