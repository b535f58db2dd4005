"""What the remotes hold, in one shape for all of them: the truth that tests count against."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One order line at a remote.

    ``ref`` is the caller's reference (a DeliverID, a ``reference``), ``None`` when it sent
    none. ``live`` says that the line costs the caller money: it was committed and did not come
    to nothing. ``bought_at`` is when it was committed, ``None`` where it never was. ``price`` is
    the total of the line in ``currency``. ``extra`` is what only this remote knows.
    """

    remote: str
    ref: str | None
    order_id: str
    line_id: str
    product: str
    quantity: int
    price: Decimal
    currency: str
    status: str
    live: bool
    created_at: datetime
    bought_at: datetime | None
    extra: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The row as ``GET /_sandbox/state`` shows it."""
        return {
            "ref": self.ref,
            "order_id": self.order_id,
            "line_id": self.line_id,
            "product": self.product,
            "quantity": self.quantity,
            "price": str(self.price),
            "currency": self.currency,
            "status": self.status,
            "live": self.live,
            "created_at": self.created_at.isoformat(),
            "bought_at": self.bought_at.isoformat() if self.bought_at else None,
            **self.extra,
        }


class HasRows(Protocol):
    """A remote, as far as its books are concerned."""

    def rows(self, now: datetime) -> Iterator[Row]:
        """Every line it holds, oldest first, as of ``now``."""


class Books:
    """The books of all remotes, read at the moment they are asked for."""

    def __init__(self, remotes: Mapping[str, HasRows], clock: Callable[[], datetime]) -> None:
        self._remotes = remotes
        self._clock = clock

    def rows(self, remote: str) -> list[Row]:
        """Every order line of a remote, oldest first."""
        return list(self._remotes[remote].rows(self._clock()))

    def live(self, remote: str, ref: str | None = None) -> list[Row]:
        """The lines that cost money, optionally only those with one reference."""
        return [row for row in self.rows(remote) if row.live and ref in (None, row.ref)]

    def copies(self, remote: str) -> Counter[str]:
        """How many live *orders* each reference has; more than one is a double purchase."""
        pairs = {(row.ref, row.order_id) for row in self.live(remote)}
        return Counter(ref for ref, _ in pairs if ref is not None)

    def duplicates(self, remote: str) -> dict[str, int]:
        """The references bought more than once, with how often."""
        return {ref: count for ref, count in self.copies(remote).items() if count > 1}

    def as_json(self, *, with_rows: bool = True) -> dict[str, Any]:
        """All books, as ``GET /_sandbox/state`` shows them."""
        return {name: self._summary(name, with_rows=with_rows) for name in self._remotes}

    def _summary(self, remote: str, *, with_rows: bool) -> dict[str, Any]:
        rows = self.rows(remote)
        summary: dict[str, Any] = {
            "lines": len(rows),
            "live": sum(row.live for row in rows),
            "duplicates": self.duplicates(remote),
        }
        return summary | {"rows": [row.as_json() for row in rows]} if with_rows else summary
