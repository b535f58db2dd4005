"""Books that change behind the callers' backs: what a provider's own hands, or its losses, do.

A change names what it is about by the remote's id of an order, or by the caller's reference: then
it is about everything that bears it. What is changed stays so, and time moves it no more.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Generic, TypeVar


class Change(StrEnum):
    """What is done to the books."""

    REMOVE = "remove"
    """The order is gone: from the list, and where it is asked for by its id."""
    STATUS = "status"
    """Its status is ``to``, in the remote's own word or number, and stays that."""
    PRICE = "price"
    """One of whatever it holds costs ``to``."""
    COPY = "copy"
    """There is one more like it, just ordered, with the same reference."""
    ADD = "add"
    """There is an order that nobody asked for here, on ``shelf``, bearing ``ref`` or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One change, as it is asked for."""

    change: Change
    order_id: str | None = None
    ref: str | None = None
    to: str | None = None
    shelf: str | None = None


Held = TypeVar("Held")


class Tampering(ABC, Generic[Held]):
    """One remote's books, open to anybody. What a change is about is a line or an order there."""

    @abstractmethod
    def held(self) -> Sequence[Held]:
        """Everything in the books, oldest first."""

    @abstractmethod
    def order_id(self, one: Held) -> str:
        """The remote's id of the order."""

    @abstractmethod
    def ref(self, one: Held) -> str | None:
        """The caller's reference, where it bears one."""

    @abstractmethod
    def remove(self, found: Sequence[Held]) -> None:
        """Forget them."""

    @abstractmethod
    def set_status(self, one: Held, status: str, now: datetime) -> None:
        """Have it stand there from now on. Raises ``ValueError`` for what can be no status."""

    @abstractmethod
    def set_price(self, one: Held, price: Decimal) -> None:
        """Have one of it cost so much. Raises ``ValueError`` where nothing has a price."""

    @abstractmethod
    def copy(self, found: Sequence[Held], now: datetime) -> Sequence[Held]:
        """Order them once more, with the same reference."""

    @abstractmethod
    def add(self, ref: str | None, shelf: str | None, now: datetime) -> Held:
        """Order something as a stranger. Raises ``ValueError`` for a shelf that cannot be."""

    def apply(self, wish: Wish, now: datetime) -> list[str]:
        """Change the books. The ids of the orders that were changed or made, oldest first.

        Raises ``ValueError`` for what cannot be done, having done nothing.
        """
        if wish.change is Change.ADD:
            if wish.order_id is not None:
                raise ValueError("the id of a new order is the remote's to give")
            return self._ids([self.add(wish.ref, wish.shelf, now)])
        found = self._named(wish)
        match wish.change:
            case Change.REMOVE:
                self.remove(found)
            case Change.STATUS:
                for one in found:
                    self.set_status(one, _needed(wish), now)
            case Change.PRICE:
                for one in found:
                    self.set_price(one, _price(_needed(wish)))
            case Change.COPY:
                found = self.copy(found, now)
        return self._ids(found)

    def _named(self, wish: Wish) -> Sequence[Held]:
        if (wish.order_id is None) is (wish.ref is None):
            raise ValueError("what is changed is named by order_id or by ref")
        found = [
            one
            for one in self.held()
            if wish.order_id in {None, self.order_id(one)} and wish.ref in {None, self.ref(one)}
        ]
        if not found:
            raise ValueError(f"there is no order {wish.order_id or wish.ref!r}")
        return found

    def _ids(self, found: Sequence[Held]) -> list[str]:
        return list(dict.fromkeys(map(self.order_id, found)))


def _needed(wish: Wish) -> str:
    if wish.to is None:
        raise ValueError(f"{wish.change} needs to know to what (to)")
    return wish.to


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no price") from None
    if not price.is_finite() or price < 0:
        raise ValueError(f"{text!r} is no price")
    return price
