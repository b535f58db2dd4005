"""Reconciliations: which one is due, how far it is, and what it has read so far.

A run is a row with a lease, like an order: whoever dies leaves it to the next one, which goes on
where the last commit was. Everything read lies in the database, so a run of any size takes no more
memory than a page. Its neighbour ``book_entries`` keeps what was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import OrderId, new_uuid
from worker.store.session import Boundary, Database, Row
from worker.store.tables_books import RunState

BEAT: Final = "beat"
"""Who asks for a run that nobody asked for."""

_START: Final = text("""
INSERT INTO reconciliations (id, provider, account, since, asked_by, state, fence, leased_by,
    lease_until)
SELECT CAST(:id AS uuid), CAST(:provider AS text), CAST(:account AS text),
    orderline_now() - make_interval(secs => :back), CAST(:asked_by AS text), 'reading', 1,
    CAST(:worker AS text), orderline_now() + make_interval(secs => :lease)
WHERE CAST(:every AS float8) IS NULL OR NOT EXISTS (
    SELECT FROM reconciliations
    WHERE provider = :provider AND account = :account
        AND started_at > orderline_now() - make_interval(secs => :every))
ON CONFLICT (provider, account) WHERE state IN ('reading', 'comparing') DO NOTHING
RETURNING *
""")

_TAKE_OVER: Final = text("""
UPDATE reconciliations SET fence = fence + 1, leased_by = :worker,
    lease_until = orderline_now() + make_interval(secs => :lease)
WHERE provider = :provider AND account = :account AND state IN ('reading', 'comparing')
    AND (lease_until IS NULL OR lease_until <= orderline_now())
RETURNING *
""")

_HOLD: Final = text("""
UPDATE reconciliations SET lease_until = orderline_now() + make_interval(secs => :lease)
WHERE id = :id AND fence = :fence
RETURNING entries
""")

_SCOPE: Final = text("""
WITH taken AS (
    INSERT INTO reconciled_orders (run_id, order_id, shelf)
    SELECT CAST(:id AS uuid), id, CAST(:shelf AS text) FROM orders
    WHERE provider = :provider AND account = :account AND created_at >= :since
        AND NOT (SELECT collected FROM reconciliations WHERE id = :id)
    ON CONFLICT DO NOTHING
    RETURNING order_id
),
shelf AS (
    INSERT INTO reconciled_shelves (run_id, shelf, state)
    SELECT CAST(:id AS uuid), CAST(:shelf AS text), 'unread'
    WHERE CAST(:shelf AS text) IS NOT NULL
    ON CONFLICT DO NOTHING
)
UPDATE reconciliations SET orders = orders + (SELECT count(*) FROM taken),
    collected = collected OR CAST(:shelf AS text) IS NOT NULL
WHERE id = :id
""")
"""Said again by whoever goes on with a run: until the shelves are known, what was accepted since
belongs to it, too."""

_TALLY: Final = text("""
UPDATE reconciliations r SET found = coalesce((
    SELECT jsonb_object_agg(kind, count) FROM (
        SELECT d.kind, count(*) FROM differences d
        WHERE d.found_in = r.id AND d.found_at >= r.started_at GROUP BY d.kind
    ) counted), '{}')
WHERE id = :id
""")
"""Counted where they are kept: a run that was left between two commits loses none, nor counts one
twice. By the time, because that has an index."""

_NEXT_ORDERS: Final = text("""
SELECT order_id FROM reconciled_orders
WHERE run_id = :id AND (CAST(:after AS uuid) IS NULL OR order_id > CAST(:after AS uuid))
ORDER BY order_id LIMIT :limit
""")

_CLEAR: Final = (
    text("DELETE FROM book_entries WHERE run_id = :id"),
    text("DELETE FROM reconciled_orders WHERE run_id = :id"),
    text("DELETE FROM reconciled_shelves WHERE run_id = :id"),
)
"""What was read is kept until it was compared, and no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One reconciliation, as its worker knows it. Written only under its ``fence``."""

    run_id: UUID
    provider: str
    account: str
    since: datetime
    started_at: datetime
    state: RunState
    fence: int
    after: OrderId | None = None
    collected: bool = False
    pages: int = 0
    entries: int = 0
    orders: int = 0
    compared: int = 0
    tries: int = 0
    found: Mapping[str, int]


class Superseded(Exception):
    """Another worker goes on with this run."""


async def start(
    db: Database,
    *,
    provider: str,
    account: str,
    back: timedelta,
    every: timedelta | None,
    asked_by: str,
    worker: str,
    lease: timedelta,
) -> Run | None:
    """Start a run that looks so far ``back``, or take over one whose worker is gone.

    ``None`` where one is under way, or none is due: ``every`` so often one is.
    """
    values = {
        "id": new_uuid(),
        "provider": provider,
        "account": account,
        "back": back.total_seconds(),
        "every": None if every is None else every.total_seconds(),
        "asked_by": asked_by,
        "worker": worker,
        "lease": lease.total_seconds(),
    }
    async with db.transaction(Boundary.RECONCILIATION) as connection:
        taken = (await connection.execute(_TAKE_OVER, values)).one_or_none()
        row = taken or (await connection.execute(_START, values)).one_or_none()
    return None if row is None else _run(row)


async def scope(db: Database, run: Run, lease: timedelta, shelf: str | None) -> Run:
    """Write down which orders are compared; all of them on one ``shelf``, where that is known."""
    async with db.transaction(Boundary.RECONCILIATION) as connection:
        await hold(connection, run, lease)
        values = {
            "id": run.run_id,
            "provider": run.provider,
            "account": run.account,
            "since": run.since,
            "shelf": shelf,
        }
        await connection.execute(_SCOPE, values)
        return await _read(connection, run)


async def next_orders(db: Database, run: Run, limit: int) -> list[OrderId]:
    """The next orders after those that the run got to."""
    async with db.reading() as connection:
        values = {"id": run.run_id, "after": run.after, "limit": limit}
        return [
            OrderId(each) for each in (await connection.execute(_NEXT_ORDERS, values)).scalars()
        ]


async def note(
    db: Database, run: Run, lease: timedelta | None, *, tally: bool = False, **what: Any
) -> Run:
    """Write down how far a run is; without a ``lease`` it is given back, for whoever comes.

    A ``tally`` counts the differences that it found.
    """
    async with db.transaction(Boundary.RECONCILIATION) as connection:
        await hold(connection, run, lease or timedelta(0))
        if tally:
            await connection.execute(_TALLY, {"id": run.run_id})
        return await write_down(connection, run, **what)


async def end(db: Database, run: Run, state: RunState, reason: str | None = None) -> Run:
    """A run is over, and what it had read is forgotten."""
    async with db.transaction(Boundary.RECONCILIATION) as connection:
        await hold(connection, run, timedelta(0))
        for statement in _CLEAR:
            await connection.execute(statement, {"id": run.run_id})
        ended = await write_down(connection, run, state=state, reason=reason)
        await connection.execute(
            text("UPDATE reconciliations SET ended_at = orderline_now() WHERE id = :id"),
            {"id": run.run_id},
        )
        return ended


async def hold(connection: AsyncConnection, run: Run, lease: timedelta) -> int:
    """Go on holding a run; how many entries it has by now. Raises ``Superseded``."""
    values = {"id": run.run_id, "fence": run.fence, "lease": lease.total_seconds()}
    held = (await connection.execute(_HOLD, values)).one_or_none()
    if held is None:
        raise Superseded
    entries: int = held.entries
    return entries


_NOTED: Final = frozenset(
    {"after", "collected", "pages", "entries", "compared", "tries", "state", "reason"}
)


async def write_down(connection: AsyncConnection, run: Run, **what: Any) -> Run:
    """Write down how far a run is that is held; the run as it is then."""
    assert set(what) <= _NOTED  # noqa: S101 -- the names become SQL
    if what:
        sets = ", ".join(f"{name} = :{name}" for name in what)
        await connection.execute(
            text(f"UPDATE reconciliations SET {sets} WHERE id = :id"),  # noqa: S608 -- see above
            {"id": run.run_id, **what},
        )
    return await _read(connection, run)


async def _read(connection: AsyncConnection, run: Run) -> Run:
    found = await connection.execute(
        text("SELECT * FROM reconciliations WHERE id = :id"), {"id": run.run_id}
    )
    return _run(found.one())


def _run(row: Row) -> Run:
    return Run(
        run_id=row.id,
        provider=row.provider,
        account=row.account,
        since=row.since,
        started_at=row.started_at,
        state=RunState(row.state),
        fence=row.fence,
        after=row.after and OrderId(row.after),
        collected=row.collected,
        pages=row.pages,
        entries=row.entries,
        orders=row.orders,
        compared=row.compared,
        tries=row.tries,
        found=row.found,
    )
