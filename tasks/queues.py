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


_BELLS: Final = (*map(orders_of, sorted(REGISTRY)), NOTIFICATIONS, UPKEEP)

QUEUES: Final = [*(Queue(name, no_ack=True) for name in _BELLS), Queue(SUBMIT)]
"""A bell is not acknowledged: one that is lost is rung again, and what kombu keeps of messages
under way only does harm. Acknowledging one, or putting it back, after Redis has crashed ends the
worker (with kombu 5.7.0, by an ``AttributeError``). Submitted intents are kept until then."""

ROUTES: Final = {
    jobs.NOTIFICATION_DELIVER: {"queue": NOTIFICATIONS},
    jobs.SWEEP: {"queue": UPKEEP},
    jobs.EXPIRE: {"queue": UPKEEP},
    jobs.PURGE: {"queue": UPKEEP},
    jobs.RECONCILE: {"queue": UPKEEP},
    jobs.ORDER_SUBMIT: {"queue": SUBMIT},
}
"""Order bells are routed by whoever rings them, since their queue depends on the provider."""
