"""Gifthub's books, changed by other hands."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from worker.sandbox.remotes.gifthub.magic import EXPIRED, PENDING
from worker.sandbox.remotes.gifthub.order import BASE_CURRENCY, Asked, Order, Wanted
from worker.sandbox.tampering import Tampering

STRANGERS_REFERENCE: Final = "a stranger's"
"""Of an order that bears none of ours: one without any cannot be."""
STRANGERS_CARD: Final = Wanted("038-00-range", "range", Decimal(10), 1)


class Tampered(Tampering[Order]):
    """There is no list, so an order is on no shelf but its own; what is added was bought."""

    def __init__(self, orders: dict[str, Order], make: Callable[[datetime, Asked], Order]) -> None:
        self._orders = orders
        self._make = make

    def held(self) -> Sequence[Order]:
        """Every order."""
        return [*self._orders.values()]

    def order_id(self, one: Order) -> str:
        """Its ``orderId``."""
        return one.order_id

    def ref(self, one: Order) -> str | None:
        """Its ``reference``."""
        return one.asked.reference

    def remove(self, found: Sequence[Order]) -> None:
        """Forget orders; their money comes back."""
        for order in found:
            del self._orders[order.order_id]

    def set_status(self, one: Order, status: str, now: datetime) -> None:
        """Any word, documented or not; what is beyond pending was bought."""
        one.forced = status
        if status not in {PENDING, EXPIRED} and one.confirmed_at is None:
            one.confirmed_at = now

    def set_price(self, one: Order, price: Decimal) -> None:
        """That of one card, in the wallet's currency."""
        one.repriced = price

    def copy(self, found: Sequence[Order], now: datetime) -> Sequence[Order]:
        """The same order once more, bought where it was bought."""
        copies = []
        for order in found:
            twin = self._new(order.asked, now, bought=order.confirmed_at is not None)
            twin.forced, twin.repriced = order.forced, order.repriced
            copies.append(twin)
        return copies

    def add(self, ref: str | None, shelf: str | None, now: datetime) -> Order:
        """One card."""
        if shelf:
            raise ValueError("a shelf here is one order, and its id is the remote's to give")
        reference = STRANGERS_REFERENCE if ref is None else ref
        asked = Asked([STRANGERS_CARD], BASE_CURRENCY, reference, None)
        return self._new(asked, now, bought=True)

    def _new(self, asked: Asked, now: datetime, *, bought: bool) -> Order:
        order = self._make(now, asked)
        order.confirmed_at = now if bought else None
        self._orders[order.order_id] = order
        return order
