"""Reading a basket, and the lines that come of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from worker.sandbox.remotes.hyperteknoloji.magic import (
    BY_ID,
    CANCELLED,
    DELIVERED,
    NORMAL,
    PRODUCTS,
    TAKEN_OUT,
    Product,
)
from worker.sandbox.stages import reached

_HOW_TO: Final = (
    f"CustomerStoreProductID must be a positive integer. In this sandbox 1 to {len(PRODUCTS)} "
    "choose what happens, as GET /_sandbox/magic explains; any other is delivered at once."
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of a basket, understood."""

    deliver_id: str | None
    product_id: int
    quantity: int

    @property
    def product(self) -> Product:
        """What ordering it does."""
        return BY_ID.get(self.product_id, NORMAL)


@dataclass(slots=True)
class Line:
    """One ordered line. ``pace`` is the time between its stages; called off, it ends early.

    ``forced`` and ``repriced`` are a status and a price of one that were set by other hands.
    """

    wanted: Wanted
    order_id: int
    detail_id: int
    region: str
    created_at: datetime
    pace: timedelta = field(repr=False)
    cancelled_at: datetime | None = None
    forced: int | None = None
    repriced: Decimal | None = None

    @property
    def price(self) -> Decimal:
        """``Price``, which is taken to be that of one (undocumented)."""
        return self.wanted.product.price if self.repriced is None else self.repriced

    @property
    def total(self) -> Decimal:
        """What it costs."""
        return self.price * self.wanted.quantity

    def status(self, now: datetime) -> int:
        """Its status at a time: that of the last stage reached, unless it was called off."""
        if self.forced is not None:
            return self.forced
        if self.cancelled_at is not None and now >= self.cancelled_at:
            return CANCELLED
        return reached(self.wanted.product.stages, now - self.created_at, self.pace)

    def call_off(self, now: datetime) -> None:
        """Take the wish that it be called off, and do as its product does then."""
        if (paces := self.wanted.product.cancelled_after) is not None:
            self.cancelled_at = self.cancelled_at or now + paces * self.pace

    def listed(self, now: datetime) -> bool:
        """Whether the order list shows it yet."""
        return now >= self.created_at + self.wanted.product.listed_after * self.pace

    def delivery(self, status: int) -> dict[str, Any]:
        """The delivery fields of a callback and of the detail, at a status."""
        data = None
        if status == DELIVERED:
            count = max(self.wanted.quantity - self.wanted.product.missing, 0)
            data = [f"SANDBOX-{self.detail_id}-{number:03d}" for number in range(1, count + 1)]
        return {
            "DeliverID": self.wanted.deliver_id,
            "OrderDetailID": self.detail_id,
            "Status": status,
            "DeliveryData": data,
            "DeliveryNote": _note(status),
        }


def _note(status: int) -> str | list[str] | None:
    """The three forms a note is documented in: nothing, an array, a string."""
    if status == TAKEN_OUT:
        return ["Taken out of processing", "The supplier is asked"]
    return "Cancelled by the supplier" if status == 0 else None


def folded(body: Any) -> dict[str, Any]:
    """An object by lower-case keys: live tenants accept any casing. Empty for anything else."""
    return {key.lower(): value for key, value in body.items()} if isinstance(body, dict) else {}


def read_basket(body: Any) -> list[Wanted] | str:
    """The lines of a create call, or what is wrong with it."""
    basket = folded(body).get("basketdata")
    if not isinstance(basket, list) or not basket:
        return "basketData must be a non-empty array"
    lines = []
    for entry in basket:
        line = read_line(folded(entry))
        if isinstance(line, str):
            return line
        lines.append(line)
    return lines


def read_line(entry: dict[str, Any]) -> Wanted | str:
    """One line by lower-case keys, or what is wrong with it. DeliverID may be left out."""
    deliver_id = entry.get("deliverid")
    product_id = entry.get("customerstoreproductid")
    quantity = entry.get("quantity")
    if deliver_id is not None and not isinstance(deliver_id, str):
        return "DeliverID must be a string"
    if type(product_id) is not int or product_id < 1:
        return _HOW_TO
    if type(quantity) is not int or quantity < 1:
        return "Quantity must be an integer of at least 1"
    required = entry.get("requiredata") or []
    if not isinstance(required, list) or not all(_is_required(folded(item)) for item in required):
        return "RequireData must be an array of ProductRequireID (integer) and Value (string)"
    return Wanted(deliver_id, product_id, quantity)


def _is_required(item: dict[str, Any]) -> bool:
    return type(item.get("productrequireid")) is int and isinstance(item.get("value"), str)
