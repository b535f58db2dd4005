"""Reading for Prometheus: what stands in the tables now, and what happened since the last look.

Each statement has a short time to run, and finds its rows by an index. What has ended is never
counted as it stands, since it may be millions: it is added up as it happens, by the indexes over
``finished_at`` and ``closed_at``. So a scrape costs as much as is open, however much has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import TextClause, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.logs import get_logger
from worker.parking import OTHER, Because
from worker.rests import AccountKey
from worker.store.notifications import MAY_GO, OWING
from worker.store.queues import OVERDUE, PAUSED, RESTS
from worker.store.session import Database, Row
from worker.store.views_books import NEEDS_PERSON

log = get_logger(__name__)

_TOO_LONG: Final = "57014"

LONGEST: Final = timedelta(seconds=2)
"""How long one statement may run."""
SETTLED_AFTER: Final = timedelta(seconds=20)
"""What is younger may still be joined by what was stamped earlier and is committed later."""
MOST_AT_ONCE: Final = timedelta(minutes=5)
"""How much of the past one look adds up at most; after a long silence, several catch up."""

_OPEN: Final = text("""
SELECT provider, account, state, coalesce(total_currency, currency) AS currency, count(*) AS orders,
    count(*) FILTER (WHERE due_at <= orderline_now()) AS due,
    coalesce(sum(coalesce(total, max_total)), 0) AS money
FROM orders WHERE due_at IS NOT NULL GROUP BY 1, 2, 3, 4
""")


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"


_REASONS: Final = " ".join(
    f"WHEN starts_with(parked_reason, {_quoted(because.words)}) THEN '{because}'"
    for because in Because
)
_PARKED: Final = text(f"""
SELECT provider, account, CASE {_REASONS} ELSE '{OTHER}' END AS reason, count(*) AS orders,
    extract(epoch FROM orderline_now() - min(updated_at))::float8 AS age
FROM orders WHERE state = 'parked' GROUP BY 1, 2, 3
""")  # noqa: S608 -- words of ours

_IN_DOUBT: Final = text("""
SELECT o.provider, o.account,
    extract(epoch FROM orderline_now() - min(a.sent_at))::float8 AS age
FROM orders o CROSS JOIN LATERAL (
    SELECT sent_at FROM attempts WHERE order_id = o.id AND number = o.attempts
) a
WHERE o.due_at IS NOT NULL AND o.state = 'in_doubt' GROUP BY 1, 2
""")

_ENDING: Final = text("""
SELECT provider, account, count(*) AS orders FROM orders
WHERE step IN ('place', 'confirm') AND expires_at > orderline_now()
    AND expires_at <= orderline_now() + interval '1 min'
GROUP BY 1, 2
""")

_SURPLUS: Final = text("""
SELECT o.provider, o.account, count(*) AS orders
FROM surplus_orders s JOIN orders o ON o.id = s.order_id
WHERE s.closed_at IS NULL GROUP BY 1, 2
""")

_ACCOUNTS: Final = text(f"""
SELECT a.provider, a.account,
    CASE WHEN {PAUSED} THEN 'paused' WHEN a.opened_at IS NULL THEN 'closed'
        WHEN a.probe_at > orderline_now() THEN 'open' ELSE 'probing' END AS state,
    CASE WHEN {RESTS} THEN extract(epoch FROM orderline_now()
        - CASE WHEN {PAUSED} THEN a.paused_at ELSE a.opened_at END) ELSE 0 END::float8 AS rests
FROM accounts a
""")  # noqa: S608 -- clauses of ours

_NOTIFICATIONS: Final = text(f"""
WITH RECURSIVE {OWING}
SELECT (SELECT count(*) FROM notifications WHERE due_at IS NOT NULL) AS owed, (
    SELECT max(extract(epoch FROM orderline_now() - greatest(
        n.due_at, e.rests_until, CASE WHEN e.failing_since IS NOT NULL THEN e.failed_at END)))
    FROM reachable e CROSS JOIN LATERAL (
        SELECT n.due_at FROM notifications n
        WHERE n.producer = e.producer AND n.endpoint = e.url AND {MAY_GO}
        ORDER BY n.due_at LIMIT 1
    ) n
)::float8 AS age
""")  # noqa: S608 -- clauses of ours
"""The age as ``orderline health`` has it."""

_ENDPOINTS: Final = text("""
SELECT CASE WHEN disabled_at IS NOT NULL THEN 'disabled'
    WHEN rests_until > orderline_now() THEN 'resting'
    WHEN failing_since IS NOT NULL THEN 'failing' ELSE 'ok' END AS state, count(*) AS endpoints
FROM endpoints GROUP BY 1
""")

_QUARANTINE: Final = text(
    "SELECT code, count(*) AS entries FROM quarantine WHERE closed_at IS NULL GROUP BY code"
)

_DIFFERENCES: Final = text(f"""
SELECT d.provider, d.account, d.kind, count(*) AS open,
    count(*) FILTER (WHERE {NEEDS_PERSON}) AS needy
FROM differences d WHERE d.closed_at IS NULL GROUP BY 1, 2, 3
""")  # noqa: S608 -- clauses of ours

_RECONCILED: Final = text("""
SELECT a.provider, a.account,
    extract(epoch FROM orderline_now() - coalesce(r.at, o.at))::float8 AS age
FROM accounts a
LEFT JOIN LATERAL (
    SELECT ended_at AS at FROM reconciliations r
    WHERE r.provider = a.provider AND r.account = a.account AND r.state = 'done'
    ORDER BY r.started_at DESC LIMIT 1
) r ON true
LEFT JOIN LATERAL (
    SELECT created_at AS at FROM orders o
    WHERE o.provider = a.provider AND o.account = a.account ORDER BY created_at LIMIT 1
) o ON true
WHERE coalesce(r.at, o.at) IS NOT NULL
""")

_JOBS: Final = text("""
SELECT name, every, extract(epoch FROM orderline_now() - ran_at)::float8 AS age
FROM jobs WHERE every IS NOT NULL
""")

_SINCE: Final = text("""
SELECT least(
    coalesce(CAST(:since AS timestamptz), orderline_now() - :settled) + :most,
    orderline_now() - :settled
) AS until
""")

_ENDED: Final = text("""
SELECT provider, account, state, count(*) AS orders FROM orders
WHERE finished_at > :since AND finished_at <= :until GROUP BY 1, 2, 3
""")

_BOUGHT: Final = text("""
SELECT o.provider, o.account, coalesce(o.total_currency, o.currency) AS currency,
    count(*) AS orders, coalesce(sum(o.total), 0) AS money
FROM (
    SELECT a.order_id FROM attempts a
    WHERE a.commits AND a.outcome IN ('confirmed', 'pending')
        AND a.closed_at > :since AND a.closed_at <= :until
) b CROSS JOIN LATERAL (SELECT * FROM orders o WHERE o.id = b.order_id OFFSET 0) o
GROUP BY 1, 2, 3
""")

STATEMENTS: Final[Mapping[str, TextClause]] = {
    "open": _OPEN,
    "parked": _PARKED,
    "overdue": text(OVERDUE),
    "in_doubt": _IN_DOUBT,
    "ending": _ENDING,
    "surplus": _SURPLUS,
    "accounts": _ACCOUNTS,
    "notifications": _NOTIFICATIONS,
    "endpoints": _ENDPOINTS,
    "quarantine": _QUARANTINE,
    "differences": _DIFFERENCES,
    "reconciled": _RECONCILED,
    "jobs": _JOBS,
}
"""What is asked at each look, by a word for it."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What happened until a moment, since the look before."""

    until: datetime
    ended: Mapping[tuple[AccountKey, str], int]
    """Orders that ended, by account and state."""
    bought: Mapping[tuple[AccountKey, str | None], tuple[int, Decimal]]
    """Calls that bought, and what they came to, by account and currency."""


async def standing(db: Database) -> Mapping[str, Sequence[Row] | None]:
    """The rows of each of ``STATEMENTS``; ``None`` for one that took too long."""
    found: dict[str, Sequence[Row] | None] = dict.fromkeys(STATEMENTS)
    async with db.reading() as connection:
        await _limit(connection)
        for name, statement in STATEMENTS.items():
            try:
                found[name] = (await connection.execute(statement)).all()
            except exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != _TOO_LONG:
                    raise
                log.warning("metrics_unread", reason=name, seconds=LONGEST.total_seconds())
                await connection.rollback()
                await _limit(connection)
    return found


async def _limit(connection: AsyncConnection) -> None:
    """No statement of this transaction may run for long."""
    milliseconds = round(LONGEST.total_seconds() * 1000)
    await connection.execute(text(f"SET LOCAL statement_timeout = {milliseconds}"))


async def flow(db: Database, since: datetime | None) -> Flow:
    """What happened since the look before; nothing yet at the first one."""
    spans = {"since": since, "settled": SETTLED_AFTER, "most": MOST_AT_ONCE}
    async with db.reading() as connection:
        await _limit(connection)
        until: datetime = (await connection.execute(_SINCE, spans)).scalar_one()
        if since is None or until <= since:
            return Flow(since or until, {}, {})
        values: dict[str, Any] = {"since": since, "until": until}
        ended = (await connection.execute(_ENDED, values)).all()
        bought = (await connection.execute(_BOUGHT, values)).all()
    return Flow(
        until,
        {((row.provider, row.account), row.state): row.orders for row in ended},
        {((row.provider, row.account), row.currency): (row.orders, row.money) for row in bought},
    )
