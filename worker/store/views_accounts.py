"""Reading accounts: whether they rest, how calls went of late, and what waits for them."""

from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.accounts import AccountEventView, AccountStory, AccountView
from worker.rests import AccountKey
from worker.store.queues import PAUSED
from worker.store.session import Database
from worker.store.views import snapshot

_ACCOUNTS: Final = f"""
SELECT a.provider, a.account, s.state, a.openings, a.probes, c.calls, c.failed,
    coalesce(o.unfinished, 0) AS unfinished, coalesce(o.due, 0) AS due, orderline_now() AS as_of,
    CASE s.state WHEN 'paused' THEN a.paused_at ELSE a.opened_at END AS since,
    CASE s.state WHEN 'paused' THEN a.paused_until WHEN 'open' THEN a.probe_at
        WHEN 'probing' THEN a.probing_until END AS until,
    CASE s.state WHEN 'paused' THEN a.paused_by || coalesce(', ' || a.paused_because, '')
        ELSE a.opened_because END AS why
FROM accounts a
CROSS JOIN LATERAL (
    SELECT CASE WHEN {PAUSED} THEN 'paused' WHEN a.opened_at IS NULL THEN 'closed'
        WHEN a.probe_at > orderline_now() THEN 'open' ELSE 'probing' END AS state
) s
CROSS JOIN LATERAL (
    SELECT sum(made)::int AS calls, sum(failed)::int AS failed FROM account_calls c
    WHERE (c.provider, c.account) = (a.provider, a.account)
        AND c.at > orderline_now() - interval '1 min'
) c
LEFT JOIN (
    SELECT provider, account, count(*) AS unfinished,
        count(*) FILTER (WHERE due_at <= orderline_now()) AS due
    FROM orders WHERE due_at IS NOT NULL GROUP BY provider, account
) o ON (o.provider, o.account) = (a.provider, a.account)
WHERE {{where}}
ORDER BY s.state = 'closed', a.provider, a.account
"""  # noqa: S608 -- the clauses are ours

_EVENTS: Final = text("""
SELECT at, type, data FROM events WHERE provider = :provider AND account = :account
ORDER BY at DESC, id DESC LIMIT :limit
""")

_STORY_LENGTH: Final = 50


async def accounts(db: Database) -> list[AccountView]:
    """Every account that had an order or was paused, those that rest first."""
    async with snapshot(db) as connection:
        return await _select(connection, "true", {})


async def account_story(db: Database, key: AccountKey) -> AccountStory | None:
    """Everything about one account; ``None`` where it never had an order and was never paused."""
    values = {"provider": key[0], "account": key[1]}
    async with snapshot(db) as connection:
        where = "a.provider = :provider AND a.account = :account"
        found = await _select(connection, where, values)
        if not found:
            return None
        events = (await connection.execute(_EVENTS, values | {"limit": _STORY_LENGTH})).all()
    return AccountStory(
        account=found[0],
        events=tuple(AccountEventView(at=row.at, type=row.type, data=row.data) for row in events),
    )


async def _select(
    connection: AsyncConnection, where: str, values: dict[str, Any]
) -> list[AccountView]:
    rows = await connection.execute(text(_ACCOUNTS.format(where=where)), values)
    return [AccountView(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name
