"""Which accounts have work: what the sweep rings, at most one unanswered bell each."""

from datetime import timedelta
from typing import Final

from sqlalchemy import text

from worker.store.session import Boundary, Database

_RING: Final = text("""
UPDATE accounts a SET rung_at = orderline_now()
WHERE (a.rung_at IS NULL OR a.rung_at < orderline_now() - make_interval(secs => :patience))
  AND EXISTS (
    SELECT FROM orders o WHERE o.provider = a.provider AND o.account = a.account
    AND o.due_at <= orderline_now()
  )
RETURNING a.provider, a.account
""")

_ANSWER: Final = text(
    "UPDATE accounts SET rung_at = NULL"
    " WHERE provider = :provider AND account = :account AND rung_at IS NOT NULL"
)

_ANY_OWED: Final = text("SELECT EXISTS (SELECT FROM notifications WHERE due_at <= orderline_now())")


async def ring_due(db: Database, patience: timedelta) -> list[tuple[str, str]]:
    """The accounts to ring now: with due orders, and no bell unanswered for ``patience``."""
    async with db.transaction(Boundary.BELL) as connection:
        rows = await connection.execute(_RING, {"patience": patience.total_seconds()})
        return [(row.provider, row.account) for row in rows]


async def answer(db: Database, provider: str, account: str) -> None:
    """A worker heard the sweep's bell; the next one may ring."""
    async with db.transaction(Boundary.BELL) as connection:
        await connection.execute(_ANSWER, {"provider": provider, "account": account})


async def any_owed(db: Database) -> bool:
    """Whether some notification is due."""
    async with db.reading() as connection:
        return bool((await connection.execute(_ANY_OWED)).scalar_one())
