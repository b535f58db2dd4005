"""The app as Flower needs it: ``celery -A tasks.watching flower``.

It knows the broker and the queues. Not the tasks, so that none can be sent from there, and no
setting but where Redis is: who watches needs neither the database nor the key.
"""

from typing import Any

from celery import Celery

from tasks.broker import broker_settings
from tasks.queues import QUEUES
from tasks.start import refuse
from worker.errors import SettingsError
from worker.settings import load_redis_url


def configuration() -> dict[str, Any]:
    """Celery's settings for one who only watches."""
    try:
        redis_url = load_redis_url()
    except SettingsError as error:
        refuse(str(error))
    return {
        **broker_settings(redis_url.get_secret_value(), "orderline-flower"),
        "task_queues": QUEUES,
        "task_create_missing_queues": False,
        "task_default_queue": "upkeep",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "result_backend": None,
        "enable_utc": True,
        "timezone": "UTC",
    }


app = Celery("orderline")
app.add_defaults(configuration)
