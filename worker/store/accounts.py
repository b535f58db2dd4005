"""Which accounts have work: what the sweep rings, at most one unanswered bell each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from schemas.jobs import SWEEP
from worker.lifecycle import Step
from worker.skew import Ahead
from worker.store.notifications import MAY_GO, OWING
from worker.store.queues import IN_QUEUE, RESTS, queues
from worker.store.session import Boundary, Database, as_rows
from worker.store.upkeep import note_run

_RING: Final = text(f"""
WITH RECURSIVE {queues()},
waiting AS (
    SELECT DISTINCT q.provider, q.account FROM queues q
    WHERE EXISTS (SELECT FROM orders o WHERE {IN_QUEUE} AND o.due_at <= orderline_now())
)
UPDATE accounts a SET rung_at = orderline_now()
FROM waiting w
WHERE (a.provider, a.account) = (w.provider, w.account) AND NOT {RESTS}
  AND (a.rung_at IS NULL OR a.rung_at < orderline_now() - make_interval(secs => :patience))
RETURNING a.provider, a.account
""")  # noqa: S608 -- clauses of ours

_OLDEST: Final = text(f"""
WITH RECURSIVE {queues("o.provider = :provider AND o.account = :account")}
SELECT step, array_agg(id) AS order_ids FROM (
    SELECT d.* FROM queues q CROSS JOIN LATERAL (
        SELECT o.id, o.step, o.due_at FROM orders o
        WHERE {IN_QUEUE} AND o.due_at <= orderline_now()
        ORDER BY o.due_at LIMIT :hints
    ) d
    ORDER BY d.due_at LIMIT :hints
) oldest
GROUP BY step ORDER BY min(due_at) LIMIT 1
""")  # noqa: S608 -- clauses of ours

_ANSWER: Final = text(
    "UPDATE accounts SET rung_at = NULL"
    " WHERE provider = :provider AND account = :account AND rung_at IS NOT NULL"
)

_ANY_OWED: Final = text(f"""
WITH RECURSIVE {OWING}
SELECT EXISTS (
    SELECT FROM reachable e CROSS JOIN LATERAL (
        SELECT FROM notifications n
        WHERE n.producer = e.producer AND n.endpoint = e.url AND {MAY_GO} LIMIT 1
    ) n
)
""")  # noqa: S608 -- the clauses are constants of ours


_NOTE_CLOCKS: Final = text("""
INSERT INTO accounts (provider, account, clock_ahead, clock_unsure, clock_seen_at)
SELECT provider, account, ahead, unsure, orderline_now()
FROM jsonb_to_recordset(CAST(:clocks AS jsonb)) AS _(
    provider text, account text, ahead float8, unsure float8)
ORDER BY provider, account
ON CONFLICT (provider, account) DO UPDATE SET clock_ahead = excluded.clock_ahead,
    clock_unsure = excluded.clock_unsure, clock_seen_at = excluded.clock_seen_at
WHERE accounts.clock_seen_at IS NULL
    OR accounts.clock_seen_at < excluded.clock_seen_at - interval '1 min'
    OR abs(accounts.clock_ahead - excluded.clock_ahead) > 0.1
""")
"""Workers look often and mostly see the same, which is not worth a write."""

_HINTS: Final = 20
"""How many ids a bell carries at most; they are for people to see, the claim finds its own."""


@dataclass(frozen=True, slots=True)
class Due:
    """An account to ring for, with the step and the ids of its longest-due orders."""

    provider: str
    account: str
    step: Step
    order_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class ProviderClock:
    """How far an account's clock is ahead of the database's."""

    provider: str
    account: str
    ahead: Ahead


async def ring_due(db: Database, patience: timedelta) -> list[Due]:
    """The accounts to ring now: with due orders, and no bell unanswered for ``patience``.

    Notes, in the same commit, that the sweep ran.
    """
    found = []
    async with db.transaction(Boundary.BELL) as connection:
        rung = await connection.execute(_RING, {"patience": patience.total_seconds()})
        for account in rung.all():
            key = {"provider": account.provider, "account": account.account}
            oldest = (await connection.execute(_OLDEST, key | {"hints": _HINTS})).one_or_none()
            if oldest is not None:
                ids = tuple(oldest.order_ids)
                found.append(Due(account.provider, account.account, Step(oldest.step), ids))
        await note_run(connection, SWEEP)
    return found


async def note_clocks(db: Database, clocks: Sequence[ProviderClock]) -> None:
    """Keep how far providers' clocks are ahead of the database's."""
    rows = [
        {
            "provider": each.provider,
            "account": each.account,
            "ahead": each.ahead.middle.total_seconds(),
            "unsure": each.ahead.unsure.total_seconds(),
        }
        for each in clocks
    ]
    async with db.transaction(Boundary.CLOCKS) as connection:
        await connection.execute(_NOTE_CLOCKS, {"clocks": as_rows(rows)})


async def answer(db: Database, provider: str, account: str) -> None:
    """A worker heard the sweep's bell; the next one may ring."""
    async with db.transaction(Boundary.BELL) as connection:
        await connection.execute(_ANSWER, {"provider": provider, "account": account})


async def any_owed(db: Database) -> bool:
    """Whether some notification may be delivered now."""
    async with db.reading() as connection:
        return bool((await connection.execute(_ANY_OWED)).scalar_one())
