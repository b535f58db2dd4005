"""Those that are measured. Each is imported when it is wanted: not all need be installed."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final

from tests.bench.systems.base import System

_HERE: Final[Mapping[str, tuple[str, str]]] = {
    "orderline-1": ("orderline", "OrderlineOne"),
    "orderline-2": ("orderline", "OrderlineTwo"),
    "orderline-2-wide": ("orderline", "OrderlineTwoWide"),
    "celery-prefork-2": ("celery_plain", "Prefork2"),
    "celery-prefork-16": ("celery_plain", "Prefork16"),
    "celery-threads-64": ("celery_plain", "Threads64"),
    "celery-gevent-500": ("celery_plain", "Gevent500"),
    "celery-lean": ("celery_lean", "GeventLean"),
    "taskiq-1": ("taskiq_lean", "TaskiqOne"),
    "taskiq-2": ("taskiq_lean", "TaskiqTwo"),
    "dbos-2": ("dbos_transact", "Dbos"),
    "ceiling": ("ceiling", "Ceiling"),
}

NAMES: Final[Sequence[str]] = tuple(_HERE)
QUICK: Final[Sequence[str]] = ("orderline-2", "celery-prefork-16", "taskiq-2", "ceiling")

IDIOMATIC: Final = (
    "celery-prefork-2",
    "celery-prefork-16",
    "celery-threads-64",
    "celery-gevent-500",
)


def system_class(name: str) -> type[System]:
    """The class of a system, by its name."""
    module, kind = _HERE[name]
    found: type[System] = getattr(import_module(f"tests.bench.systems.{module}"), kind)
    return found
