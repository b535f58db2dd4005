"""An order as it is sent: what it must hold, and nothing else, or the first thing wrong with it.

As strict as the page and stricter than the real server may be: a GTIN with a wrong check digit,
which the page's own sample has, is refused here, and so is a field that the page does not name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

MAX_TEXT: Final = 250
MAX_URL: Final = 2000
REMINDER_AFTER: Final = timedelta(hours=24)
SATURDAY: Final = 5

_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")
_CLOCK_UNITS: Final = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}
_UNITS: Final = frozenset({*_CLOCK_UNITS, "weekdays"})


class Wrong(Exception):
    """An order breaks a rule. Its text is what the caller is told; it repeats no value."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as asked for. ``products`` are their ids; who bought is checked and forgotten.

    ``send_at`` is ``None`` where nobody is invited, ``remind_at`` where nobody is reminded.
    """

    external_id: str
    filtercode: str | None
    products: tuple[str, ...] = ()
    send_at: datetime | None = field(default=None)
    remind_at: datetime | None = field(default=None)


def read_order(body: Any, now: datetime) -> Asked:
    """An order that keeps every rule. Raises ``Wrong``."""
    fields = _object(body, "order", {"external_id", "customer"}, _ORDER)
    _each(fields, "", external_id=_text, filtercode=_text)
    customer = _object(fields["customer"], "customer", {"email"}, {"email", "fullname"})
    _each(customer, "customer.", email=_email, fullname=_text)
    products = fields.get("products", [])
    if not isinstance(products, list) or products == []:
        if "products" in fields:
            raise Wrong("products must be an array that is not empty")
        products = []
    ids = tuple(_product(one, f"products.{place}") for place, one in enumerate(products))
    send_at, remind_at = _invitation(fields, now)
    return Asked(fields["external_id"], fields.get("filtercode"), ids, send_at, remind_at)


def is_gtin_13(value: str) -> bool:
    """Thirteen digits, the last of which is right."""
    if not re.fullmatch(r"[0-9]{13}", value):
        return False
    odd, even = value[0:12:2], value[1:12:2]
    total = sum(map(int, odd)) + 3 * sum(map(int, even))
    return (10 - total % 10) % 10 == int(value[12])


def moment(start: datetime, unit: str, amount: int) -> datetime:
    """When a wait is over. Weekdays are stepped one by one (assumed)."""
    if unit in _CLOCK_UNITS:
        return start + amount * _CLOCK_UNITS[unit]
    at = start
    while amount:
        at += timedelta(days=1)
        amount -= at.weekday() < SATURDAY
    return at


_ORDER: Final = {"external_id", "customer", "invitation", "products", "filtercode"}
_PRODUCT: Final = {"external_id", "name", "url", "sku", "gtin", "image_url"}
_LONGEST: Final = 1_000_000
"""No limit is documented; beyond this the real server may do anything."""


def _invitation(order: Mapping[str, Any], now: datetime) -> tuple[datetime | None, datetime | None]:
    if "invitation" not in order:
        return None, None
    asked = _object(order["invitation"], "invitation", {"delay"}, {"delay", "reminder"})
    send_at = _wait(asked["delay"], "invitation.delay", now)
    if "reminder" not in asked:
        return send_at, None
    remind_at = _wait(asked["reminder"], "invitation.reminder", now)
    if remind_at - send_at < REMINDER_AFTER:
        raise Wrong("invitation.reminder must be at least 24 hours after the delay")
    return send_at, remind_at


def _wait(value: Any, name: str, now: datetime) -> datetime:
    wait = _object(value, name, {"unit", "amount"}, {"unit", "amount"})
    unit, amount = wait["unit"], wait["amount"]
    if unit not in _UNITS:
        raise Wrong(f"{name}.unit must be one of {', '.join(sorted(_UNITS))}")
    if type(amount) is not int or not 0 <= amount <= _LONGEST:
        raise Wrong(f"{name}.amount must be an integer of 0 or more")
    return moment(now, unit, amount)


def _product(value: Any, name: str) -> str:
    product = _object(value, name, {"external_id", "name", "url"}, _PRODUCT)
    _each(product, f"{name}.", external_id=_text, name=_text, url=_url, sku=_text)
    _each(product, f"{name}.", gtin=_gtin, image_url=_url)
    return str(product["external_id"])


def _object(value: Any, name: str, required: set[str], known: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Wrong(f"{name} must be an object")
    if missing := sorted(required - value.keys()):
        raise Wrong(f"{name}: {missing[0]} is required")
    if value.keys() - known:
        raise Wrong(f"{name} has a field that is not known; it may have {', '.join(sorted(known))}")
    return value


def _each(fields: Mapping[str, Any], prefix: str, **rules: Callable[[str], str | None]) -> None:
    """Check the fields that are there: every one of them is text."""
    for name, rule in rules.items():
        if name not in fields:
            continue
        value = fields[name]
        if not isinstance(value, str) or not value.strip():
            raise Wrong(f"{prefix}{name} must be text that is not empty")
        if problem := rule(value):
            raise Wrong(f"{prefix}{name} {problem}")


def _text(value: str) -> str | None:
    return None if len(value) <= MAX_TEXT else f"must have at most {MAX_TEXT} characters"


def _email(value: str) -> str | None:
    valid = _EMAIL.fullmatch(value)
    return _text(value) if valid else "must be a valid e-mail address"


def _url(value: str) -> str | None:
    if len(value) > MAX_URL:
        return f"must have at most {MAX_URL} characters"
    parts = urlsplit(value)
    valid = parts.scheme in {"http", "https"} and parts.hostname
    return None if valid else "must be a valid URL"


def _gtin(value: str) -> str | None:
    return None if is_gtin_13(value) else "must be a valid GTIN-13"
