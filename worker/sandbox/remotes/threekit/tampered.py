"""An organisation's books, changed by other hands."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from worker.sandbox.remote import Json
from worker.sandbox.remotes.threekit.ledger import ORG_ID, Ledger
from worker.sandbox.remotes.threekit.order import Order, problem_with
from worker.sandbox.tampering import Tampering

STRANGERS_PLATFORM: Final = {"id": "10077", "platform": "ourshop", "storeName": "main"}
STRANGERS_CONFIGURATION: Final = "6c0b1f7e-4d0e-4c53-9b0e-0c3f7b1f5a10"


class Tampered(Tampering[Order]):
    """A shelf is a ``platform``, as JSON."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def held(self) -> Sequence[Order]:
        """Every order."""
        return [*self._ledger.all()]

    def order_id(self, one: Order) -> str:
        """Its ``id``."""
        return one.order_id

    def ref(self, one: Order) -> str | None:
        """Its ``metadata.clientOrderKey``."""
        return one.key

    def remove(self, found: Sequence[Order]) -> None:
        """Forget orders."""
        for order in found:
            self._ledger.remove(order)

    def set_status(self, one: Order, status: str, now: datetime) -> None:
        """Any word, documented or not."""
        del now
        one.forced = status

    def set_price(self, one: Order, price: Decimal) -> None:
        """There is none."""
        del one, price
        raise ValueError("nothing has a price here")

    def copy(self, found: Sequence[Order], now: datetime) -> Sequence[Order]:
        """The same order once more."""
        copies = []
        for order in found:
            twin = self._ledger.record(order.said, order.cart, now)
            twin.forced = order.forced
            copies.append(twin)
        return copies

    def add(self, ref: str | None, shelf: str | None, now: datetime) -> Order:
        """One configuration for a shop order."""
        platform: Any = STRANGERS_PLATFORM if shelf is None else json.loads(shelf)
        cart: list[Json] = [
            {"configurationId": STRANGERS_CONFIGURATION, "count": 1, "metadata": None}
        ]
        texts = {} if ref is None else {"clientOrderKey": ref}
        said: Json = {"platform": platform, "metadata": texts, "status": "New", "cart": cart}
        if problem := problem_with(said, ORG_ID):
            raise ValueError(problem.message)
        return self._ledger.record(said, cart, now)
