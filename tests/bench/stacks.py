"""Sampled stacks, summed up by what an order was at and by whose code ran. Pure.

A stack is as py-spy writes it raw: frames from the root on, ``name (file:line)``, a semicolon
between them, and how often it was seen. SQLAlchemy works in greenlets, whose stacks do not reach
down to the step that asked; those stand for themselves.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

LAYERS: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("deliver", ("worker/steps/deliver", "worker/store/deliveries", "worker/delivery/")),
    ("collect", ("worker/steps/collect", "worker/store/notifications")),
    ("intake", ("tasks/intake", "tasks/reader", "worker/steps/accept", "worker/store/intake")),
    ("claim", ("worker/store/claim", "worker/store/claimed")),
    ("attempt", ("worker/store/attempts",)),
    ("call", ("worker/steps/answer", "worker/providers/", "worker/http/")),
    ("settle", ("worker/store/orders", "worker/steps/settle")),
    ("decide", ("worker/decisions/", "worker/steps/")),
    ("bells", ("tasks/", "celery/", "kombu/")),
    ("pulse, sweep, clocks", ("worker/pulse", "worker/steps/sweep", "worker/steps/clocks")),
    ("SQLAlchemy, of any step", ("sqlalchemy/",)),
)
"""The first that one of a stack's frames is of. ``tasks/engine`` is at every root, so not told."""

_ROOT: Final = ("tasks/engine",)
_LIBRARIES: Final = (
    *("sqlalchemy", "psycopg", "aiohttp", "httpx", "pydantic", "redis", "kombu", "celery"),
    *("uvloop", "asyncio", "structlog", "cryptography", "json", "re", "threading", "concurrent"),
)
_OURS: Final = ("worker/", "tasks/", "schemas/")
_PLACE: Final = re.compile(r"\(([^)]*?)(?::\d+)?\)$")
OTHER: Final = "the loop, and the rest"
IDLE: Final = ("epoll.poll (", "_worker (concurrent/", "Condition.wait (", "_epoll.poll (")
"""Leaves that only wait; a sampler that does not stop the process may see them run."""


def parsed(raw: Iterable[str]) -> list[tuple[list[str], int]]:
    """Stacks with how often each was seen, without those that only waited."""
    found = []
    for line in raw:
        stack, _, seen = line.rpartition(" ")
        frames = stack.split(";")
        if not frames[-1].startswith(IDLE):
            found.append((frames, int(seen)))
    return found


def by_layer(stacks: Iterable[tuple[Sequence[str], int]]) -> Counter[str]:
    """Samples by what an order was at."""
    counted: Counter[str] = Counter()
    for frames, seen in stacks:
        counted[_layer(frames)] += seen
    return counted


def by_library(stacks: Iterable[tuple[Sequence[str], int]]) -> Counter[str]:
    """Samples by whose code ran: our rooms by name, and the libraries."""
    counted: Counter[str] = Counter()
    for frames, seen in stacks:
        counted[_library(frames)] += seen
    return counted


def _layer(frames: Sequence[str]) -> str:
    places = [_place(frame) for frame in frames]
    told = [place for place in places if not place.startswith(_ROOT)]
    for layer, beginnings in LAYERS:
        if any(place.startswith(tuple(beginnings)) for place in told):
            return layer
    return OTHER


def _library(frames: Sequence[str]) -> str:
    """Of the innermost frame that is of a known one: the standard library works for somebody."""
    for frame in reversed(frames):
        place = _place(frame)
        if place.startswith(_OURS):
            return "ours: " + "/".join(place.split("/")[:2]).removesuffix(".py")
        if (name := re.split(r"[/.]", place, maxsplit=1)[0]) in _LIBRARIES:
            return name
    return OTHER


def _place(frame: str) -> str:
    found = _PLACE.search(frame)
    return found[1] if found else frame
