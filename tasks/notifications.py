"""The notification bell."""

from uuid import UUID

from celery import Task

from schemas import jobs
from tasks.app import app
from tasks.base import engine_of, run_on, tell


@app.task(name=jobs.NOTIFICATION_DELIVER, bind=True)
def deliver(self: Task, ids: list[str]) -> str:
    """Notifications are due."""
    return tell(run_on(self, engine_of(self).engine.hear_mail(list(map(UUID, ids)))))
