"""Whether due work moves: intake, orders, notifications, and the sweep that rings for them.

The one judgement that ``doctor`` and ``health`` share: nothing here asks whether a process runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from schemas.jobs import SWEEP
from schemas.orders import span
from worker.health.finding import Finding, Level, measured
from worker.settings import Settings
from worker.store.notifications import MAY_GO, OWING
from worker.store.queues import OVERDUE
from worker.store.session import Database
from worker.store.upkeep import since_run

_OVERDUE: Final = text(OVERDUE)

_OWED: Final = text(f"""
WITH RECURSIVE {OWING}
SELECT max(extract(epoch FROM orderline_now() - greatest(
    n.due_at, e.rests_until, CASE WHEN e.failing_since IS NOT NULL THEN e.failed_at END)))::float8
FROM reachable e CROSS JOIN LATERAL (
    SELECT n.due_at FROM notifications n
    WHERE n.producer = e.producer AND n.endpoint = e.url AND {MAY_GO}
    ORDER BY n.due_at LIMIT 1
) n
""")  # noqa: S608 -- the clauses are constants of ours
"""What goes to a failing endpoint is let through slowly: it moves as long as something is tried.
"""

_NOT_READ: Final = "is a worker running, and does it reach the database?"

Waiting = Mapping[str, tuple[int, float]]
"""For each producer with entries in its stream: how many, and the age of the oldest in seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many seconds on a check fails."""

    overdue: float
    intake: float
    silence: float

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the settings say."""
        return cls(
            overdue=settings.health_overdue.total_seconds(),
            intake=settings.health_intake.total_seconds(),
            silence=settings.health_silence.total_seconds(),
        )


@dataclass(frozen=True, slots=True)
class Overdue:
    """An account's longest overdue order; its age in seconds."""

    provider: str
    account: str
    age: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the rows say, in seconds; ``None`` where nothing is due, or the sweep never ran."""

    orders: Sequence[Overdue]
    """One for each account that has any, the longest overdue first."""
    notification_age: float | None
    swept: float | None


async def read_progress(db: Database) -> Progress:
    """Look at the rows."""
    async with db.reading() as connection:
        overdue = (await connection.execute(_OVERDUE)).all()
        owed = (await connection.execute(_OWED)).scalar_one_or_none()
        swept = await since_run(connection, SWEEP)
    return Progress(
        orders=[Overdue(row.provider, row.account, row.age) for row in overdue],
        notification_age=owed,
        swept=None if swept is None else max(swept.total_seconds(), 0.0),
    )


def judge_progress(progress: Progress, limits: Limits) -> list[Finding]:
    """Everything that the rows tell."""
    return [
        judge_orders(progress.orders, limits),
        judge_notifications(progress.notification_age, limits),
        judge_sweep(progress.swept, limits),
    ]


def judge_orders(overdue: Sequence[Overdue], limits: Limits) -> Finding:
    """How long the longest overdue order has waited, and at which account."""
    check = "overdue orders"
    if not overdue:
        return measured(check, "none", "", value=None, limit=limits.overdue)
    worst = max(overdue, key=lambda each: each.age)
    name = f"{worst.provider}/{worst.account}"
    variable = f"ORDERLINE_ACCOUNTS__{worst.provider}__{worst.account}__...".upper()
    return measured(
        check,
        f"the oldest for {age(worst.age)}, of {name}",
        f"is {name} configured ({variable}) where a worker runs? look at the workers' logs, and at"
        " `orderline list --overdue`",
        value=worst.age,
        limit=limits.overdue,
    )


def judge_notifications(oldest: float | None, limits: Limits) -> Finding:
    """How long the longest overdue notification has waited, of those that may go."""
    return measured(
        "overdue notifications",
        "none" if oldest is None else f"the oldest for {age(oldest)}",
        "is a worker running that hears the queue `notifications`? look at the workers' logs",
        value=oldest,
        limit=limits.overdue,
    )


def judge_sweep(ago: float | None, limits: Limits) -> Finding:
    """Whether beat rings for the sweep and a worker does it: nothing else finds a lost bell."""
    check, advice = "sweep", "start beat (celery -A tasks.app beat) and a worker"
    if ago is None:
        return Finding(Level.FAIL, check, "never ran", advice, None, limits.silence)
    return measured(check, f"ran {age(ago)} ago", advice, value=ago, limit=limits.silence)


def judge_intake(waiting: Waiting, limits: Limits) -> list[Finding]:
    """For each producer, how many intents wait, and for how long the oldest has."""
    found = [_judge_lag(name, *lag, limits) for name, lag in sorted(waiting.items())]
    nothing = measured("intake", "no intent waits", "", value=None, limit=limits.intake)
    return found or [nothing]


def judge_lag(waiting: Waiting, limits: Limits) -> Finding:
    """The same in one, that of the producer whose oldest intent has waited longest."""
    return max(judge_intake(waiting, limits), key=lambda found: found.value or 0.0)


def judge_callbacks(lag: tuple[int, float] | None, limits: Limits) -> Finding:
    """How many callbacks wait: hints only, but for an order without polls they are the news."""
    count, oldest = lag or (0, None)
    return measured(
        "callbacks",
        "none waits" if oldest is None else f"{count}, the oldest for {age(oldest)}",
        _NOT_READ,
        value=oldest,
        limit=limits.intake,
    )


def _judge_lag(producer: str, count: int, oldest: float, limits: Limits) -> Finding:
    return measured(
        "intake",
        f"{plural(count, 'intent')} of {producer}, the oldest for {age(oldest)}",
        _NOT_READ,
        value=oldest,
        limit=limits.intake,
    )


def plural(count: int, what: str) -> str:
    """``1 order``, ``2 orders``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """Seconds in words."""
    return span(timedelta(seconds=seconds))
