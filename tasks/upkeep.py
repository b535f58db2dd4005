"""What beat rings."""

from celery import Task

from schemas import jobs
from tasks.app import app
from tasks.base import engine_of, run_on
from tasks.engine import EngineThread
from worker.steps.sweep import sweep as find_due


@app.task(name=jobs.SWEEP, bind=True)
def sweep(self: Task) -> str:
    """Ring for everything that is due and was not rung for."""
    return f"rang {run_on(self, _sweep(engine_of(self)))}"


async def _sweep(thread: EngineThread) -> int:
    bells = await find_due(thread.engine.rt)
    for bell in bells:
        thread.publisher.ring(bell)
    return len(bells)
