"""What beat rings."""

from celery import Task

from schemas import jobs
from tasks.app import app
from tasks.base import engine_of, run_on, tell
from tasks.engine import EngineThread
from worker.steps.expire import expire as end_lapsed
from worker.steps.purge import purge as purge_ended
from worker.steps.sweep import sweep as find_due


@app.task(name=jobs.SWEEP, bind=True)
def sweep(self: Task, **_: object) -> str:
    """Ring for everything that is due and was not rung for."""
    return f"rang {run_on(self, _sweep(engine_of(self)))}"


@app.task(name=jobs.EXPIRE, bind=True)
def expire(self: Task, **_: object) -> str:
    """End the orders whose quote has ended."""
    engine = engine_of(self).engine
    return tell(run_on(self, end_lapsed(engine.mail, engine.rt)))


@app.task(name=jobs.PURGE, bind=True)
def purge(self: Task, **_: object) -> str:
    """Erase and purge what has been over for long."""
    done = run_on(self, purge_ended(engine_of(self).engine.rt))
    more = ", and there is more" if done.more else ""
    return f"purged {done.orders}, erased {done.personal}, dropped {done.quarantine}{more}"


@app.task(name=jobs.RECONCILE, bind=True)
def reconcile(self: Task, **_: object) -> str:
    """Begin to hold our orders beside the providers' books, where that is due."""
    begun = run_on(self, engine_of(self).engine.reconcile_due())
    return f"begun: {', '.join(begun)}" if begun else "none due"


async def _sweep(thread: EngineThread) -> int:
    bells = await find_due(thread.engine.rt)
    for bell in bells:
        thread.publisher.ring(bell)
    return len(bells)
