"""Views: what people and programs are shown of orders and of what stands beside them.

Never a secret, never delivered codes; personal data only where it was asked for by name. Each
view was read from one snapshot of the database, whose time is its ``as_of``; nothing here asks
what time it is, so that "in 7 s" is true of the state it stands beside.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import computed_field

from schemas.base import Schema
from schemas.notifications import Price

_BUYING: Final = frozenset({"place", "confirm", "reconcile"})
"""The steps that a quote's end can still stop."""


class OrderView(Schema):
    """One order in a row of a listing, and at the top of its story.

    ``rests_because`` is set while its account takes no orders, ``rests_until`` where that ends by
    itself, or is then put to the proof.
    """

    order_id: UUID
    intent_id: str
    producer: str
    provider: str
    account: str
    priority: str
    state: str
    lines: int
    lines_delivered: int
    attempts: int
    provider_ref: str | None
    quoted_at: datetime | None
    expires_at: datetime | None
    max_total: Price | None
    total: Price | None
    step: str | None
    tries: int
    due_at: datetime | None
    lease_until: datetime | None
    leased_by: str | None
    reason: str | None
    parked_reason: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    cancel_asked_at: datetime | None = None
    erased_at: datetime | None = None
    rests_until: datetime | None = None
    rests_because: str | None = None
    as_of: datetime

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorated properties; pydantic does
    @property
    def next(self) -> str:
        """What happens next and when, in a sentence."""
        wish = "" if self.cancel_asked_at is None else "to be called off: "
        return wish + self._next

    @property
    def _next(self) -> str:
        if self.parked_reason is not None and self.step is None:
            return f"parked: {self.parked_reason}; a person must decide"
        if self.step is None or self.due_at is None:
            return "finished" if self.finished_at is None else f"finished {stamp(self.finished_at)}"
        when = f"{stamp(self.due_at)} ({distance(self.due_at, self.as_of)})"
        if self._is_leased:
            return f"{self.step} is under way: leased by {self.leased_by} until {when}"
        if self._rests:
            return f"{self.step} waits: {self.provider}/{self.account} rests {self._rest}"
        if self.due_at > self.as_of:
            return f"{self.step} at {when}"
        return f"{self.step} was due at {when}; no worker has taken it yet"

    @property
    def brief(self) -> str:
        """``next`` in a few words, for a column."""
        if self.parked_reason is not None:
            return "a person decides"
        if self.step is None or self.due_at is None:
            return "finished"
        if self._is_leased:
            return f"{self.step} under way"
        if self._rests:
            return f"{self.step} waits: {self.provider}/{self.account} rests"
        overdue = "" if self.due_at > self.as_of else "due "
        return f"{self.step} {overdue}{distance(self.due_at, self.as_of)}"

    @property
    def quote_left(self) -> timedelta | None:
        """How long it may still be bought; ``None`` where no quote limits what comes next."""
        return time_left(self.step, self.expires_at, self.as_of)

    @property
    def _rests(self) -> bool:
        """Whether its account rests when it is due."""
        if self.rests_because is None or self.due_at is None:
            return False
        return self.rests_until is None or self.rests_until > self.due_at

    @property
    def _rest(self) -> str:
        until, because = self.rests_until, self.rests_because
        if until is None:
            return f"until it is resumed ({because})"
        when = f"{stamp(until)} ({distance(until, self.as_of)})"
        return f"until {when}, at least ({because})"

    @property
    def _is_leased(self) -> bool:
        return self.lease_until is not None and self.lease_until > self.as_of


class LineView(Schema):
    """One DeliverID of an order. ``line_ref`` is what its provider knows it by."""

    deliver_id: str
    line_ref: str
    state: str
    provider_line_ref: str | None
    price: Price | None
    reason: str | None
    details: dict[str, str]


class AttemptView(Schema):
    """One numbered try at the provider. ``body`` is its answer, scrubbed.

    ``sends`` is above 1 where the very same request was sent again, the last time at ``sent_at``.
    """

    number: int
    step: str
    reference: str
    opened_at: datetime
    sends: int
    sent_at: datetime
    closed_at: datetime | None
    outcome: str | None
    reason: str | None
    look_ups: int
    status: int | None
    request_ref: str | None
    body: str | None


class EventView(Schema):
    """One fact. ``goods`` says how many codes came with it, and nothing else about them."""

    at: datetime
    type: str
    deliver_id: str | None
    sequence: int | None
    data: dict[str, Any]
    goods: str | None


class DeliveryView(Schema):
    """One numbered try to hand a notification over."""

    number: int
    at: datetime
    milliseconds: int
    code: int | None
    error: str | None


class NotificationView(Schema):
    """What the producer is owed of one event. ``webhook_id`` is the same over every try."""

    webhook_id: str
    deliver_id: str
    sequence: int
    type: str
    url: str
    state: str
    due_at: datetime | None
    acknowledged_at: datetime | None
    deliveries: tuple[DeliveryView, ...]


class OrderStory(Schema):
    """Everything about one order. ``intent`` hides personal data unless it was asked for."""

    order: OrderView
    notify_url: str
    intent: dict[str, Any]
    lines: tuple[LineView, ...]
    attempts: tuple[AttemptView, ...]
    events: tuple[EventView, ...]
    notifications: tuple[NotificationView, ...]


class TombstoneView(Schema):
    """An order that was purged: all that is still known of it, besides its DeliverIDs."""

    order_id: UUID
    intent_id: str
    producer: str
    state: str
    ended_at: datetime
    buried_at: datetime

    def __str__(self) -> str:
        return (
            f"Order {self.order_id} (intent {self.intent_id} of {self.producer}) ended as"
            f" {self.state} {stamp(self.ended_at)}. Its details were purged"
            f" {stamp(self.buried_at)}."
        )


class RecentLine(Schema):
    """One DeliverID, as it is watched.

    ``told``, ``owed`` and ``given_up`` count its notifications: acknowledged, still to be
    delivered, exhausted.
    """

    deliver_id: str
    producer: str
    provider: str
    account: str
    order_id: UUID
    state: str
    order_state: str
    step: str | None
    attempts: int
    expires_at: datetime | None
    told: int
    owed: int
    given_up: int
    as_of: datetime

    @property
    def quote_left(self) -> timedelta | None:
        """See ``OrderView.quote_left``."""
        return time_left(self.step, self.expires_at, self.as_of)


class AccountLoad(Schema):
    """How many orders of a provider account are not finished, and how they stand.

    ``due``: somebody should be at work on them now, and nobody is. ``clock_ahead`` is by how many
    seconds the provider's clock is ahead of the database's, give or take ``clock_unsure``.
    """

    provider: str
    account: str
    unfinished: int = 0
    due: int = 0
    in_doubt: int = 0
    parked: int = 0
    clock_ahead: float | None = None
    clock_unsure: float | None = None
    clock_seen_at: datetime | None = None


def time_left(step: str | None, expires_at: datetime | None, as_of: datetime) -> timedelta | None:
    """How much of a quote's window is left, never less than nothing.

    ``None`` without a quote, and once the order was bought or has ended.
    """
    if expires_at is None or step not in _BUYING:
        return None
    return max(expires_at - as_of, timedelta(0))


def stamp(moment: datetime) -> str:
    """A moment as people read it, in UTC: ``2026-11-22 10:00:05Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def distance(moment: datetime, as_of: datetime) -> str:
    """How far away a moment is: ``in 7 s``, ``3 min 20 s ago``."""
    return f"in {span(moment - as_of)}" if moment > as_of else f"{span(as_of - moment)} ago"


def span(duration: timedelta) -> str:
    """A duration in its two largest units: ``250 ms``, ``7 s``, ``3 min 20 s``, ``2 d 4 h``."""
    if duration < timedelta(seconds=1):
        return f"{duration // timedelta(milliseconds=1)} ms"
    minutes, seconds = divmod(duration // timedelta(seconds=1), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)
