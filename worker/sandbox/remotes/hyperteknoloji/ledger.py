"""The lines that a tenant holds, and what its API customer has left to spend."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from worker.sandbox.remotes.hyperteknoloji.basket import Line, Wanted
from worker.sandbox.remotes.hyperteknoloji.magic import CANCELLED

OPENING_BALANCE: Final = Decimal(100_000_000)


class Ledger:
    """Every line, oldest first. ``pace`` is the time between their stages."""

    def __init__(self, pace: timedelta) -> None:
        self.lines: list[Line] = []
        self._pace = pace
        self._by_detail: dict[int, Line] = {}
        self._refundable: dict[int, Line] = {}
        self._unlisted: list[Line] = []
        self._spent = Decimal(0)
        self._orders = 9_000
        self._details = 55_000

    def buy(self, basket: Sequence[Wanted], region: str, now: datetime) -> list[Line]:
        """Make one order of a basket, and pay for it."""
        self._orders += 1
        return [self._add(wanted, region, now) for wanted in basket]

    def detail(self, detail_id: int) -> Line | None:
        """A line by its id."""
        return self._by_detail.get(detail_id)

    def balance(self, now: datetime) -> Decimal:
        """What is left: lines that are cancelled were paid back."""
        refunds = (
            line.total for line in self._refundable.values() if line.status(now) == CANCELLED
        )
        return OPENING_BALANCE - self._spent + sum(refunds, Decimal(0))

    def may_end(self, line: Line) -> None:
        """Watch for the line's being cancelled: only what is watched is paid back."""
        self._refundable[line.detail_id] = line

    def reprice(self, line: Line, price: Decimal) -> None:
        """Have one of it cost another price, which is paid or given back at once."""
        before = line.total
        line.repriced = price
        self._spent += line.total - before

    def remove(self, lines: Sequence[Line]) -> None:
        """Forget lines; what was paid for them is lost."""
        gone = {line.detail_id for line in lines}
        self.lines = [line for line in self.lines if line.detail_id not in gone]
        self._unlisted = [line for line in self._unlisted if line.detail_id not in gone]
        for detail_id in gone:
            del self._by_detail[detail_id]
            self._refundable.pop(detail_id, None)

    def listed(self, now: datetime) -> list[Line]:
        """What the list shows. Filtered only while a line lags, so that paging stays cheap."""
        self._unlisted = [line for line in self._unlisted if not line.listed(now)]
        if not self._unlisted:
            return self.lines
        return [line for line in self.lines if line.listed(now)]

    def _add(self, wanted: Wanted, region: str, now: datetime) -> Line:
        self._details += 1
        line = Line(wanted, self._orders, self._details, region, now, self._pace)
        self.lines.append(line)
        self._by_detail[line.detail_id] = line
        self._spent += line.total
        if any(status == CANCELLED for _, status in wanted.product.stages):
            self.may_end(line)
        if wanted.product.listed_after:
            self._unlisted.append(line)
        return line
