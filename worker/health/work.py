"""What waits, and what does not move: intake, orders, notifications, and who works on them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy import text

from schemas.orders import AccountLoad, span
from worker import streams
from worker.clock import Clock
from worker.health.finding import Finding, fail, ok, warn
from worker.store.notifications import MAY_GO
from worker.store.session import Database

SWEPT_WITHIN: Final = 7.0
"""Seconds within which a living sweep touches every account with due orders (see ``sweep``)."""

LATE: Final = 10.0
"""Seconds after which what is due counts as late."""
_STUCK: Final = 60.0
_LOOK_EVERY: Final = 0.25

_SET_ASIDE: Final = (
    "see `orderline quarantine`; `quarantine replay` takes them in again, `quarantine drop` closes"
    " them"
)

_COUNTS: Final = text(f"""
SELECT
    (SELECT extract(epoch FROM orderline_now() - min(due_at))::float8 FROM orders
        WHERE due_at <= orderline_now()) AS order_age,
    (SELECT extract(epoch FROM orderline_now() - min(due_at))::float8 FROM notifications n
        WHERE {MAY_GO}) AS notification_age,
    (SELECT count(*) FROM notifications WHERE state = 'exhausted') AS exhausted,
    (SELECT count(*) FROM quarantine WHERE closed_at IS NULL) AS quarantined
""")  # noqa: S608 -- the clause is a constant of ours

_TOUCHES: Final = text("SELECT array_agg(xmin::text ORDER BY provider, account) FROM accounts")
"""Changes with every bell of the sweep and with every answer to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFacts:
    """Ages in seconds, of what is due longest; ``None`` where nothing is due."""

    order_age: float | None
    notification_age: float | None
    exhausted: int
    quarantined: int


async def read_work(db: Database) -> WorkFacts:
    """Look at the rows."""
    async with db.reading() as connection:
        row = (await connection.execute(_COUNTS)).one()
    return WorkFacts(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name


async def sweep_is_seen(db: Database, clock: Clock, *, within: float) -> bool:
    """Whether the sweep rings, or is answered, within so many seconds.

    Means something only while orders are overdue: otherwise it has no reason to ring.
    """
    before, ends = await _touches(db), clock.monotonic() + within
    while clock.monotonic() < ends:
        await asyncio.sleep(_LOOK_EVERY)
        if await _touches(db) != before:
            return True
    return False


async def _touches(db: Database) -> Any:
    async with db.reading() as connection:
        return (await connection.execute(_TOUCHES)).scalar_one()


async def count_workers(redis: Redis) -> int | None:
    """How many workers read the intent streams now; ``None`` where we may not see that.

    Seen by their connections: before Redis 7.2 a consumer with nothing to read looks idle, or
    does not exist.
    """
    try:
        clients: Sequence[Mapping[str, str]] = await redis.client_list()
    except ResponseError:
        return None
    number = str(redis.connection_pool.connection_kwargs.get("db", 0))
    reading = {"xreadgroup", "xinfo", "xrange"}
    return sum(
        client.get("db") == number and client.get("cmd", "").partition("|")[0] in reading
        for client in clients
    )


async def forgotten(redis: Redis, producers: Sequence[str], *, idle: timedelta) -> int:
    """How many entries were given to a consumer that has been silent for so long."""
    pending = 0
    for producer in producers:
        try:
            found = await redis.xinfo_consumers(streams.stream_of(producer), streams.GROUP)
        except ResponseError:  # no stream or no group yet
            continue
        silent = [each for each in found if each["idle"] > idle / timedelta(milliseconds=1)]
        pending += sum(each["pending"] for each in silent)
    return pending


def judge_intake(waiting: Mapping[str, tuple[int, float]]) -> list[Finding]:
    """For each producer, how many intents wait, and for how long the oldest has."""
    found = [_judge_lag(name, count, age) for name, (count, age) in sorted(waiting.items())]
    return found or [ok("intake", "no intent waits")]


def _judge_lag(producer: str, count: int, age: float) -> Finding:
    said = f"{_plural(count, 'intent')} of {producer}, the oldest for {_age(age)}"
    if age < LATE:
        return ok("intake", said)
    advice = "is a worker running, and does it reach the database?"
    return (fail if age >= _STUCK else warn)("intake", said, advice)


def judge_strangers(keys: Sequence[str]) -> list[Finding]:
    """Streams that no registered producer owns."""
    return [
        warn(
            "intake",
            f"nobody reads {key}: its producer is not registered",
            f"run `orderline producers add {key.removeprefix(streams.INTENTS)} --notify-url URL`",
        )
        for key in keys
    ]


def judge_forgotten(count: int) -> list[Finding]:
    """Entries that were read by a worker which then fell silent; another one takes them over."""
    if not count:
        return []
    said = f"{_plural(count, 'intent')} read by a worker that fell silent"
    return [warn("intake", said, "start a worker: it takes over what others left behind")]


def judge_workers(count: int | None, producers: int) -> Finding:
    """Who reads the streams."""
    if not producers:
        return warn("workers", "no producer is registered", "run `orderline producers add`")
    if count is None:
        return warn("workers", "may not be seen", "allow CLIENT LIST, or look at the workers' logs")
    if count:
        return ok("workers", f"{count} at the intent streams")
    return warn("workers", "none at the intent streams", "start one: celery -A tasks.app worker")


def judge_overdue(what: str, age: float | None) -> Finding:
    """How long the longest overdue row has waited for somebody."""
    check = f"overdue {what}"
    if age is None or age < LATE:
        return ok(check, "none" if age is None else f"none for longer than {_age(age)}")
    advice = "look at the workers' logs, and at `orderline list --overdue`"
    return (fail if age >= _STUCK else warn)(check, f"the oldest for {_age(age)}", advice)


def judge_sweep(age: float | None, *, seen: bool) -> Finding:
    """Whether beat and a worker ring for what is overdue."""
    if age is None or age < LATE:
        return ok("sweep", "nothing waits for it")
    if seen:
        return ok("sweep", "rings")
    return fail(
        "sweep",
        f"orders have been due for {_age(age)}, and nobody rings for them",
        "start beat (celery -A tasks.app beat) and a worker",
    )


def judge_standing(loads: Sequence[AccountLoad], facts: WorkFacts) -> list[Finding]:
    """What waits for a person."""
    doubtful = sum(load.in_doubt for load in loads)
    parked = sum(load.parked for load in loads)
    return [
        ok("in doubt", f"{_plural(doubtful, 'order')}, being looked up" if doubtful else "none"),
        _for_a_person("parked", parked, "order", "see `orderline parked`"),
        _for_a_person("quarantine", facts.quarantined, "intent", _SET_ASIDE),
        _for_a_person(
            "undelivered",
            facts.exhausted,
            "notification",
            "their endpoints never acknowledged them; they can be replayed",
        ),
    ]


def _for_a_person(check: str, count: int, what: str, advice: str) -> Finding:
    return warn(check, _plural(count, what), advice) if count else ok(check, "none")


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _age(seconds: float) -> str:
    return span(timedelta(seconds=seconds))
