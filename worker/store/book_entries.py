"""What a reconciliation reads: shelves, page by page, and the entries on them.

Every page is kept in one commit with where the next one begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import text

from schemas.ids import OrderId
from worker.books import BookEntry
from worker.store.reconciliations import Run, hold, write_down
from worker.store.session import Boundary, Database, as_rows
from worker.store.tables_books import ShelfState

_PUT_ON_SHELVES: Final = text("""
WITH input AS (
    SELECT * FROM jsonb_to_recordset(CAST(:shelved AS jsonb)) AS _(order_id uuid, shelf text)
),
placed AS (
    UPDATE reconciled_orders r SET shelf = i.shelf FROM input i
    WHERE r.run_id = :id AND r.order_id = i.order_id
)
INSERT INTO reconciled_shelves (run_id, shelf, state)
SELECT DISTINCT CAST(:id AS uuid), shelf, 'unread' FROM input WHERE shelf IS NOT NULL
ON CONFLICT DO NOTHING
""")

_NEXT_SHELF: Final = text("""
SELECT shelf, next_page FROM reconciled_shelves WHERE run_id = :id AND state = 'unread'
ORDER BY next_page IS NULL, shelf LIMIT 1
""")

_SHELVES: Final = text("""
SELECT count(*) AS shelves, count(*) FILTER (WHERE state <> 'unread') AS read
FROM reconciled_shelves WHERE run_id = :id
""")

_ALL_READ: Final = text("""
SELECT NOT EXISTS (SELECT FROM reconciled_shelves WHERE run_id = :id AND state <> 'read')
""")

_KEEP_ENTRIES: Final = text("""
INSERT INTO book_entries (run_id, provider_ref, provider_line_ref, ref, state, said, price,
    currency, placed_at, gives_back)
SELECT DISTINCT ON (provider_ref, provider_line_ref) CAST(:id AS uuid), provider_ref,
    provider_line_ref, ref, state, said, price, currency, placed_at, gives_back
FROM jsonb_to_recordset(CAST(:entries AS jsonb)) AS _(provider_ref text, provider_line_ref text,
    ref text, state text, said text, price numeric, currency text, placed_at timestamptz,
    gives_back text)
ORDER BY provider_ref, provider_line_ref
ON CONFLICT (run_id, provider_ref, provider_line_ref) DO UPDATE SET state = excluded.state,
    said = excluded.said, price = excluded.price, currency = excluded.currency
RETURNING (xmax = 0) AS fresh
""")

_TURN_PAGE: Final = text("""
UPDATE reconciled_shelves SET next_page = :next_page, state = :state
WHERE run_id = :id AND shelf = :shelf
""")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is read next of a run, and from which page on."""

    shelf: str
    next_page: str | None


async def put_on_shelves(
    db: Database, run: Run, lease: timedelta, shelved: Mapping[OrderId, str | None]
) -> Run:
    """Write down on which shelf each of these orders stands; none: all are done."""
    rows = [{"order_id": order_id, "shelf": shelf} for order_id, shelf in shelved.items()]
    async with db.transaction(Boundary.RECONCILIATION) as connection:
        await hold(connection, run, lease)
        await connection.execute(_PUT_ON_SHELVES, {"id": run.run_id, "shelved": as_rows(rows)})
        after = max(shelved, default=None)
        return await write_down(connection, run, after=after, collected=after is None)


async def next_shelf(db: Database, run: Run) -> Shelf | None:
    """What is to be read next; one that is half read goes first."""
    async with db.reading() as connection:
        row = (await connection.execute(_NEXT_SHELF, {"id": run.run_id})).one_or_none()
        return None if row is None else Shelf(row.shelf, row.next_page)


async def count_shelves(db: Database, run: Run) -> tuple[int, int]:
    """How many shelves there are, and how many of them are read."""
    async with db.reading() as connection:
        row = (await connection.execute(_SHELVES, {"id": run.run_id})).one()
        return row.shelves, row.read


async def all_read(db: Database, run: Run) -> bool:
    """Whether every shelf of a run is read, and none was refused."""
    async with db.reading() as connection:
        return bool((await connection.execute(_ALL_READ, {"id": run.run_id})).scalar_one())


async def keep_page(
    db: Database,
    run: Run,
    lease: timedelta,
    shelf: str,
    entries: Sequence[BookEntry],
    *,
    next_page: str | None,
    refused: bool = False,
) -> Run:
    """Keep one page, and where the next one begins. Safe to do again with the same page."""
    ended = ShelfState.REFUSED if refused else ShelfState.READ
    state = ended if next_page is None else ShelfState.UNREAD
    async with db.transaction(Boundary.RECONCILIATION) as connection:
        before = await hold(connection, run, lease)
        kept = await connection.execute(
            _KEEP_ENTRIES, {"id": run.run_id, "entries": as_rows([_row(e) for e in entries])}
        )
        fresh = sum(row.fresh for row in kept)
        turned = {"id": run.run_id, "shelf": shelf, "next_page": next_page, "state": state}
        await connection.execute(_TURN_PAGE, turned)
        return await write_down(
            connection, run, pages=run.pages + 1, entries=before + fresh, tries=0
        )


def _row(entry: BookEntry) -> dict[str, Any]:
    return {
        "provider_ref": entry.provider_ref,
        "provider_line_ref": entry.provider_line_ref,
        "ref": entry.ref,
        "state": entry.state,
        "said": entry.said,
        "price": entry.price and entry.price.amount,
        "currency": entry.price and entry.price.currency,
        "placed_at": entry.placed_at,
        "gives_back": entry.gives_back,
    }
