"""Reading for people: a day in numbers, from one snapshot.

Each order counts in one row of its account and currency, so that rows can be added up. Sums are
PostgreSQL's, of decimals; no amount ever is a float.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.books import DayReport, DayTotals
from schemas.money import plain
from worker.lifecycle import TERMINAL_ORDERS, OrderState
from worker.store.session import Database, Row
from worker.store.views import snapshot
from worker.store.views_books import Differing, select_differences, select_runs

ENDS: Final[Sequence[OrderState]] = [state for state in OrderState if state in TERMINAL_ORDERS]
"""The states in which an order ends, in the order in which they are shown."""

_DAY: Final = timedelta(days=1)

_BOUGHT: Final = "a.commits AND a.outcome IN ('confirmed', 'pending')"
"""An attempt by which something was bought; the words of an index."""

_BY_END: Final = ", ".join(
    f"count(*) FILTER (WHERE fact = 'ended' AND state = '{end}') AS {end}" for end in ENDS
)

_TOTALS: Final = text(f"""
WITH facts AS (
    SELECT 'accepted' AS fact, o.provider, o.account, o.state, o.total, o.total_currency,
        o.currency, false AS was_bought
    FROM accounts a JOIN orders o ON o.provider = a.provider AND o.account = a.account
    WHERE o.created_at >= :begins AND o.created_at < :ends
        AND (CAST(:provider AS text) IS NULL OR a.provider = :provider)
    UNION ALL
    SELECT 'bought', o.provider, o.account, o.state, o.total, o.total_currency, o.currency, true
    FROM (
        SELECT DISTINCT a.order_id FROM attempts a
        WHERE {_BOUGHT} AND a.closed_at >= :begins AND a.closed_at < :ends
    ) b CROSS JOIN LATERAL (SELECT * FROM orders o WHERE o.id = b.order_id OFFSET 0) o
    WHERE CAST(:provider AS text) IS NULL OR o.provider = :provider
    UNION ALL
    SELECT 'ended', o.provider, o.account, o.state, o.total, o.total_currency, o.currency,
        coalesce((SELECT true FROM attempts a WHERE a.order_id = o.id AND {_BOUGHT} LIMIT 1), false)
    FROM orders o
    WHERE o.finished_at >= :begins AND o.finished_at < :ends
        AND (CAST(:provider AS text) IS NULL OR o.provider = :provider)
)
SELECT provider, account, coalesce(total_currency, currency, '') AS currency,
    count(*) FILTER (WHERE fact = 'accepted') AS accepted,
    {_BY_END},
    count(*) FILTER (WHERE fact = 'bought') AS bought,
    coalesce(sum(total) FILTER (WHERE fact = 'bought'), 0) AS charged,
    count(*) FILTER (WHERE fact = 'bought' AND total IS NULL) AS of_unknown_total,
    count(*) FILTER (WHERE fact = 'ended' AND was_bought AND state IN ('failed', 'cancelled'))
        AS ended_after_buying,
    coalesce(sum(total) FILTER (WHERE fact = 'ended' AND was_bought
        AND state IN ('failed', 'cancelled')), 0) AS to_refund
FROM facts
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")  # noqa: S608 -- words of ours
"""Written so that an order, and its attempts, are looked up one by one: a day is a small part of
all, and for a join or an ``EXISTS`` that it may hash PostgreSQL would read every row."""

_RUNS: Final = """r.started_at >= :begins AND r.started_at < :ends
    AND (CAST(:provider AS text) IS NULL OR r.provider = :provider)"""

Day = date | timedelta
"""A day in UTC, or how long ago it was by the database's clock."""


async def day_report(
    db: Database, day: Day, *, retention: timedelta, provider: str | None = None
) -> DayReport:
    """A day's totals, what is open now, and that day's runs."""
    async with snapshot(db) as connection:
        now = await _now(connection)
        chosen = day if isinstance(day, date) else (now - day).date()
        begins = datetime.combine(chosen, time(), UTC)
        values = {"begins": begins, "ends": begins + _DAY, "provider": provider}
        wanted = Differing(provider=provider)
        return DayReport(
            day=chosen,
            as_of=now,
            whole=begins >= now - retention,
            totals=tuple(_totals(row) for row in await connection.execute(_TOTALS, values)),
            open=tuple(await select_differences(connection, wanted.where(), wanted.values())),
            runs=tuple(await select_runs(connection, _RUNS, values)),
        )


async def _now(connection: AsyncConnection) -> datetime:
    now: datetime = (await connection.execute(text("SELECT orderline_now()"))).scalar_one()
    return now.astimezone(UTC)


def _totals(row: Row) -> DayTotals:
    return DayTotals(
        provider=row.provider,
        account=row.account,
        currency=row.currency,
        accepted=row.accepted,
        ended={str(end): getattr(row, end) for end in ENDS},
        bought=row.bought,
        charged=plain(row.charged),
        of_unknown_total=row.of_unknown_total,
        ended_after_buying=row.ended_after_buying,
        to_refund=plain(row.to_refund),
    )
