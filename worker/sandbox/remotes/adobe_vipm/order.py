"""An order at the simulated marketplace: its statuses, its prices, and how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from worker.sandbox.remote import Json
from worker.sandbox.remotes.adobe_vipm.asked import Asked, Item
from worker.sandbox.remotes.adobe_vipm.magic import (
    COMPLETE,
    LOST,
    RETURNED,
    Stages,
)
from worker.sandbox.stages import reached

DEFAULT_CURRENCY: Final = "USD"
PRORATED_DAYS: Final = 365
"""Every order here is for a whole term, so that nothing is prorated."""
FLEX_FACTOR: Final = Decimal("0.9")


@dataclass(slots=True)
class Line:
    """One line of an order. ``given_back`` are the lines of RETURN orders that name it.

    ``forced`` is a status that was set by other hands.
    """

    item: Item
    subscription_id: str
    stages: Stages
    given_back: list[tuple["Line", datetime]] = field(default_factory=list)
    forced: str | None = None

    def status(self, age: timedelta, pace: timedelta) -> str:
        """That of the last stage reached."""
        return self.forced or reached(self.stages, age, pace)


@dataclass(slots=True)
class Order:
    """One order. ``pace`` is the time between the stages of its lines."""

    order_id: str
    customer_id: str
    asked: Asked
    created_at: datetime
    lines: Sequence[Line]
    pace: timedelta = field(repr=False)
    listed_at: datetime = field(init=False)
    """From when on the list shows it."""

    def __post_init__(self) -> None:
        lag = max(line.item.offer.listed_after for line in self.lines)
        self.listed_at = self.created_at + lag * self.pace

    @property
    def currency(self) -> str:
        """The order's, or that of its first line."""
        return self.asked.currency or self.lines[0].item.currency or DEFAULT_CURRENCY

    def line_status(self, line: Line, now: datetime) -> str:
        """A line's own status: complete lines that are wholly given back are 1008."""
        status = line.status(now - self.created_at, self.pace)
        whole = line.forced is None and status == COMPLETE and self.remaining(line, now) == 0
        return RETURNED if whole else status

    def remaining(self, line: Line, now: datetime) -> int:
        """How many licences of a line were not given back."""
        back = (
            one.item.quantity
            for one, at in line.given_back
            if one.status(now - at, self.pace) == COMPLETE
        )
        return line.item.quantity - sum(back)

    def status(self, now: datetime) -> str:
        """The whole order's: open while a line is, lost only where every line is."""
        statuses = [self.line_status(line, now) for line in self.lines]
        open_ones = [one for one in statuses if one != COMPLETE and one not in LOST]
        if open_ones:
            return open_ones[0]
        if COMPLETE in statuses:
            return COMPLETE
        return RETURNED if RETURNED in statuses else statuses[0]

    def shown(self, now: datetime, *, prices: bool = False) -> Json:
        """The order resource. Prices are there once it is complete, in one currency only."""
        status = self.status(now)
        resource: Json = {
            "referenceOrderId": self.asked.returns,
            "externalReferenceId": self.asked.reference,
            "orderId": self.order_id,
            "customerId": self.customer_id,
            "currencyCode": self.asked.currency or "",
            "orderType": self.asked.order_type,
            "creationDate": self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "status": status,
            "source": "API",
            "lineItems": [self._line_shown(line, now) for line in self.lines],
            "links": {"self": {"uri": self.uri, "method": "GET", "headers": []}},
        }
        if prices and status == COMPLETE and len(currencies(self.asked)) == 1:
            add_prices(resource, [line.item for line in self.lines])
        return resource

    @property
    def uri(self) -> str:
        """Where it is got."""
        return f"/v3/customers/{self.customer_id}/orders/{self.order_id}"

    def _line_shown(self, line: Line, now: datetime) -> Json:
        status = self.line_status(line, now)
        shown = item_shown(line.item) | {
            "subscriptionId": line.subscription_id if status in {COMPLETE, RETURNED} else "",
            "status": status,
        }
        if self.asked.order_type != "RETURN":
            shown["remainingQuantity"] = self.remaining(line, now)
        return shown


def item_shown(item: Item) -> Json:
    """A line as it was asked for."""
    shown: Json = {
        "extLineItemNumber": item.number,
        "offerId": item.offer_id,
        "quantity": item.quantity,
        "subscriptionId": item.subscription_id,
        "status": "",
    }
    if item.currency is not None:
        shown["currencyCode"] = item.currency
    if item.deployment_id is not None:
        shown["deploymentId"] = item.deployment_id
    if item.flex_codes:
        code = item.flex_codes[0]
        shown["flexDiscounts"] = [{"id": "flex-1", "code": code, "result": "SUCCESS"}]
    return shown


def currencies(asked: Asked) -> set[str]:
    """The currencies of a call; none named is the default."""
    named = {asked.currency, *(item.currency for item in asked.items)} - {None}
    return {one for one in named if one is not None} or {DEFAULT_CURRENCY}


def line_price(item: Item) -> Decimal:
    """What a line costs for its term, without tax."""
    return _discounted(item) * item.quantity


def add_prices(resource: Json, items: Sequence[Item]) -> None:
    """Put the prices of ``items`` into a resource with the same lines."""
    for shown, item in zip(resource["lineItems"], items, strict=True):
        discounted = _discounted(item)
        shown["proratedDays"] = PRORATED_DAYS
        shown["pricing"] = {
            "partnerPrice": item.offer.price,
            "discountedPartnerPrice": discounted,
            "netPartnerPrice": discounted,
            "lineItemPartnerPrice": line_price(item),
        }
    currency = resource["currencyCode"] or items[0].currency or DEFAULT_CURRENCY
    total = sum(map(line_price, items), Decimal(0))
    resource["pricingSummary"] = [{"totalLineItemPartnerPrice": total, "currencyCode": currency}]


def _discounted(item: Item) -> Decimal:
    if item.repriced is not None:
        return item.repriced
    return item.offer.price * (FLEX_FACTOR if item.flex_codes else 1)
