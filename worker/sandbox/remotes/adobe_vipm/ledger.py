"""The orders that the marketplace holds, by their ids and by their customers."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Final

from worker.sandbox.remotes.adobe_vipm.asked import Asked, Item
from worker.sandbox.remotes.adobe_vipm.magic import COMPLETE
from worker.sandbox.remotes.adobe_vipm.order import Line, Order

FIRST_ID: Final = 5_120_008_001


class Ledger:
    """Every order, oldest first. ``pace`` is the time between the stages of their lines."""

    def __init__(self, pace: timedelta, seed: int) -> None:
        self._pace = pace
        self._random = Random(seed)  # noqa: S311 -- repeatable ids on purpose
        self._orders: dict[str, Order] = {}
        self._by_customer: defaultdict[str, dict[str, Order]] = defaultdict(dict)
        self._next_id = FIRST_ID

    def all(self) -> Iterable[Order]:
        """Everything."""
        return self._orders.values()

    def of(self, customer: str) -> Iterable[Order]:
        """Everything of one customer."""
        return self._by_customer[customer].values() if customer in self._by_customer else ()

    def get(self, order_id: str) -> Order | None:
        """An order by its id."""
        return self._orders.get(order_id)

    def record(self, now: datetime, asked: Asked, customer: str, of: Order | None) -> Order:
        """Make an order; a RETURN is noted with the lines that it gives back."""
        lines = []
        for item in asked.items:
            if of is None:
                subscription = item.subscription_id or f"{self._random.getrandbits(120):030x}NA"
                lines.append(Line(item, subscription, item.offer.stages))
            else:
                (original,) = [one for one in of.lines if one.item.number == item.number]
                lines.append(Line(item, original.subscription_id, item.offer.returned))
                original.given_back.append((lines[-1], now))
        order_id = f"{self._next_id:010d}"
        self._next_id += 1
        order = Order(order_id, customer, asked, now, tuple(lines), self._pace)
        self._orders[order_id] = self._by_customer[customer][order_id] = order
        return order

    def remove(self, order: Order) -> None:
        """Forget an order, and of a RETURN also that anything was given back by it."""
        del self._orders[order.order_id]
        del self._by_customer[order.customer_id][order.order_id]
        if (original := self._orders.get(order.asked.returns)) is not None:
            for line in original.lines:
                line.given_back = [
                    (one, at)
                    for one, at in line.given_back
                    if all(one is not o for o in order.lines)
                ]

    def renewing(self, customer: str, now: datetime) -> tuple[Item, ...]:
        """Every subscription of a customer; all of them renew by themselves here."""
        lines = [
            line
            for order in self.of(customer)
            if order.asked.order_type != "RETURN"
            for line in order.lines
            if order.line_status(line, now) == COMPLETE
        ]
        return tuple(
            Item(number, line.item.offer_id, line.item.quantity, line.subscription_id)
            for number, line in enumerate(lines, start=1)
        )
