"""Reading a create call, and the order that comes of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from worker.sandbox.remote import Json
from worker.sandbox.remotes.threekit.magic import BY_ID, NEW, NORMAL, STATUSES, Configuration
from worker.sandbox.stages import reached

MAX_NAME: Final = 255
MAX_BODY: Final = 100_000
"""In bytes (assumed; the page lists 413 without a number)."""

FILTERS: Final = frozenset({"shortId", "orgId", "originOrgId"})
"""What a list can be narrowed to besides a ``platform``."""

_PLATFORM: Final = frozenset({"id", "platform", "storeName"})
_ENTRY: Final = frozenset({"configurationId", "count", "metadata"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a call."""

    status: int
    message: str


@dataclass(slots=True)
class Order:
    """One recorded order. ``said`` is the create call's body, ``cart`` what became of its lines.

    ``forced`` is a status that was set by other hands.
    """

    order_id: str
    short_id: str
    org_id: str
    said: Json = field(repr=False)
    cart: list[Json] = field(repr=False)
    created_at: datetime
    pace: timedelta = field(repr=False)
    forced: str | None = None
    listed_at: datetime = field(init=False)
    """From when on the list shows it."""

    def __post_init__(self) -> None:
        lag = max((one.listed_after for one in self.configurations), default=0)
        self.listed_at = self.created_at + lag * self.pace

    @property
    def platform(self) -> Json:
        """The shop order that it is for."""
        platform: Json = self.said.get("platform") or {}
        return platform

    @property
    def key(self) -> str | None:
        """The caller's own key."""
        return client_key(self.said)

    @property
    def configurations(self) -> list[Configuration]:
        """What ordering its lines does; of the lines that were asked for."""
        return configurations(self.said)

    def status(self, now: datetime) -> str:
        """Its status at a time: that of the last stage reached, of any of its lines."""
        if self.forced is not None:
            return self.forced
        stages = sorted(stage for one in self.configurations for stage in one.stages)
        said = str(self.said.get("status", NEW))
        return reached([(0, said), *stages], now - self.created_at, self.pace)

    def matches(self, query: Mapping[str, str], platform: Json) -> bool:
        """Whether it is asked for; ``platform`` is matched by containment (assumed)."""
        own = self.platform
        if any(own.get(key) != value for key, value in platform.items()):
            return False
        if not query.keys() & FILTERS:
            return True
        said = {
            "shortId": self.short_id,
            "orgId": self.org_id,
            "originOrgId": self.said.get("originOrgId", self.org_id),
        }
        return all(query.get(name, value) == value for name, value in said.items())

    def as_json(self, now: datetime) -> Json:
        """The order, as every operation shows it."""
        return {
            "id": self.order_id,
            "shortId": self.short_id,
            "orgId": self.org_id,
            "originOrgId": self.said.get("originOrgId", self.org_id),
            "customerId": self.said.get("customerId"),
            "name": self.said.get("name"),
            "platform": self.platform,
            "metadata": self.said.get("metadata") or {},
            "items": self.said.get("items") or [],
            "cart": self.cart,
            "derivative": self.said.get("derivative") or {},
            "status": self.status(now),
            "createdAt": _moment(self.created_at),
            "updatedAt": _moment(self.created_at),
        }


def client_key(body: Any) -> str | None:
    """The caller's own key in an order's metadata."""
    texts = body.get("metadata") if isinstance(body, dict) else None
    key = texts.get("clientOrderKey") if isinstance(texts, dict) else None
    return key if isinstance(key, str) else None


def configurations(body: Json) -> list[Configuration]:
    """What the lines of a create call do."""
    return [BY_ID.get(entry["configurationId"], NORMAL) for entry in cart_of(body)]


def cart_of(body: Json) -> list[Json]:
    """The lines of a create call. Old ``items`` count where they have the right shape, only."""
    if "cart" in body:
        cart: list[Json] = body["cart"]
        return cart
    items = body.get("items")
    if not isinstance(items, list) or not all(map(_is_item, items)):
        return []
    return [
        {"configurationId": item["id"], "count": item["count"], "metadata": None} for item in items
    ]


def problem_with(body: Any, org_id: str) -> Problem | None:
    """The first thing wrong with a create call.

    That fields nobody documented, and another organisation's id, are refused is assumed.
    """
    if not isinstance(body, dict):
        return Problem(400, "the body must be a JSON object")
    if len(json.dumps(body, default=str).encode()) > MAX_BODY:
        return Problem(413, "the body is too large")
    for name, value in body.items():
        is_good, wanted = _RULES.get(name, (_never, "left out: there is no such field"))
        if not is_good(value):
            return Problem(400, f"{name} must be {wanted}")
    if len(body.get("name") or "") > MAX_NAME:
        return Problem(422, f"name is longer than {MAX_NAME} characters")
    if body.get("orgId", org_id) != org_id:
        return Problem(403, "the token is of another organization")
    return None


def _never(_: Any) -> bool:
    return False


def _anything(_: Any) -> bool:
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str | None)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_platform(value: Any) -> bool:
    return _are_texts(value) and value.keys() <= _PLATFORM


def _is_cart(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_entry, value))


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not entry.keys() <= _ENTRY:
        return False
    wanted, texts = entry.get("configurationId"), entry.get("metadata")
    said = isinstance(wanted, str) and bool(wanted) and _is_count(entry.get("count"))
    return said and (texts is None or _are_texts(texts))


def _is_item(item: Any) -> bool:
    shaped = isinstance(item, dict) and isinstance(item.get("id"), str)
    return shaped and _is_count(item.get("count"))


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 1


_RULES: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "name": (_is_text, "a string"),
    "customerId": (_is_text, "a string"),
    "originOrgId": (_is_text, "a string"),
    "orgId": (_is_text, "a string"),
    "platform": (_is_platform, "an object of the strings id, platform and storeName"),
    "metadata": (_are_texts, "an object of strings"),
    "cart": (_is_cart, "an array of configurationId, count and metadata"),
    "items": (_anything, "anything: it is kept as it is"),
    "derivative": (_is_object, "an object"),
    "status": (STATUSES.__contains__, f"one of {STATUSES}"),
}


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
