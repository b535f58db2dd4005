"""Order bells. Each wakes its account's pump, which claims whatever is due.

The names differ only for people: Flower shows which step the rung orders wait for.
"""

from typing import Any
from uuid import UUID

from celery import Task

from schemas import jobs
from schemas.jobs import OrderBell
from tasks.app import app
from tasks.base import SilentTask, engine_of, run_on, tell
from worker.streams import put_unread


def _hear(task: Task, provider: str, account: str, ids: list[str], *, swept: bool) -> str:
    bell = OrderBell(
        task=task.name,
        provider=provider,
        account=account,
        order_ids=tuple(map(UUID, ids)),
        swept=swept,
    )
    return tell(run_on(task, engine_of(task).engine.hear(bell)))


@app.task(name=jobs.ORDER_PLACE, bind=True)
def place(self: Task, provider: str, account: str, ids: list[str], *, swept: bool = False) -> str:
    """Orders wait to be placed."""
    return _hear(self, provider, account, ids, swept=swept)


@app.task(name=jobs.ORDER_CONFIRM, bind=True)
def confirm(self: Task, provider: str, account: str, ids: list[str], *, swept: bool = False) -> str:
    """Quoted orders wait to be confirmed."""
    return _hear(self, provider, account, ids, swept=swept)


@app.task(name=jobs.ORDER_POLL, bind=True)
def poll(self: Task, provider: str, account: str, ids: list[str], *, swept: bool = False) -> str:
    """Placed orders are to be asked after."""
    return _hear(self, provider, account, ids, swept=swept)


@app.task(name=jobs.ORDER_CANCEL, bind=True)
def cancel(self: Task, provider: str, account: str, ids: list[str], *, swept: bool = False) -> str:
    """Bought orders are to be called off."""
    return _hear(self, provider, account, ids, swept=swept)


@app.task(name=jobs.ORDER_RECONCILE, bind=True)
def reconcile(
    self: Task, provider: str, account: str, ids: list[str], *, swept: bool = False
) -> str:
    """Orders in doubt are to be looked up."""
    return _hear(self, provider, account, ids, swept=swept)


@app.task(name=jobs.ORDER_SUBMIT, bind=True, base=SilentTask)
def submit(self: Task, intent: dict[str, Any] | str) -> str:
    """The second-best door, for producers that only speak Celery: put an intent on its stream."""
    return run_on(self, put_unread(engine_of(self).redis, intent))
