"""Reading for people: reconciliations, and the differences that they found."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.books import DifferenceView, DifferingLine, RunView
from worker.store.session import Database, Row
from worker.store.views import CANDIDATES, id_range, price, short, snapshot
from worker.store.views_story import select_lines

_RUNS: Final = """
SELECT r.id AS run_id, r.provider, r.account, r.since, r.asked_by, r.state, r.pages, r.entries,
    r.orders, r.compared, r.found, r.reason, r.started_at, r.ended_at, r.leased_by,
    r.lease_until AS leased_until, orderline_now() AS as_of
FROM reconciliations r
WHERE {where}
ORDER BY r.started_at, r.provider, r.account
"""

_NEWEST: Final = """r.id IN (
    SELECT n.id FROM (SELECT DISTINCT provider, account FROM reconciliations) a
    CROSS JOIN LATERAL (
        SELECT id FROM reconciliations
        WHERE provider = a.provider AND account = a.account AND ended_at IS NOT NULL
        ORDER BY started_at DESC LIMIT 1
    ) n)"""

_FIRST_ORDERS: Final = text("""
SELECT a.provider, a.account, orderline_now() - o.created_at AS ago
FROM accounts a CROSS JOIN LATERAL (
    SELECT created_at FROM orders WHERE provider = a.provider AND account = a.account
    ORDER BY created_at LIMIT 1
) o
""")

NEEDS_PERSON: Final = """(d.closed_at IS NULL AND (d.rule IN ('alert', 'report')
    OR (d.rule = 'park' AND d.handling IS DISTINCT FROM 'agreed' AND NOT EXISTS (
        SELECT FROM orders u WHERE u.id = d.order_id AND u.due_at IS NOT NULL))))"""
"""Of an order that is still worked on, the next run asks again."""

_DIFFERENCES: Final = f"""
SELECT d.id, d.provider, d.account, d.kind, d.rule, d.handling, d.order_id, d.provider_ref, d.line,
    d.ours, d.theirs, d.found_at, d.closed_at, d.closed_by, d.why, o.intent_id, o.producer,
    o.state AS order_state, o.max_total, o.currency, o.total, o.total_currency,
    d.found_in = ANY(CAST(:runs AS uuid[])) AS new, {NEEDS_PERSON} AS needs_person,
    (SELECT id FROM differences WHERE id < d.id ORDER BY id DESC LIMIT 1) AS before,
    (SELECT id FROM differences WHERE id > d.id ORDER BY id LIMIT 1) AS after,
    orderline_now() AS as_of
FROM differences d LEFT JOIN orders o ON o.id = d.order_id
WHERE {{where}}
ORDER BY d.id {{order}}
LIMIT :limit
"""  # noqa: S608 -- the clause is a constant of ours

_NEEDY: Final = f"""
SELECT d.provider, d.account, count(*) AS needy FROM differences d
WHERE d.closed_at IS NULL AND {NEEDS_PERSON}
GROUP BY d.provider, d.account ORDER BY d.provider, d.account
"""  # noqa: S608 -- as above

_NAMED: Final = "d.id BETWEEN CAST(:low AS uuid) AND CAST(:high AS uuid)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """Which differences are meant. What is left out does not limit; closed ones are left out."""

    provider: str | None = None
    account: str | None = None
    kind: str | None = None
    closed_too: bool = False

    def where(self) -> str:
        """These wishes as SQL; values are parameters."""
        conditions = {
            "d.closed_at IS NULL": not self.closed_too,
            "d.provider = :provider": self.provider is not None,
            "d.account = :account": self.account is not None,
            "d.kind = :kind": self.kind is not None,
        }
        return " AND ".join(sql for sql, wanted in conditions.items() if wanted) or "true"

    def values(self) -> dict[str, Any]:
        """The parameters of ``where``."""
        named = {"provider": self.provider, "account": self.account, "kind": self.kind}
        return {name: value for name, value in named.items() if value is not None}


OPEN: Final = Differing()


async def differences(
    db: Database, wanted: Differing = OPEN, *, limit: int | None = 50
) -> list[DifferenceView]:
    """The differences that are wanted, newest first."""
    async with snapshot(db) as connection:
        return await select_differences(connection, wanted.where(), wanted.values(), limit=limit)


async def differences_of(db: Database, runs: Sequence[UUID]) -> list[DifferenceView]:
    """All that these runs saw, oldest first; what they found first is marked as new."""
    async with snapshot(db) as connection:
        where = "d.seen_in = ANY(CAST(:runs AS uuid[]))"
        return await select_differences(connection, where, {"runs": list(runs)}, order="ASC")


async def find_differences(db: Database, name: str) -> list[DifferenceView]:
    """The differences whose id begins like this, newest first; at most ``CANDIDATES``."""
    low, high = id_range(name)
    async with snapshot(db) as connection:
        values = {"low": low, "high": high}
        return await select_differences(connection, _NAMED, values, limit=CANDIDATES)


async def needing_a_person(db: Database) -> Mapping[tuple[str, str], int]:
    """How many open differences only a person can close, by account; none of those without."""
    async with snapshot(db) as connection:
        rows = await connection.execute(text(_NEEDY))
        return {(row.provider, row.account): row.needy for row in rows}


async def runs(db: Database, ids: Sequence[UUID]) -> list[RunView]:
    """These runs, in the order in which they began."""
    async with snapshot(db) as connection:
        return await select_runs(connection, "r.id = ANY(:ids)", {"ids": list(ids)})


async def recent_runs(db: Database, *, limit: int = 20) -> list[RunView]:
    """The newest runs of all accounts, the latest first."""
    where = "r.id IN (SELECT id FROM reconciliations ORDER BY started_at DESC LIMIT :limit)"
    async with snapshot(db) as connection:
        return (await select_runs(connection, where, {"limit": limit}))[::-1]


async def run_under_way(db: Database, provider: str, account: str) -> RunView | None:
    """The run over an account that has not ended; there is one at most."""
    async with snapshot(db) as connection:
        where = "provider = :provider AND account = :account AND state IN ('reading', 'comparing')"
        found = await select_runs(connection, where, {"provider": provider, "account": account})
        return found[0] if found else None


async def newest_runs(db: Database) -> Mapping[tuple[str, str], RunView]:
    """The newest run of each account that has ended, well or not."""
    async with snapshot(db) as connection:
        found = await select_runs(connection, _NEWEST, {})
        return {(run.provider, run.account): run for run in found}


async def ordering_for(db: Database) -> Mapping[tuple[str, str], timedelta]:
    """How long ago the first order of each account was accepted, of those that are kept."""
    async with db.reading() as connection:
        rows = await connection.execute(_FIRST_ORDERS)
        return {(row.provider, row.account): row.ago for row in rows}


async def database_now(db: Database) -> datetime:
    """The time by which everything is judged."""
    async with db.reading() as connection:
        now: datetime = (await connection.execute(text("SELECT orderline_now()"))).scalar_one()
        return now


async def select_runs(
    connection: AsyncConnection, where: str, values: Mapping[str, Any]
) -> list[RunView]:
    """The runs for which ``where`` holds; it is SQL of ours, ``values`` are its parameters."""
    rows = await connection.execute(text(_RUNS.format(where=where)), values)
    return [RunView(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


async def select_differences(
    connection: AsyncConnection,
    where: str,
    values: Mapping[str, Any],
    *,
    limit: int | None = None,
    order: str = "DESC",
) -> list[DifferenceView]:
    """The differences for which ``where`` holds, with the lines of their orders; see above."""
    statement = text(_DIFFERENCES.format(where=where, order=order))
    found = await connection.execute(statement, {"runs": [], **values, "limit": limit})
    rows = found.all()
    lines: defaultdict[UUID, tuple[DifferingLine, ...]] = defaultdict(tuple)
    ids = list({row.order_id for row in rows if row.order_id is not None})
    for order_id, of_order in (await select_lines(connection, ids)).items():
        lines[order_id] = tuple(
            DifferingLine(
                deliver_id=line.deliver_id,
                line_ref=line.line_ref,
                provider_line_ref=line.provider_line_ref,
                state=line.state,
                price=line.price,
            )
            for line in of_order
        )
    return [_difference(row, lines[row.order_id]) for row in rows]


def _difference(row: Row, lines: tuple[DifferingLine, ...]) -> DifferenceView:
    return DifferenceView(
        difference_id=row.id,
        short_id=short(row.id, row.before, row.after),
        provider=row.provider,
        account=row.account,
        kind=row.kind,
        rule=row.rule,
        handling=row.handling,
        needs_person=row.needs_person,
        new=row.new,
        order_id=row.order_id,
        intent_id=row.intent_id,
        producer=row.producer,
        order_state=row.order_state,
        provider_ref=row.provider_ref,
        line=row.line,
        ours=row.ours,
        theirs=row.theirs,
        max_total=price(row.max_total, row.currency),
        total=price(row.total, row.total_currency),
        lines=lines,
        found_at=row.found_at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        why=row.why,
        as_of=row.as_of,
    )
