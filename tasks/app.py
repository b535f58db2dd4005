"""The Celery app: ``celery -A tasks.app worker`` and ``celery -A tasks.app beat``.

Configured when Celery first asks, not at import. Messages are bells and may be lost, doubled or
late: the rows they point at are the work (see ARCHITECTURE.md). So they ack early, carry ids
only, and there is no result backend, no retry, no countdown and no eta.
"""

import logging
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from tasks import thrown_away
from tasks.doors import DoorsStep
from tasks.engine import EngineStep, threads_for
from tasks.queues import QUEUES, ROUTES
from tasks.schedule import SCHEDULE
from tasks.start import settings_or_exit
from worker import logs
from worker.runtime import worker_name

_CHATTY = ("celery.app.trace", "celery.beat", "celery.worker.strategy")
"""Loggers that write several lines a bell, the sweep's included; what matters has its own line."""


def configuration() -> dict[str, Any]:
    """Celery's settings. Each one that is not obvious has its reason beside it."""
    settings = settings_or_exit()
    return {
        "broker_url": settings.redis_url.get_secret_value(),
        "broker_transport_options": {
            "global_keyprefix": "orderline:celery:",
            "visibility_timeout": 300,
            "socket_timeout": 5,  # without it a silently dead connection is never noticed
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "client_name": "orderline-worker",
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # an outage of Redis is waited out, however long
        "broker_channel_error_retry": True,  # also READONLY and OOM, which kombu calls final
        "broker_pool_acquire_timeout": 5,
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
        "task_queues": QUEUES,
        "task_routes": ROUTES,
        "task_create_missing_queues": False,
        "task_default_queue": "upkeep",
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_acks_late": False,  # the row is the truth; a redelivered bell helps nobody
        "task_ignore_result": True,
        "result_backend": None,
        "worker_pool": "threads",  # a thread only waits for the loop; see tasks.engine
        "worker_concurrency": threads_for(settings),
        "worker_prefetch_multiplier": 1,
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": True,
        "beat_schedule": dict(SCHEDULE),
        "beat_scheduler": "celery.beat:Scheduler",  # remembers nothing: the sweep asks the rows
        "beat_max_loop_interval": 1,
        "enable_utc": True,
        "timezone": "UTC",
    }


app = Celery("orderline", include=["tasks.orders", "tasks.notifications", "tasks.upkeep"])
app.add_defaults(configuration)
app.steps["worker"].update({EngineStep, DoorsStep})


@setup_logging.connect
def _configure_logging(**_: object) -> None:
    settings = settings_or_exit()
    logs.configure(settings.log_format, settings.log_level, worker=worker_name)
    logging.getLogger(thrown_away.LOGGER).addFilter(thrown_away.without_message)
    if settings.log_level != "debug":
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
