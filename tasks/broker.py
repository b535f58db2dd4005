"""How Celery reaches Redis: the same for workers, beat and Flower."""

from typing import Any

from worker import redises
from worker.streams.roles import BELLS


def broker_settings(redis_url: str, client: str) -> dict[str, Any]:
    """Celery's settings of its broker. ``client`` is what ``CLIENT LIST`` calls us."""
    broker_url, options = redises.for_celery(redis_url)
    return {
        "broker_url": broker_url,
        "broker_transport_options": {
            "global_keyprefix": BELLS,
            "visibility_timeout": 300,
            "socket_timeout": 5,  # without it a silently dead connection is never noticed
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "client_name": client,
            **options,
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,  # an outage of Redis is waited out, however long
        "broker_channel_error_retry": True,  # also READONLY and OOM, which kombu calls final
        "broker_pool_acquire_timeout": 5,
    }
