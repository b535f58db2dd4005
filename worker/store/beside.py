"""Our orders beside what a reconciliation read of them in their provider's books."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from schemas.ids import OrderId
from schemas.money import money_of
from worker.books import BookEntry, OurLine, OurOrder
from worker.lifecycle import LineState, OrderState
from worker.store.reconciliations import Run
from worker.store.session import Database, Row

_OURS: Final = text("""
SELECT o.id, o.state, o.provider_ref, o.total, o.total_currency, o.max_total, o.currency, l.lines,
    coalesce((SELECT array_agg(s.provider_ref) FROM surplus_orders s
        WHERE s.order_id = o.id AND s.provider_ref IS NOT NULL), '{}') AS surplus
FROM reconciled_orders r
JOIN reconciled_shelves s ON s.run_id = r.run_id AND s.shelf = r.shelf AND s.state = 'read'
JOIN orders o ON o.id = r.order_id
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(line_ref, provider_line_ref, state) ORDER BY index) AS lines
    FROM lines WHERE order_id = o.id
) l
WHERE r.run_id = :id AND r.order_id = ANY(:ids) AND o.updated_at <= :started_at
    AND (o.lease_until IS NULL OR o.lease_until <= orderline_now() OR o.leased_by IS NULL)
ORDER BY o.id
""")
"""What has changed since the run began is no difference yet: the next run will tell."""

_ENTRIES: Final = text("""
WITH named AS (
    SELECT e.* FROM unnest(CAST(:provider_refs AS text[])) AS _(name) CROSS JOIN LATERAL (
        SELECT * FROM book_entries WHERE run_id = :id AND provider_ref = name OFFSET 0) e
    UNION
    SELECT e.* FROM unnest(CAST(:refs AS text[])) AS _(name) CROSS JOIN LATERAL (
        SELECT * FROM book_entries WHERE run_id = :id AND ref = name OFFSET 0) e
    UNION
    SELECT e.* FROM unnest(CAST(:provider_refs AS text[])) AS _(name) CROSS JOIN LATERAL (
        SELECT * FROM book_entries WHERE run_id = :id AND gives_back = name OFFSET 0) e
)
SELECT * FROM named ORDER BY provider_ref, provider_line_ref
""")
"""Name by name, by an index each (``OFFSET 0`` sees to that): a batch asks for few of many."""

_STRANGERS: Final = text("""
WITH page AS MATERIALIZED (
    SELECT * FROM book_entries
    WHERE run_id = :id AND (provider_ref, provider_line_ref) > (:after_ref, :after_line)
    ORDER BY provider_ref, provider_line_ref LIMIT :limit
)
SELECT e.*, (e.placed_at IS NULL OR e.placed_at >= :since)
    AND NOT EXISTS (SELECT FROM orders o
        WHERE o.provider_ref = e.provider_ref AND o.provider = :provider OFFSET 0)
    AND NOT EXISTS (SELECT FROM orders o WHERE o.id = named.id OFFSET 0)
    AND NOT EXISTS (SELECT FROM lines l WHERE l.line_ref = e.ref OFFSET 0)
    AND NOT EXISTS (SELECT FROM tombstones t WHERE t.order_id = named.id OFFSET 0)
    AND NOT EXISTS (SELECT FROM surplus_orders s JOIN orders o ON o.id = s.order_id
        WHERE s.provider_ref = e.provider_ref AND o.provider = :provider OFFSET 0) AS strange
FROM page e
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.ref ~ '^[0-9a-f]{32}$' THEN e.ref::uuid END AS id
) named
ORDER BY e.provider_ref, e.provider_line_ref
""")


async def beside(
    db: Database, run: Run, ids: Sequence[OrderId]
) -> list[tuple[OurOrder, list[BookEntry]]]:
    """These orders, each with the entries that bear its id there or a reference of it."""
    async with db.reading() as connection:
        values = {"id": run.run_id, "ids": list(ids), "started_at": run.started_at}
        orders = [_order(row) for row in await connection.execute(_OURS, values)]
        by_name = _names(orders)
        rows = await connection.execute(
            _ENTRIES,
            {
                "id": run.run_id,
                "provider_refs": [each.provider_ref for each in orders if each.provider_ref],
                "refs": list(by_name),
            },
        )
        by_order: defaultdict[OrderId, list[BookEntry]] = defaultdict(list)
        by_ref = {each.provider_ref: each.order_id for each in orders if each.provider_ref}
        for row in rows:
            named = (by_name.get(row.ref), by_ref.get(row.provider_ref), by_ref.get(row.gives_back))
            for order_id in dict.fromkeys(each for each in named if each is not None):
                by_order[order_id].append(_entry(row))
    return [(order, by_order[order.order_id]) for order in orders]


async def strangers(
    db: Database, run: Run, after: BookEntry | None, limit: int
) -> tuple[BookEntry | None, list[BookEntry]]:
    """The last of the next entries, in the order of their ids, and those that are no order's."""
    async with db.reading() as connection:
        found = await connection.execute(
            _STRANGERS,
            {
                "id": run.run_id,
                "provider": run.provider,
                "since": run.since,
                "after_ref": "" if after is None else after.provider_ref,
                "after_line": "" if after is None else after.provider_line_ref,
                "limit": limit,
            },
        )
        rows = found.all()
    last = _entry(rows[-1]) if rows else None
    return last, [_entry(row) for row in rows if row.strange]


def _names(orders: Sequence[OurOrder]) -> Mapping[str, OrderId]:
    """Every reference that a provider may know these orders by."""
    names = {each.order_id.hex: each.order_id for each in orders}
    return names | {line.line_ref: each.order_id for each in orders for line in each.lines}


def _order(row: Row) -> OurOrder:
    return OurOrder(
        order_id=OrderId(row.id),
        state=OrderState(row.state),
        provider_ref=row.provider_ref,
        lines=[
            OurLine(line_ref=ref, provider_line_ref=theirs, state=LineState(state))
            for ref, theirs, state in row.lines
        ],
        total=money_of(row.total, row.total_currency),
        max_total=money_of(row.max_total, row.currency),
        surplus=frozenset(row.surplus),
    )


def _entry(row: Row) -> BookEntry:
    return BookEntry(
        provider_ref=row.provider_ref,
        provider_line_ref=row.provider_line_ref,
        ref=row.ref,
        state=None if row.state is None else LineState(row.state),
        said=row.said,
        price=money_of(row.price, row.currency),
        placed_at=row.placed_at,
        gives_back=row.gives_back,
    )
