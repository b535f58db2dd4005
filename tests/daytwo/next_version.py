"""A worker of the next version: its bells look different. Run as a Celery app beside this one's.

What it adds: a field, and options that nobody here knows. What it leaves out: the ids, every other
time.
"""

from itertools import count
from typing import Any

from tasks.app import app
from tasks.publisher import Publisher

__all__ = ["app"]

_number = count()
_ring = Publisher._send


def _send(
    self: Publisher, queue: str | None, task: str, args: list[Any], options: dict[str, Any]
) -> None:
    """Ring a bell as the next version does."""
    told = args[:-1] if next(_number) % 2 else [*args, {"priority": "high"}]
    _ring(self, queue, task, told, {**options, "trace": "00-4bf92f35", "since": 3})


Publisher._send = _send  # type: ignore[method-assign]  # that is what this module is for
