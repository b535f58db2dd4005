"""What beat rings for besides the orders, when it was last done, and what time it is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.clock import Clock
from worker.logs import get_logger
from worker.store.session import Boundary, Database, as_rows

log = get_logger(__name__)

_RAN: Final = text("""
WITH before AS (
    SELECT every, extract(epoch FROM orderline_now() - ran_at) AS ago
    FROM jobs WHERE name = :job FOR UPDATE
),
missed AS (
    SELECT floor(ago / every)::int - 1 AS turns FROM before WHERE ago > 2 * every + 5
)
INSERT INTO jobs AS j (name, ran_at, missed, missed_at)
SELECT :job, orderline_now(), coalesce((SELECT turns FROM missed), 0),
    (SELECT orderline_now() FROM missed)
ON CONFLICT (name) DO UPDATE SET ran_at = excluded.ran_at,
    missed = CASE WHEN excluded.missed_at IS NULL THEN j.missed ELSE excluded.missed END,
    missed_at = coalesce(excluded.missed_at, j.missed_at)
RETURNING (SELECT turns FROM missed)
""")
"""A turn counts as missed, not as late, only after some seconds: a busy worker may take those."""

_EXPECT: Final = text("""
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:jobs AS jsonb)) AS _(name text, every float8)
),
forgotten AS (
    DELETE FROM jobs WHERE every IS NOT NULL AND name NOT IN (SELECT name FROM wanted)
)
INSERT INTO jobs (name, every) SELECT name, every FROM wanted ORDER BY name
ON CONFLICT (name) DO UPDATE SET every = excluded.every
""")

_SINCE: Final = text("SELECT orderline_now() - ran_at FROM jobs WHERE name = :job")

_TURNS: Final = text("""
SELECT name, every, extract(epoch FROM orderline_now() - ran_at)::float8 AS ago, missed,
    CASE WHEN missed_at > orderline_now() - interval '1 day' THEN missed_at END AS missed_at
FROM jobs WHERE every IS NOT NULL ORDER BY every, name
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How a job of beat stands; ``every`` and ``ago`` in seconds, ``ago`` is ``None`` for never.

    ``missed`` turns in a row were missed before ``missed_at``, the last time that some were; it is
    ``None`` once that is a day ago.
    """

    name: str
    every: float
    ago: float | None
    missed: int
    missed_at: datetime | None


async def note_run(connection: AsyncConnection, job: str) -> None:
    """A job, by its task's name (``schemas.jobs``), is done once this transaction is.

    Its last statement, please: two that run at once wait for each other from here on. That turns
    were missed before this one is logged, and kept.
    """
    missed = (await connection.execute(_RAN, {"job": job})).scalar_one()
    if missed:
        log.warning("turns_missed", task=job, count=missed)


async def note(db: Database, job: str) -> None:
    """``note_run`` in a transaction of its own: for a job whose work is many commits, or none."""
    async with db.transaction(Boundary.TURN) as connection:
        await note_run(connection, job)


async def expect(db: Database, every: Mapping[str, timedelta]) -> None:
    """From now on these jobs are expected, each in its time, and no others."""
    rows = [{"name": name, "every": time.total_seconds()} for name, time in every.items()]
    async with db.transaction(Boundary.TURN) as connection:
        await connection.execute(_EXPECT, {"jobs": as_rows(rows)})


async def since_run(connection: AsyncConnection, job: str) -> timedelta | None:
    """How long ago, by the database's clock, a job was last done; ``None`` if it never was."""
    ago: timedelta | None = (await connection.execute(_SINCE, {"job": job})).scalar_one_or_none()
    return ago


async def turns(connection: AsyncConnection) -> Sequence[Turns]:
    """How every expected job stands, the most frequent first."""
    rows = await connection.execute(_TURNS)
    return [Turns(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name


async def look_at_clock(db: Database, clock: Clock) -> tuple[datetime, datetime, datetime]:
    """What the database's clock shows, between our own times of the question and the answer."""
    async with db.reading() as connection:
        await connection.execute(text("SELECT"))  # so that connecting is not timed
        asked_at = clock.now()
        shown: datetime = (await connection.execute(text("SELECT orderline_now()"))).scalar_one()
        return asked_at, shown, clock.now()
