"""PostgreSQL itself: version, schema, clock, durability."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from worker.clock import Clock
from worker.health.finding import Finding, Level, fail, ok, warn
from worker.store.session import Database

OLDEST: Final = 14
"""The first version that has functions with a body in standard SQL, as ``orderline_now()`` is."""

_READ: Final = text("""
SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::int / 10000 AS major,
    clock_timestamp() AS now,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool AS read_only,
    current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit
""")

_OWN_CLOCK: Final = text(
    "SELECT extract(epoch FROM orderline_now() - statement_timestamp())::float8"
)

_NOTICEABLE: Final = 1.0
"""Seconds by which two clocks may differ before it is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """What the server says of itself.

    ``skew`` is how many seconds its clock is ahead of ours, ``took`` how long it took to ask.
    """

    version: str
    major: int
    took: float
    skew: float
    read_only: bool
    not_durable: tuple[str, ...]
    """The settings, of those that keep a commit through a crash, that are off."""


async def read_database(db: Database, clock: Clock) -> DatabaseFacts:
    """Ask the server."""
    async with db.reading() as connection:
        await connection.execute(text("SELECT"))  # so that connecting is not timed
        begun, before = clock.monotonic(), clock.now()
        row = (await connection.execute(_READ)).one()
        took = clock.monotonic() - begun
    middle = before + timedelta(seconds=took / 2)
    names = ("fsync", "full_page_writes", "synchronous_commit")
    return DatabaseFacts(
        version=row.version,
        major=row.major,
        took=took,
        skew=(row.now - middle).total_seconds(),
        read_only=row.read_only,
        not_durable=tuple(name for name in names if getattr(row, name) == "off"),
    )


async def own_clock_is_off(db: Database) -> float:
    """By how many seconds ``orderline_now()`` differs from the server's clock. Needs a schema."""
    async with db.reading() as connection:
        return float((await connection.execute(_OWN_CLOCK)).scalar_one())


def judge_database(facts: DatabaseFacts, clock_skew: timedelta) -> list[Finding]:
    """Everything that can be said of the server, whatever its schema."""
    return [
        judge_version(facts.version, facts.major, facts.took),
        judge_writable(read_only=facts.read_only),
        judge_durability(facts.not_durable),
        judge_skew(facts.skew, clock_skew),
    ]


def judge_version(version: str, major: int, took: float) -> Finding:
    """The migrations need ``OLDEST``."""
    said = f"PostgreSQL {version}, answers in {took * 1000:.0f} ms"
    if major >= OLDEST:
        return Finding(Level.OK, "database", said, value=took)
    return fail("database", said, f"use PostgreSQL {OLDEST} or newer")


def judge_writable(*, read_only: bool) -> Finding:
    """A standby takes no order."""
    if not read_only:
        return ok("database role", "takes writes")
    return fail(
        "database role", "read only, or a standby", "name the primary in ORDERLINE_DATABASE_URL"
    )


def judge_durability(not_durable: tuple[str, ...]) -> Finding:
    """A commit that a crash may undo is a promise that a crash may break."""
    if not not_durable:
        return ok("durability", "a commit outlives a crash")
    return warn(
        "durability",
        f"{', '.join(not_durable)} off: a crash may undo commits, and so buy twice",
        "switch on in postgresql.conf; only tests may go without",
    )


def judge_skew(skew: float, limit: timedelta) -> Finding:
    """The database decides what is late, our clock stamps webhooks: they should agree."""
    said = f"the database's is {abs(skew):.3f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) > limit.total_seconds():
        return fail(
            "clocks", said, "run NTP on both machines: quotes are refused or expire wrongly"
        )
    if abs(skew) > _NOTICEABLE:
        return warn("clocks", said, "run NTP on both machines")
    return ok("clocks", said)


def judge_schema(current: str | None, newest: str) -> Finding:
    """Revisions are numbered, so an unknown one that is greater comes from newer code."""
    if current == newest:
        return ok("schema", f"revision {current}")
    if current is None:
        return fail("schema", "none: the database is empty", "run `orderline migrate`")
    if current < newest:
        said = f"revision {current}, this code needs {newest}"
        return fail("schema", said, "run `orderline migrate`")
    said = f"revision {current}, this code knows up to {newest}"
    return fail("schema", said, "run the newer version of Orderline that migrated it")


def judge_own_clock(off: float) -> Finding:
    """``orderline_now()`` is replaced in tests; anywhere else that is a disaster."""
    if off == 0:
        return ok("orderline_now()", "is the database's clock")
    return fail(
        "orderline_now()",
        f"was replaced: it is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}",
        "restore it as the first migration made it: leases and quotes are judged by it",
    )
