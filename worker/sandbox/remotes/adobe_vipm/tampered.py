"""The marketplace's books, changed by other hands: order by order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from worker.sandbox.remotes.adobe_vipm.asked import Asked, Item
from worker.sandbox.remotes.adobe_vipm.ledger import Ledger
from worker.sandbox.remotes.adobe_vipm.order import DEFAULT_CURRENCY, Order
from worker.sandbox.tampering import Tampering

STRANGERS_CUSTOMER: Final = "9876543210"
STRANGERS_OFFER: Final = "80004567EA01A12"


class Tampered(Tampering[Order]):
    """A shelf is a customer's id. A RETURN bears a reference as well as the order it gives back."""

    def __init__(self, ledger: Ledger, exists: Callable[[str], bool]) -> None:
        self._ledger = ledger
        self._exists = exists

    def held(self) -> Sequence[Order]:
        """Every order."""
        return [*self._ledger.all()]

    def order_id(self, one: Order) -> str:
        """Its ``orderId``."""
        return one.order_id

    def ref(self, one: Order) -> str | None:
        """Its ``externalReferenceId``."""
        return one.asked.reference or None

    def remove(self, found: Sequence[Order]) -> None:
        """Forget orders."""
        for order in found:
            self._ledger.remove(order)

    def set_status(self, one: Order, status: str, now: datetime) -> None:
        """That of all its lines, and so its own."""
        del now
        for line in one.lines:
            line.forced = status

    def set_price(self, one: Order, price: Decimal) -> None:
        """That of one licence, in every line."""
        for line in one.lines:
            line.item = replace(line.item, repriced=price)

    def copy(self, found: Sequence[Order], now: datetime) -> Sequence[Order]:
        """The same order once more; a copied RETURN gives nothing back again."""
        copies = []
        for order in found:
            items = tuple(line.item for line in order.lines)
            asked = replace(order.asked, items=items)
            twin = self._ledger.record(now, asked, order.customer_id, None)
            for line, its in zip(order.lines, twin.lines, strict=True):
                its.forced = line.forced
            copies.append(twin)
        return copies

    def add(self, ref: str | None, shelf: str | None, now: datetime) -> Order:
        """One licence for a customer."""
        customer = shelf or STRANGERS_CUSTOMER
        if not self._exists(customer):
            raise ValueError(f"there is no customer {customer!r}")
        items = (Item(1, STRANGERS_OFFER, 1),)
        asked = Asked("NEW", ref or "", DEFAULT_CURRENCY, "", items)
        return self._ledger.record(now, asked, customer, None)
