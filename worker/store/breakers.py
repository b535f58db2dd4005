"""Breakers: calls added up over all workers, and the one row that says whether an account rests.

Opening, probing and closing are guarded updates: of several workers that see the same, one acts.
Nothing is written to the orders that wait.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import new_uuid
from worker.crypto import Vault
from worker.rests import AccountKey, Lease, Rest
from worker.store.claims import Taken, Taking, take
from worker.store.pipeline import Asked
from worker.store.queues import PAUSED, RESTS
from worker.store.session import Boundary, Database, Row, as_rows
from worker.tallies import SPAN, Counted

_MAY_PROBE: Final = f"""a.opened_at IS NOT NULL AND NOT {PAUSED} AND a.probe_at <= orderline_now()
    AND (a.probing_until IS NULL OR a.probing_until <= orderline_now())"""

_LOOK: Final = text(f"""
SELECT a.provider, a.account, {RESTS} AS rests, {_MAY_PROBE} AS may_probe, EXISTS (
    SELECT FROM account_calls c WHERE (c.provider, c.account) = (a.provider, a.account)
        AND c.failed > 0 AND c.at > orderline_now() - make_interval(secs => :window)
) AS troubled
FROM accounts a
""")  # noqa: S608 -- clauses of ours

_COUNT: Final = text("""
INSERT INTO account_calls AS c (provider, account, at, made, failed)
SELECT provider, account, date_bin(make_interval(secs => :span),
    orderline_now() - make_interval(secs => n.age), 'epoch'), sum(n.made), sum(n.failed)
FROM jsonb_to_recordset(CAST(:counted AS jsonb)) AS n(
    provider text, account text, age float8, made int, failed int)
JOIN accounts USING (provider, account)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (provider, account, at) DO UPDATE
SET made = c.made + excluded.made, failed = c.failed + excluded.failed
""")

_FORGET: Final = text("""
DELETE FROM account_calls WHERE at < orderline_now() - make_interval(secs => 2 * :window)
""")

_SUM: Final = text("""
SELECT provider, account, sum(made)::int AS made, sum(failed)::int AS failed
FROM account_calls JOIN accounts a USING (provider, account)
WHERE at > orderline_now() - make_interval(secs => :window) AND a.opened_at IS NULL
GROUP BY provider, account
""")

_TELL: Final = """
INSERT INTO events (id, provider, account, type, data)
SELECT :id, provider, account, :type, CAST(:data AS jsonb) {more}
FROM changed RETURNING data
"""

_OPEN: Final = text(f"""
WITH changed AS (
    UPDATE accounts SET opened_at = orderline_now(), opened_because = :why, openings = 1,
        probe_at = orderline_now() + make_interval(secs => :pause), probes = 0
    WHERE provider = :provider AND account = :account AND opened_at IS NULL
    RETURNING *
)
{_TELL.format(more="|| jsonb_build_object('until', probe_at)")}
""")  # noqa: S608 -- clauses of ours

_HELD: Final = """provider = :provider AND account = :account
    AND opened_at IS NOT NULL AND probing_until = :until"""

_REOPEN: Final = text(f"""
WITH changed AS (
    UPDATE accounts SET openings = openings + 1, probes = 0, probing_until = NULL,
        probe_at = orderline_now() + make_interval(secs => :pause)
    WHERE {_HELD}
    RETURNING *
)
{_TELL.format(more="|| jsonb_build_object('until', probe_at)")}
""")  # noqa: S608 -- clauses of ours

_ANSWERED: Final = text(
    f"UPDATE accounts SET probes = probes + 1, probing_until = NULL WHERE {_HELD}"  # noqa: S608 -- ours
    " RETURNING probes"
)

_GIVE_BACK: Final = text(f"UPDATE accounts SET probing_until = NULL WHERE {_HELD}")  # noqa: S608 -- ours

_CLOSE: Final = text(f"""
WITH changed AS (
    UPDATE accounts SET opened_at = NULL, opened_because = NULL, openings = 0, probes = 0,
        probe_at = NULL, probing_until = NULL
    WHERE provider = :provider AND account = :account AND opened_at IS NOT NULL
    RETURNING *
),
forgotten AS (
    DELETE FROM account_calls c USING changed
    WHERE (c.provider, c.account) = (changed.provider, changed.account)
)
{_TELL.format(more="")}
""")  # noqa: S608 -- clauses of ours
"""What failed before it rested is no reason to open again."""

_FREE_TO_PROBE: Final = text(f"""
SELECT openings FROM accounts a
WHERE a.provider = :provider AND a.account = :account AND {_MAY_PROBE}
FOR NO KEY UPDATE SKIP LOCKED
""")  # noqa: S608 -- clauses of ours

_PROBE: Final = text("""
UPDATE accounts SET probing_until = orderline_now() + make_interval(secs => :probe)
WHERE provider = :provider AND account = :account
RETURNING probing_until
""")


@dataclass(frozen=True, slots=True)
class Looked:
    """How the accounts stand that rest, and where calls failed within the window."""

    resting: Mapping[AccountKey, Rest]
    troubled: frozenset[AccountKey]


async def look(db: Database, window: timedelta) -> Looked:
    """How all accounts stand now: one small question."""
    [rows] = await db.look(Asked(_LOOK, {"window": window.total_seconds()}))
    return Looked(
        resting={_key(row): Rest(row.may_probe) for row in rows if row.rests},
        troubled=frozenset(_key(row) for row in rows if row.troubled),
    )


async def count(
    db: Database, counted: Mapping[AccountKey, Sequence[Counted]], window: timedelta
) -> Mapping[AccountKey, tuple[int, int]]:
    """Add up what this process saw; for each closed account, the calls made and failed by all."""
    rows = [
        {
            "provider": provider,
            "account": account,
            "age": each.age,
            "made": each.made,
            "failed": each.failed,
        }
        for (provider, account), spans in counted.items()
        for each in spans
    ]
    within = {"window": window.total_seconds()}
    async with db.transaction(Boundary.CALLS) as connection:
        await connection.execute(_COUNT, {"counted": as_rows(rows), "span": SPAN})
        await connection.execute(_FORGET, within)
        sums = (await connection.execute(_SUM, within)).all()
    return {_key(row): (row.made, row.failed) for row in sums}


async def open_breaker(
    db: Database, key: AccountKey, pause: timedelta, why: str, data: Mapping[str, Any]
) -> bool:
    """Let the account rest, and tell it, in one commit; ``False`` where another was faster."""
    values = _telling(key, "account.opened", {"why": why, "openings": 1, **data})
    async with db.transaction(Boundary.BREAKER) as connection:
        values |= {"why": why, "pause": pause.total_seconds()}
        return (await connection.execute(_OPEN, values)).one_or_none() is not None


async def claim_probe(
    db: Database, vault: Vault, taking: Taking, probe: timedelta
) -> tuple[Taken, Lease | None]:
    """Lease one due order of an account whose breaker is open, and the right to probe it.

    Nothing is written where somebody else probes it, or where nothing is due.
    """
    nothing = Taken((), taking.after), None
    key = {"provider": taking.provider, "account": taking.account}
    async with db.transaction(Boundary.CLAIM) as connection:
        free = (await connection.execute(_FREE_TO_PROBE, key)).one_or_none()
        if free is None:
            return nothing
        taken = await take(connection, vault, taking, probing=True)
        if not taken.orders:
            return nothing
        values = key | {"probe": probe.total_seconds()}
        until: datetime = (await connection.execute(_PROBE, values)).scalar_one()
    return taken, Lease(until, free.openings)


async def probe_failed(db: Database, key: AccountKey, lease: Lease, pause: timedelta) -> bool:
    """It rests once more, for longer; whether the lease was still ours."""
    data = {"why": "a probe failed", "openings": lease.openings + 1}
    values = _telling(key, "account.opened", data)
    async with db.transaction(Boundary.BREAKER) as connection:
        values |= {"until": lease.until, "pause": pause.total_seconds()}
        return (await connection.execute(_REOPEN, values)).one_or_none() is not None


async def probe_answered(db: Database, key: AccountKey, lease: Lease, enough: int) -> bool:
    """One more probe in a row was answered; whether that was ``enough``, and the breaker closed."""
    async with db.transaction(Boundary.BREAKER) as connection:
        values = _values(key) | {"until": lease.until}
        probes = (await connection.execute(_ANSWERED, values)).scalar_one_or_none()
        if probes is None or probes < enough:
            return False
        data = {"why": f"{probes} probes in a row were answered"}
        return await close_breaker(connection, key, data)


async def give_back(db: Database, key: AccountKey, lease: Lease) -> None:
    """The probe made no call that says anything: another one may."""
    async with db.transaction(Boundary.BREAKER) as connection:
        await connection.execute(_GIVE_BACK, _values(key) | {"until": lease.until})


async def close_breaker(
    connection: AsyncConnection, key: AccountKey, data: Mapping[str, Any]
) -> bool:
    """The account rests no longer for its breaker's sake; ``False`` where it was closed already."""
    values = _telling(key, "account.closed", data)
    return (await connection.execute(_CLOSE, values)).one_or_none() is not None


def _telling(key: AccountKey, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return _values(key) | {"id": new_uuid(), "type": kind, "data": as_rows(data)}


def _values(key: AccountKey) -> dict[str, Any]:
    return {"provider": key[0], "account": key[1]}


def _key(row: Row) -> AccountKey:
    return row.provider, row.account
