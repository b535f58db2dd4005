"""Reading for people: orders found, listed and watched. Nothing here writes.

Neighbours: ``views_story`` (one order, whole), ``views_quarantine``, ``views_upkeep`` (accounts,
what became of intents just sent), ``views_tombstones`` (what was purged), ``views_books`` (what
reconciliations found), ``views_report`` (a day in numbers). A listing is one
statement, however many orders it shows.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import read_uuid
from schemas.intents import Priority
from schemas.money import plain
from schemas.notifications import Price
from schemas.orders import OrderView, RecentLine
from worker.store.pipeline import Asked
from worker.store.queues import ENDING, RESTS_BECAUSE, RESTS_UNTIL
from worker.store.session import Database, Row

CANDIDATES: Final = 20
"""How many orders are named at most when one name fits several."""

_SNAPSHOT: Final = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

_ORDERS: Final = f"""
SELECT o.id, o.intent_id, o.producer, o.provider, o.account, o.state, o.attempts, o.provider_ref,
    o.priority, o.quoted_at, o.expires_at, o.max_total, o.currency, o.total, o.total_currency,
    o.step, o.tries, o.due_at, o.lease_until, o.leased_by, o.reason, o.parked_reason,
    o.created_at, o.updated_at, o.finished_at, o.cancel_asked_at, o.erased_at,
    orderline_now() AS as_of, l.lines, l.delivered,
    {RESTS_UNTIL} AS rests_until, {RESTS_BECAUSE} AS rests_because
FROM orders o JOIN accounts a USING (provider, account)
CROSS JOIN LATERAL (
    SELECT count(*) AS lines, count(*) FILTER (WHERE state = 'delivered') AS delivered
    FROM lines WHERE order_id = o.id
) l
WHERE {{where}}
ORDER BY o.id DESC
LIMIT :limit
"""  # noqa: S608 -- clauses of ours

_STATES: Final = text("""
SELECT id, CASE WHEN due_at <= orderline_now() THEN :due ELSE state END AS word
FROM orders WHERE id = ANY(:ids)
""")

_NAMED: Final = text("""
SELECT id FROM orders WHERE id = CAST(:order_id AS uuid)
UNION
SELECT o.id FROM producers p JOIN orders o ON o.producer = p.name AND o.intent_id = :name
UNION
SELECT l.order_id FROM producers p JOIN lines l ON l.producer = p.name AND l.deliver_id = :name
UNION
SELECT order_id FROM lines WHERE line_ref = :name
LIMIT :limit
""")

_ALIKE: Final = text("""
SELECT id FROM orders WHERE id BETWEEN CAST(:low AS uuid) AND CAST(:high AS uuid)
UNION
SELECT id FROM orders WHERE provider_ref = :name
LIMIT :limit
""")

_RECENT: Final = """
SELECT l.deliver_id, l.producer, o.provider, o.account, o.id AS order_id, l.state,
    o.state AS order_state, o.step, o.attempts, o.expires_at, n.told, n.owed, n.given_up,
    orderline_now() AS as_of
FROM lines l JOIN orders o ON o.id = l.order_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE n.state = 'acknowledged') AS told,
        count(*) FILTER (WHERE n.state = 'pending') AS owed,
        count(*) FILTER (WHERE n.state = 'exhausted') AS given_up
    FROM events e JOIN notifications n ON n.event_id = e.id WHERE e.line_id = l.id
) n
WHERE {where}
ORDER BY o.id DESC, l.index
LIMIT :limit
"""


async def states_of(db: Database, ids: Collection[UUID], *, due: str) -> dict[UUID, str]:
    """Where orders stand, each in a word: its state, or ``due`` where nobody works on what is due.

    Those that are not there any more are left out.
    """
    if not ids:
        return {}
    [found] = await db.look(Asked(_STATES, {"ids": list(ids), "due": due}))
    return {row.id: row.word for row in found}


@asynccontextmanager
async def snapshot(db: Database) -> AsyncIterator[AsyncConnection]:
    """A connection that cannot write and whose every statement sees the same moment."""
    async with db.reading() as connection:
        await connection.execute(_SNAPSHOT)
        yield connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders, or which lines, are to be shown. What is left out does not limit."""

    states: Sequence[str] = ()
    producer: str | None = None
    provider: str | None = None
    overdue: bool = False
    ending: bool = False
    since: datetime | None = None
    before: UUID | None = None
    """Only orders that were accepted before this one."""

    def where(self, table: str) -> str:
        """These wishes as SQL, the state being that of ``table``; values are parameters."""
        conditions = {
            f"{table}.state = ANY(:states)": bool(self.states),
            "o.producer = :producer": self.producer is not None,
            "o.provider = :provider": self.provider is not None,
            "o.due_at <= orderline_now()": self.overdue,
            ENDING: self.ending,
            "o.created_at >= :since": self.since is not None,
            "o.id < :before": self.before is not None,
        }
        return " AND ".join(sql for sql, wanted in conditions.items() if wanted) or "true"

    def values(self) -> dict[str, Any]:
        """The parameters of ``where``."""
        names = ("producer", "provider", "since", "before")
        named = {name: getattr(self, name) for name in names}
        given = {name: value for name, value in named.items() if value is not None}
        return given | ({"states": list(self.states)} if self.states else {})


ANY: Final = Wanted()


async def orders(db: Database, wanted: Wanted = ANY, *, limit: int = 50) -> list[OrderView]:
    """Orders, newest first."""
    async with snapshot(db) as connection:
        return await select_orders(
            connection, wanted.where("o"), {**wanted.values(), "limit": limit}
        )


async def find(db: Database, name: str) -> list[OrderView]:
    """The orders that a name may mean, newest first; at most ``CANDIDATES``.

    A name is an order's id, its intent's id, a DeliverID or our ``line_ref``. Where it is none
    of these, it may be the beginning of an order's id or the provider's own reference.
    """
    async with snapshot(db) as connection:
        limited = {"name": name, "limit": CANDIDATES}
        found = await connection.execute(_NAMED, {"order_id": read_uuid(name), **limited})
        ids = list(found.scalars())
        if not ids:
            low, high = id_range(name)
            found = await connection.execute(_ALIKE, {"low": low, "high": high, **limited})
            ids = list(found.scalars())
        return await select_orders(
            connection, "o.id = ANY(:ids)", {"ids": ids, "limit": CANDIDATES}
        )


async def recent_lines(db: Database, wanted: Wanted = ANY, *, limit: int = 50) -> list[RecentLine]:
    """Lines, those of the newest order first; ``wanted.states`` are those of lines."""
    async with snapshot(db) as connection:
        statement = text(_RECENT.format(where=wanted.where("l")))
        rows = await connection.execute(statement, {**wanted.values(), "limit": limit})
        return [RecentLine(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


async def select_orders(
    connection: AsyncConnection, where: str, values: Mapping[str, Any]
) -> list[OrderView]:
    """The orders for which ``where`` holds; it is SQL of ours, ``values`` are its parameters."""
    rows = await connection.execute(text(_ORDERS.format(where=where)), values)
    return [_order(row) for row in rows]


def price(amount: Decimal | None, currency: str | None) -> Price | None:
    """An amount as it is shown: the column's trailing zeros dropped, two places kept."""
    if amount is None or currency is None:
        return None
    return Price(amount=plain(amount), currency=currency)


def _order(row: Row) -> OrderView:
    return OrderView(
        order_id=row.id,
        intent_id=row.intent_id,
        producer=row.producer,
        provider=row.provider,
        account=row.account,
        priority=[*Priority][row.priority],
        state=row.state,
        lines=row.lines,
        lines_delivered=row.delivered,
        attempts=row.attempts,
        provider_ref=row.provider_ref,
        quoted_at=row.quoted_at,
        expires_at=row.expires_at,
        max_total=price(row.max_total, row.currency),
        total=price(row.total, row.total_currency),
        step=row.step,
        tries=row.tries,
        due_at=row.due_at,
        lease_until=row.lease_until,
        leased_by=row.leased_by,
        reason=row.reason,
        parked_reason=row.parked_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        finished_at=row.finished_at,
        cancel_asked_at=row.cancel_asked_at,
        erased_at=row.erased_at,
        rests_until=row.rests_until,
        rests_because=row.rests_because,
        as_of=row.as_of,
    )


_UUID_DIGITS: Final = 32
_SHORTEST: Final = 8


def id_range(prefix: str) -> tuple[UUID | None, UUID | None]:
    """The ids that begin with ``prefix``: two bounds, which an index can search between."""
    digits = prefix.replace("-", "")
    if not 0 < len(digits) <= _UUID_DIGITS:
        return None, None
    return read_uuid(digits.ljust(_UUID_DIGITS, "0")), read_uuid(digits.ljust(_UUID_DIGITS, "f"))


def short(whole: UUID, *neighbours: UUID | None) -> str:
    """The shortest beginning of an id that those before and after it have not."""
    digits, others = str(whole), [str(other) for other in neighbours if other]
    return next(
        digits[:length]
        for length in range(_SHORTEST, len(digits) + 1)
        if not any(other.startswith(digits[:length]) for other in others)
    )
