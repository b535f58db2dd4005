"""Templates, and how values stand in them. Whatever stands in one is text, never markup."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pydantic_core
from jinja2 import Environment, PackageLoader, StrictUndefined

from schemas.notifications import Price
from schemas.orders import distance, span, stamp
from worker.console.wording import worded

NOTHING: Final = "\N{EN DASH}"
_STATIC: Final = Path(__file__).parent / "static"

NEWS: Final[Mapping[str, str]] = {
    "called-off": "Asked for. A worker answers in a moment.",
    "resolved": "Recorded. The order goes on by itself.",
    "surplus": "Recorded. That surplus order is dealt with.",
    "paused": "The account is paused. What is under way ends as it does.",
    "resumed": "The account takes orders again, unless its breaker is still open.",
    "not-paused": "There was nothing to resume.",
    "retried": "Taken in again. What became of it stands here.",
    "still-faulty": "Tried, and it is still faulty: see below.",
    "dropped": "Closed. Its producer is told.",
    "replayed": "Due now: a worker delivers within a second.",
    "enabled": "The endpoint is enabled; what waits goes out at once, in order.",
    "disabled": "The endpoint is disabled; what it is owed waits.",
    "unchanged": "It was so already: nothing was changed.",
    "closed": "The difference is closed.",
}
"""What was done, by the word that a page is asked for with. Any other word says nothing."""

_TONES: Final[Mapping[str, str]] = {
    "in_doubt": "warn",
    "parked": "bad",
    "fulfilled": "good",
    "delivered": "good",
    "acknowledged": "good",
    "confirmed": "good",
    "ok": "good",
    "done": "good",
    "closed": "good",
    "partially_fulfilled": "warn",
    "partially_delivered": "warn",
    "refused": "ended",
    "expired": "ended",
    "cancelled": "ended",
    "failed": "bad",
    "exhausted": "bad",
    "disabled": "bad",
    "open": "bad",
    "paused": "warn",
    "probing": "warn",
    "failing": "warn",
    "resting": "warn",
    "pending": "busy",
    "placed": "busy",
}


def render(template: str, what: Mapping[str, Any]) -> str:
    """A page's text."""
    return _environment().get_template(template).render(**what)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("worker.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "stamp": _stamp,
        "iso": lambda moment: moment.astimezone(UTC).isoformat(),
        "span": lambda length: NOTHING if length is None else span(length),
        "money": _money,
        "pretty": lambda value: pydantic_core.to_json(value, indent=2).decode(),
        "said": worded,
        "tone": lambda state: _TONES.get(state, "plain"),
        "words": lambda state: str(state).replace("_", " "),
        "short": lambda value: str(value)[:18] if isinstance(value, UUID) else str(value),
        "or_nothing": lambda value: NOTHING if value is None or value == "" else value,
    }
    made.globals |= {
        "distance": distance,
        "news": NEWS,
        "css": f"console.css?{_version('console.css')}",
        "js": f"console.js?{_version('console.js')}",
    }
    return made


def _version(name: str) -> str:
    """What a file holds, in a few characters, so that a browser asks anew when it has changed."""
    return sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


def _stamp(moment: datetime | None) -> str:
    return NOTHING if moment is None else stamp(moment)


def _money(price: Price | None) -> str:
    return NOTHING if price is None else f"{price.amount} {price.currency}"
