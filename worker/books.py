"""What a provider's own books say of our orders, page by page. Pure data.

A reconciliation reads them beside our own (``Provider.read_books``). A *shelf* is a part of them
that can be asked for at once: the whole account, one customer, one shop order, one order.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.money import Money
from worker.lifecycle import LineState
from worker.outcome import Evidence


class Books(StrEnum):
    """How a provider's books can be read."""

    NONE = "none"
    """Not at all: there is no list."""
    ACCOUNT = "account"
    """One list of everything that the account ordered: there is one shelf, named ``""``."""
    SHELVES = "shelves"
    """A list of its own for each shelf; which those are, our orders tell (``Provider.shelf``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEntry:
    """One order in a provider's books, or one line of it where it lists lines.

    ``ref`` is our own reference as the entry bears it: a ``line_ref`` or an order's id in hex;
    ``None`` where it bears nothing of that shape. ``state`` is where it stands, in our words
    (``quoted``: not bought; ``refused``, ``failed``, ``cancelled``, ``expired``: costs nothing);
    ``None`` where the provider's word, ``said``, is unknown to us. ``price`` is the entry's
    total. ``gives_back`` is the provider's id of the order that this one only returns.
    """

    provider_ref: str
    provider_line_ref: str = ""
    ref: str | None
    state: LineState | None
    said: str
    price: Money | None = None
    placed_at: datetime | None = None
    gives_back: str | None = None


@dataclass(frozen=True, slots=True)
class BookPage:
    """One page of a shelf. ``next_page`` is what to ask for the one after it, ``None`` at the end.

    The end is where the shelf ends, or where everything further is older than was asked for.
    """

    entries: tuple[BookEntry, ...]
    next_page: str | None = None
    evidence: Evidence = Evidence()
