"""The notification bell."""

from celery import Task

from schemas import jobs
from schemas.jobs import read_notification_bell
from tasks.app import app
from tasks.base import engine_of, run_on, tell


@app.task(name=jobs.NOTIFICATION_DELIVER, bind=True)
def deliver(self: Task, *said: object, **_: object) -> str:
    """Notifications are due."""
    bell = read_notification_bell(said)
    return tell(run_on(self, engine_of(self).engine.hear_mail(list(bell.event_ids))))
