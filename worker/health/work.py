"""What waits for somebody: a person, a worker, or a producer's registration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from sqlalchemy import text

from schemas.orders import AccountLoad
from worker import streams
from worker.health.finding import Finding, ok, warn
from worker.health.progress import plural
from worker.store.session import Database

_SET_ASIDE: Final = (
    "see `orderline quarantine`; `quarantine replay` takes them in again, `quarantine drop` closes"
    " them"
)

_COUNTS: Final = text("""
SELECT
    (SELECT count(*) FROM notifications WHERE state = 'exhausted') AS exhausted,
    (SELECT count(*) FROM quarantine WHERE closed_at IS NULL) AS quarantined
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFacts:
    """How much waits for a person, besides orders."""

    exhausted: int
    quarantined: int


async def read_work(db: Database) -> WorkFacts:
    """Look at the rows."""
    async with db.reading() as connection:
        row = (await connection.execute(_COUNTS)).one()
    return WorkFacts(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name


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
    said = f"{plural(count, 'intent')} read by a worker that fell silent"
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


def judge_standing(loads: Sequence[AccountLoad], facts: WorkFacts) -> list[Finding]:
    """What waits for a person."""
    doubtful = sum(load.in_doubt for load in loads)
    parked = sum(load.parked for load in loads)
    return [
        ok("in doubt", f"{plural(doubtful, 'order')}, being looked up" if doubtful else "none"),
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
    return warn(check, plural(count, what), advice) if count else ok(check, "none")
