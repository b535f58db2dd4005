"""Adobe's prices, and for how long one holds. Pure.

They are without tax, decimals, and an estimate of the moment in Pacific time: none is frozen.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from schemas.money import Money
from worker.providers.reading import amount, identifier, money, objects

PACIFIC: Final = "America/Los_Angeles"

_UNIT_PRICES: Final[Mapping[str, str]] = {
    "partner_price": "partnerPrice",
    "discounted_partner_price": "discountedPartnerPrice",
    "net_partner_price": "netPartnerPrice",
}
"""Of one licence: for the full term, after discounts, and for the rest of the term."""


def line_price(item: Mapping[Any, Any], order_currency: Any) -> Money | None:
    """What a whole line costs, where the answer says it and in which currency."""
    currency = identifier(item.get("currencyCode")) or identifier(order_currency)
    pricing = item.get("pricing")
    if currency is None or not isinstance(pricing, dict):
        return None
    return money(pricing.get("lineItemPartnerPrice"), currency)


def total_price(answer: Mapping[Any, Any]) -> Money | None:
    """What a whole order costs; ``None`` where that is not one amount in one currency."""
    match answer.get("pricingSummary"):
        case [{"totalLineItemPartnerPrice": total, "currencyCode": str(code)}] if code:
            return money(total, code)
        case _:
            return None


def price_details(item: Mapping[Any, Any]) -> dict[str, str]:
    """A line's unit prices and days, as text."""
    pricing = item.get("pricing")
    fields = pricing if isinstance(pricing, dict) else {}
    found = {name: amount(fields.get(theirs)) for name, theirs in _UNIT_PRICES.items()}
    details = {name: f"{value:f}" for name, value in found.items() if value is not None}
    days = item.get("proratedDays")
    return details | ({"prorated_days": str(days)} if type(days) is int else {})


def numbered_details(answer: Mapping[Any, Any]) -> dict[str, str]:
    """The lines of a preview of all renewals, in one line's details: `1.offer_id` and so on."""
    details: dict[str, str] = {}
    currency = answer.get("currencyCode")
    for number, item in enumerate(objects(answer.get("lineItems")), start=1):
        price = line_price(item, currency)
        said = {
            "offer_id": identifier(item.get("offerId")),
            "quantity": identifier(item.get("quantity")),
            "subscription_id": identifier(item.get("subscriptionId")),
            "status": identifier(item.get("status")),
            "price": None if price is None else str(price),
            **price_details(item),
        }
        details |= {f"{number}.{name}": value for name, value in said.items() if value}
    return details


def holds_until(previewed_at: datetime, lives: timedelta) -> datetime:
    """When a previewed price is stale: after ``lives``, and never across midnight Pacific."""
    zone = ZoneInfo(PACIFIC)
    tomorrow = previewed_at.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), tzinfo=zone).astimezone(UTC)
    return min(previewed_at.astimezone(UTC) + lives, midnight)
