"""Views of our books beside the providers': reconciliations, what differed, a day in numbers.

Money is text throughout, summed as decimals. Like all views they hold no secret and no code; see
``schemas.orders``.
"""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from schemas.base import Schema
from schemas.notifications import Price


class RunView(Schema):
    """One reconciliation of one account. ``found`` counts new differences by their kind.

    ``state`` is ``reading`` or ``comparing`` while it is under way, then ``done`` or ``failed``;
    ``leased_until`` is in the past, or not there, where nobody is at it.
    """

    run_id: UUID
    provider: str
    account: str
    since: datetime
    asked_by: str
    state: str
    pages: int
    entries: int
    orders: int
    compared: int
    found: Mapping[str, int]
    reason: str | None
    started_at: datetime
    ended_at: datetime | None
    leased_by: str | None
    leased_until: datetime | None
    as_of: datetime

    @property
    def name(self) -> str:
        """The account, with its provider."""
        return f"{self.provider}/{self.account}"

    @property
    def new(self) -> int:
        """How many new differences it found."""
        return sum(self.found.values())


class DifferingLine(Schema):
    """One line of an order in which the books differ."""

    deliver_id: str
    line_ref: str
    provider_line_ref: str | None
    state: str
    price: Price | None


class GivingBack(Schema):
    """Whether `orderline cancel` can give an order back. ``known`` is false where nobody can say.

    ``until`` is when that ends, where the provider names an end; ``refusal`` why it cannot be.
    """

    known: bool
    possible: bool = False
    until: datetime | None = None
    refusal: str | None = None


class DifferenceView(Schema):
    """One difference between our books and a provider's.

    ``handling`` is what was done about it, ``None`` where nothing could be. It is open while
    ``closed_at`` is missing, and ``needs_person`` where only a person can close it. ``new`` marks
    what the runs that were asked about found first. ``advice`` says what to do; ``giving_back`` is
    there where money may have to come back.
    """

    difference_id: UUID
    short_id: str
    provider: str
    account: str
    kind: str
    rule: str
    handling: str | None
    needs_person: bool
    new: bool
    order_id: UUID | None
    intent_id: str | None
    producer: str | None
    order_state: str | None
    provider_ref: str | None
    line: str
    ours: str
    theirs: str
    max_total: Price | None
    total: Price | None
    lines: tuple[DifferingLine, ...] = ()
    found_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    why: str | None
    as_of: datetime
    giving_back: GivingBack | None = None
    advice: str = ""

    @property
    def done(self) -> str:
        """What was done about it, in a word or two."""
        if self.closed_at is None:
            return f"open ({self.handling})" if self.handling else "open"
        return f"closed by {self.closed_by}" if self.handling == "closed" else self.handling or "-"


class DayTotals(Schema):
    """What happened on a day at one account in one currency; each order counts in one row.

    ``currency`` is what the provider calls it, and empty where no price is known of. ``ended``
    counts orders by the state in which they ended; ``charged`` is the sum for those ``bought``, of
    which ``of_unknown_total`` have no total; ``to_refund`` is the sum for those that ended as
    failed or cancelled although they had been bought (``ended_after_buying``).
    """

    provider: str
    account: str
    currency: str
    accepted: int
    ended: Mapping[str, int]
    bought: int
    charged: str
    of_unknown_total: int
    ended_after_buying: int
    to_refund: str


class DayReport(Schema):
    """One day, from midnight to midnight in UTC, as the books are at ``as_of``.

    ``whole`` is false where orders of that day may have been purged already. ``open`` are all
    differences that are open now, whenever they were found; ``runs`` began on that day.
    """

    day: date
    as_of: datetime
    whole: bool
    totals: tuple[DayTotals, ...]
    open: tuple[DifferenceView, ...]
    runs: tuple[RunView, ...]
