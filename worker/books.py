"""A provider's own books beside ours, and how they can differ. Pure data.

A reconciliation reads them page by page (``Provider.read_books``). A *shelf* is a part of them
that can be asked for at once: the whole account, one customer, one shop order, one order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.ids import OrderId
from schemas.money import Money
from worker.lifecycle import LineState, OrderState
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OurLine:
    """One line of an order, as our books have it."""

    line_ref: str
    provider_line_ref: str | None
    state: LineState


@dataclass(frozen=True, slots=True, kw_only=True)
class OurOrder:
    """One order, as our books have it. ``surplus`` are further orders of it that are known of."""

    order_id: OrderId
    state: OrderState
    provider_ref: str | None
    lines: Sequence[OurLine]
    total: Money | None = None
    max_total: Money | None = None
    surplus: frozenset[str] = frozenset()


class DifferenceKind(StrEnum):
    """In what the books can differ."""

    MISSING_HERE = "missing_here"
    """It is there, and our books do not know that."""
    MISSING_THERE = "missing_there"
    """Our books say that it was placed, and it is not there."""
    STATUS_DIFFERS = "status_differs"
    """It stands elsewhere there than here."""
    PRICE_DIFFERS = "price_differs"
    """It costs something else there."""
    SURPLUS_ORDER = "surplus_order"
    """There is one more there than our books have."""


class Rule(StrEnum):
    """What is done about a difference."""

    MOVE = "move"
    """Theirs is further on: the provider is asked about the order, and ours follows."""
    PARK = "park"
    """Nobody but a person can tell: the order is parked, or stands open if it has ended."""
    RECORD = "record"
    """A price within the limit: ours becomes theirs."""
    ALERT = "alert"
    """A price above the limit: recorded, and a person has to give it back or accept it."""
    ATTACH = "attach"
    """It bears our reference: our order is looked up, and becomes what it is there."""
    REPORT = "report"
    """It bears nothing of ours: somebody else's, or ordered by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference and its rule; ``ours`` and ``theirs`` are for people, and never secret.

    ``line`` is the provider's id of the line it is about, where it is about one. ``total`` is what
    the provider charges, where that is what differs.
    """

    kind: DifferenceKind
    rule: Rule
    order_id: OrderId | None
    provider_ref: str | None
    line: str = ""
    ours: str
    theirs: str
    total: Money | None = None
