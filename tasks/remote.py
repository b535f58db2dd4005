"""What workers do when told so over Redis: they answer questions, and change nothing.

Celery's remote control goes to whoever may publish there: Flower, ``celery control``, anybody with
the password. Shutting a worker down, taking its queues away or growing its pool is done by whoever
started it, with a signal or its command line; so a worker does not even know these commands.
"""

from typing import Any, Final

from celery.worker.control import Panel

HARMLESS: Final = frozenset({"enable_events", "heartbeat"})
"""The commands, other than questions, that Flower sends by itself."""


def obey_nothing(**_: Any) -> None:
    """Forget every command that would change a worker. For Celery's ``worker_init``."""
    unwanted = [
        Panel.data[name]
        for name, about in Panel.meta.items()
        if about.type == "control" and name not in HARMLESS and name in Panel.data
    ]
    for name, command in list(Panel.data.items()):  # under each of its names
        if command in unwanted:
            del Panel.data[name]
