"""A tenant's books, changed by its own hands: line by line, as its statuses are."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from worker.sandbox.remotes.hyperteknoloji.basket import Line, Wanted
from worker.sandbox.remotes.hyperteknoloji.ledger import Ledger
from worker.sandbox.tampering import Tampering

STRANGERS_PRODUCT: Final = 234
REGION: Final = "TR"


class Tampered(Tampering[Line]):
    """By a reference a single line is meant, by an order's id all lines of it. One shelf only."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def held(self) -> Sequence[Line]:
        """Every line."""
        return self._ledger.lines

    def order_id(self, one: Line) -> str:
        """Its ``OrderID``."""
        return str(one.order_id)

    def ref(self, one: Line) -> str | None:
        """Its ``DeliverID``."""
        return one.wanted.deliver_id

    def remove(self, found: Sequence[Line]) -> None:
        """Forget lines."""
        self._ledger.remove(found)

    def set_status(self, one: Line, status: str, now: datetime) -> None:
        """Any number, documented or not; a line that is 0 is paid back while it is that."""
        del now
        one.forced = int(status)
        self._ledger.may_end(one)

    def set_price(self, one: Line, price: Decimal) -> None:
        """``Price``, which is that of one."""
        self._ledger.reprice(one, price)

    def copy(self, found: Sequence[Line], now: datetime) -> Sequence[Line]:
        """One more basket for each order."""
        copies: list[Line] = []
        for order_id in dict.fromkeys(line.order_id for line in found):
            lines = [line for line in found if line.order_id == order_id]
            made = self._ledger.buy([line.wanted for line in lines], lines[0].region, now)
            for line, twin in zip(lines, made, strict=True):
                self._alike(line, twin)
            copies += made
        return copies

    def add(self, ref: str | None, shelf: str | None, now: datetime) -> Line:
        """A basket of one."""
        if shelf:
            raise ValueError("there is one list of everything here, and no shelf")
        (line,) = self._ledger.buy([Wanted(ref, STRANGERS_PRODUCT, 1)], REGION, now)
        return line

    def _alike(self, line: Line, twin: Line) -> None:
        """Carry over what was changed by hand."""
        if line.forced is not None:
            twin.forced = line.forced
            self._ledger.may_end(twin)
        if line.repriced is not None:
            self._ledger.reprice(twin, line.repriced)
