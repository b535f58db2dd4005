"""Whether the jobs of beat are done in their time, and which turns were missed."""

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from schemas.jobs import SWEEP
from schemas.orders import stamp
from worker.health.finding import Finding, Level, ok, warn
from worker.health.progress import Limits, age, plural
from worker.store.session import Database
from worker.store.upkeep import Turns, turns

_TURNS: Final = 3
"""A job is late when it was not done for so many of its turns, and the sweep's silence besides."""

_ADVICE: Final = "start beat (celery -A tasks.app beat) and a worker that hears the queue `upkeep`"


async def read_turns(db: Database) -> Sequence[Turns]:
    """Look at the rows."""
    async with db.reading() as connection:
        return await turns(connection)


def judge_turns(jobs: Sequence[Turns], limits: Limits) -> Finding:
    """Whether every job of beat is done in its time; of the sweep another check tells.

    None is expected where no worker was ever started.
    """
    others = [job for job in jobs if job.name != SWEEP]
    late = [job for job in others if job.ago is None or job.ago >= _limit(job, limits)]
    if late:
        said = ", ".join(
            f"{job.name} {'never ran' if job.ago is None else f'ran {age(job.ago)} ago'}"
            f", is due every {age(job.every)}"
            for job in late
        )
        worst = max(late, key=lambda job: (job.ago or 0.0) / job.every)
        return Finding(Level.FAIL, "jobs", said, _ADVICE, worst.ago, _limit(worst, limits))
    return ok("jobs", f"{plural(len(others), 'job')} of beat, each in its time" if others else "-")


def judge_missed(jobs: Sequence[Turns]) -> list[Finding]:
    """Turns that were missed: nothing is lost by it, but somebody should know why."""
    return [
        warn(
            "missed turns",
            f"{job.name} missed {plural(job.missed, 'turn')} in a row until"
            f" {stamp(job.missed_at.astimezone(UTC))}",
            "look whether beat and a worker were running then; what was due has been done since",
        )
        for job in jobs
        if job.missed and job.missed_at is not None
    ]


def _limit(job: Turns, limits: Limits) -> float:
    return _TURNS * job.every + limits.silence
