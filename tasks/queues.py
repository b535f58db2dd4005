"""Which queue a bell hangs on: one per provider, so that workers can be dedicated with ``-Q``."""

from typing import Final

from kombu.entity import Queue

from schemas import jobs
from worker.providers import REGISTRY

NOTIFICATIONS: Final = "notifications"
UPKEEP: Final = "upkeep"
SUBMIT: Final = "submit"


def orders_of(provider: str) -> str:
    """The queue of a provider's order bells."""
    return f"orders.{provider}"


QUEUES: Final = [
    Queue(name) for name in (*map(orders_of, sorted(REGISTRY)), NOTIFICATIONS, UPKEEP, SUBMIT)
]

ROUTES: Final = {
    jobs.NOTIFICATION_DELIVER: {"queue": NOTIFICATIONS},
    jobs.SWEEP: {"queue": UPKEEP},
    jobs.ORDER_SUBMIT: {"queue": SUBMIT},
}
"""Order bells are routed by whoever rings them, since their queue depends on the provider."""
