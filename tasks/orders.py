"""Order bells. Each wakes its account's pump, which claims whatever is due.

The names differ only for people: Flower shows which step the rung orders wait for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from celery import Task

from schemas import jobs
from schemas.jobs import read_order_bell
from tasks.app import app
from tasks.base import NOT_UNDERSTOOD, SilentTask, engine_of, run_on, tell
from worker.streams import put_unread


def _hear(task: Task, said: Sequence[object], more: Mapping[str, object]) -> str:
    bell = read_order_bell(task.name, said, more)
    if bell is None:
        return NOT_UNDERSTOOD
    return tell(run_on(task, engine_of(task).engine.hear(bell)))


@app.task(name=jobs.ORDER_PLACE, bind=True)
def place(self: Task, *said: object, **more: object) -> str:
    """Orders wait to be placed."""
    return _hear(self, said, more)


@app.task(name=jobs.ORDER_CONFIRM, bind=True)
def confirm(self: Task, *said: object, **more: object) -> str:
    """Quoted orders wait to be confirmed."""
    return _hear(self, said, more)


@app.task(name=jobs.ORDER_POLL, bind=True)
def poll(self: Task, *said: object, **more: object) -> str:
    """Placed orders are to be asked after."""
    return _hear(self, said, more)


@app.task(name=jobs.ORDER_CANCEL, bind=True)
def cancel(self: Task, *said: object, **more: object) -> str:
    """Bought orders are to be called off."""
    return _hear(self, said, more)


@app.task(name=jobs.ORDER_RECONCILE, bind=True)
def reconcile(self: Task, *said: object, **more: object) -> str:
    """Orders in doubt are to be looked up."""
    return _hear(self, said, more)


@app.task(name=jobs.ORDER_SUBMIT, bind=True, base=SilentTask)
def submit(self: Task, intent: dict[str, Any] | str) -> str:
    """The second-best door, for producers that only speak Celery: put an intent on its stream."""
    return run_on(self, put_unread(engine_of(self).redis, intent))
