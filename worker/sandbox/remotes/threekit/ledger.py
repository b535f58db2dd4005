"""The orders that an organisation holds, by their ids and by their shop orders."""

import string
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from worker.sandbox.remote import Json
from worker.sandbox.remotes.threekit.order import Order

ORG_ID: Final = "5a4d0b0e-0000-4000-8000-000000000001"
_SHORT_ID_LETTERS: Final = string.ascii_lowercase + string.digits


class Ledger:
    """Every order, oldest first. ``pace`` is the time between their stages."""

    def __init__(self, pace: timedelta, seed: int) -> None:
        self._pace = pace
        self._random = Random(seed)  # noqa: S311 -- repeatable ids on purpose
        self._orders: dict[str, Order] = {}
        self._by_short_id: dict[str, Order] = {}
        self._by_platform: defaultdict[str, dict[str, Order]] = defaultdict(dict)

    def all(self) -> Iterable[Order]:
        """Everything."""
        return self._orders.values()

    def of_platform(self, wanted: Json) -> Iterable[Order]:
        """All that may match a ``platform``: found by its id, so that asking stays cheap."""
        if "id" not in wanted:
            return self._orders.values()
        return self._by_platform.get(_key(wanted["id"]), {}).values()

    def get(self, order_id: str) -> Order | None:
        """An order by either of its ids."""
        return self._orders.get(order_id) or self._by_short_id.get(order_id)

    def record(self, said: Json, cart: list[Json], created_at: datetime) -> Order:
        """Make an order."""
        order = Order(
            order_id=str(UUID(int=self._random.getrandbits(128), version=4)),
            short_id="".join(self._random.choices(_SHORT_ID_LETTERS, k=6)),
            org_id=ORG_ID,
            said=said,
            cart=cart,
            created_at=created_at,
            pace=self._pace,
        )
        self._orders[order.order_id] = self._by_short_id[order.short_id] = order
        self._by_platform[_key(order.platform.get("id"))][order.order_id] = order
        return order

    def remove(self, order: Order) -> None:
        """Forget an order."""
        del self._orders[order.order_id], self._by_short_id[order.short_id]
        del self._by_platform[_key(order.platform.get("id"))][order.order_id]


def _key(value: Any) -> str:
    """A platform's id as it is told from others: a text is another than a number like it."""
    return repr(value)
