"""Whether each worker process of this host moves, by its pulse."""

from collections.abc import Sequence
from typing import Final

from worker.engine import MAIL, pump_of
from worker.health.finding import Finding, Level, fail, measured
from worker.health.progress import Limits, Progress, age
from worker.pulse import EVERY, Pulse

NONE: Final = fail(
    "worker",
    "none runs on this host",
    "start one (celery -A tasks.app worker); if it has a /tmp of its own, set ORDERLINE_PULSE_DIR",
)

_CUT_OFF: Final = "does this process reach Redis and the database? look at its log"
_STUCK: Final = "restart this process, and look at its log"


def judge_pulses(
    pulses: Sequence[Pulse], progress: Progress | None, now: float, limits: Limits
) -> list[Finding]:
    """Everything that can be said of these workers.

    ``progress`` is what the rows say, ``None`` where that could not be learnt: then a worker is
    judged by itself alone. ``now`` is the machine's monotonic clock.
    """
    found = [each for pulse in pulses for each in _judge(pulse, progress, now, limits)]
    return found or [NONE]


def judge_loops(pulses: Sequence[Pulse], now: float, limits: Limits) -> list[Finding]:
    """Whether their loops turn: what a restart mends, whatever is away."""
    return [_judge_loop(pulse, _since(pulse, now), limits) for pulse in pulses] or [NONE]


def _since(pulse: Pulse, now: float) -> float:
    return max(now - pulse.beat, 0.0)


def _judge(
    pulse: Pulse, progress: Progress | None, now: float, limits: Limits
) -> tuple[Finding, ...]:
    old = _since(pulse, now)
    loop = _judge_loop(pulse, old, limits)
    return loop, _judge_doors(pulse, old, limits), _judge_pumps(pulse, progress, old, limits)


def _judge_loop(pulse: Pulse, old: float, limits: Limits) -> Finding:
    return measured(
        "loop",
        f"of {pulse.worker}: gave a sign {age(old)} ago",
        _STUCK,
        value=old,
        limit=limits.silence,
        late=min(limits.silence, 3 * EVERY),
    )


def _judge_doors(pulse: Pulse, old: float, limits: Limits) -> Finding:
    """Whether what is in the streams gets in: a worker that is up reads them all the time."""
    door, silent = max(pulse.doors.items(), key=lambda each: each[1])
    return measured(
        "doors",
        f"of {pulse.worker}: {door} got through {age(old + silent)} ago",
        _CUT_OFF,
        value=old + silent,
        limit=limits.intake,
    )


def _judge_pumps(pulse: Pulse, progress: Progress | None, old: float, limits: Limits) -> Finding:
    """Whether the pumps look at least as often as something is overdue for that long.

    While nothing is, nobody rings and they rest; they answer for no account that is not theirs.
    """
    check = "pumps"
    if progress is None:
        said = f"of {pulse.worker}: not judged, for nobody could say what is due"
        return Finding(Level.OK, check, said)
    late = [name for name in _overdue(progress, limits) if name in pulse.pumps]
    if not late:
        return Finding(Level.OK, check, f"of {pulse.worker}: nothing of theirs is overdue")
    silences = {
        name: max(old + pulse.pumps[name].silent - pulse.pumps[name].may, 0.0) for name in late
    }
    name = max(late, key=silences.__getitem__)
    return measured(
        check,
        f"of {pulse.worker}: {name} has overdue work, and moved {age(silences[name])} ago",
        _STUCK,
        value=silences[name],
        limit=limits.overdue,
        late=limits.overdue,
    )


def _overdue(progress: Progress, limits: Limits) -> list[str]:
    """The names of the pumps whose work has been due for too long."""
    names = [
        pump_of(each.provider, each.account)
        for each in progress.orders
        if each.age >= limits.overdue
    ]
    mail = progress.notification_age
    return [*names, MAIL] if mail is not None and mail >= limits.overdue else names
