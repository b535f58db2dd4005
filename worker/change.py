"""What one step does to an order, as a value. Decided here, written by ``store``. Pure.

A ``Change`` is the whole difference: the order's new state and next step, its lines' moves
(each of which is an event, and a notification owed), how its attempt ended, and what else is
worth remembering. ``worker.decisions`` builds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from schemas.ids import AttemptId, EventId, LineId, OrderId
from schemas.money import Money
from schemas.notifications import EventType, LineNews
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Attempted, Claimed, OrderedLine
from worker.outcome import Evidence, Goods, OutcomeName


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMove:
    """A line's new state, as the event that tells it."""

    event_id: EventId
    line_id: LineId
    to: LineState
    news: LineNews
    price: Money | None = None
    goods: Goods | None = None
    stays: bool = False
    """Whether nothing moved: what is told is that it was not called off."""

    @property
    def type(self) -> EventType:
        """The event's type."""
        return EventType.LINE_CANCEL_REFUSED if self.stays else EventType(f"line.{self.to}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How an attempt ended. An open or doubtful one may still end; one that has ended may not.

    ``sends`` is how often its request was sent, where the last time turned out not to count.
    """

    attempt_id: AttemptId
    outcome: OutcomeName
    reason: str | None = None
    evidence: Evidence = Evidence()
    look_ups: int = 0
    sends: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """A fact about the order that neither an attempt nor a line tells."""

    event_id: EventId
    type: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Requote:
    """The order's quote has ended unbought, and it goes back to where it has none.

    ``number`` counts these; ``window`` is how long the order may be bought from now on.
    """

    number: int
    window: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one claimed order.

    ``due_in`` is from the database's now; it is ``None`` exactly when ``step`` is: the order is
    finished or parked. ``tries`` counts the coming step's tries so far. A field left ``None``
    (``provider_ref``, ``expires_at``, ``total``) keeps what the row has; ``requote`` forgets the
    first two.

    ``cancel_seen`` is since when the wish to call the order off was there that the decision knew
    of, ``cancel_answered`` says that this change is its answer; a wish that came meanwhile, or was
    not answered by an order's end, makes the order due once more.

    ``surplus`` are the provider's ids of further orders that were found there, ``decided_by`` is
    the person whose decision this is.
    """

    order_id: OrderId
    fence: int
    state: OrderState
    step: Step | None = None
    due_in: timedelta | None = None
    tries: int = 0
    reason: str | None = None
    parked_reason: str | None = None
    provider_ref: str | None = None
    expires_at: datetime | None = None
    total: Money | None = None
    requote: Requote | None = None
    moves: tuple[LineMove, ...] = ()
    attempt: AttemptEnd | None = None
    events: tuple[OrderEvent, ...] = ()
    cancel_seen: datetime | None = None
    cancel_answered: bool = False
    surplus: tuple[str, ...] = ()
    decided_by: str | None = None
    notify_url: str = ""
    producer: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether the next step can be done at once, under the same lease."""
        return self.step is not None and self.due_in == timedelta(0)


def begun(claimed: Claimed, attempt: Attempted) -> Claimed:
    """The order with this attempt under way, as what comes of it is to be judged.

    Only a request that was sent before is in doubt already. What somebody else meanwhile made of
    the attempt of a worker that was slow is no such doubt, nor is that of an older attempt.
    """
    doubt = OutcomeName.IN_DOUBT if attempt.sends > 1 else None
    return replace(claimed, attempt=attempt, attempt_outcome=doubt, look_ups=0)


def carried_on(claimed: Claimed, change: Change, at: datetime) -> Claimed:
    """The order after a change that was settled under the same lease, for its next step.

    ``at`` is the database's time of the change.
    """
    if change.step is None:
        raise ValueError("a finished or parked order has no next step")
    moves = {move.line_id: move for move in change.moves}
    ends = [end for end in (claimed.expires_at, change.expires_at) if end is not None]
    known = claimed.order.provider_ref
    if change.requote is not None:
        known, ends = None, [at + change.requote.window]
    return replace(
        claimed,
        order=replace(
            claimed.order,
            lines=tuple(_moved(line, moves.get(line.line_id)) for line in claimed.order.lines),
            provider_ref=known or change.provider_ref,
        ),
        state=change.state,
        step=change.step,
        tries=change.tries,
        now=at,
        expires_at=min(ends, default=None),
        requotes=claimed.requotes if change.requote is None else change.requote.number,
        attempt_outcome=change.attempt.outcome if change.attempt else claimed.attempt_outcome,
        attempt=_sent(claimed.attempt, change.attempt),
        reason=change.reason,
        parked_reason=change.parked_reason,
        cancel_asked_at=None if change.cancel_answered else claimed.cancel_asked_at,
    )


def _sent(attempt: Attempted | None, end: AttemptEnd | None) -> Attempted | None:
    if attempt is None or end is None or end.sends is None:
        return attempt
    return replace(attempt, sends=end.sends)


def _moved(line: OrderedLine, move: LineMove | None) -> OrderedLine:
    if move is None:
        return line
    return replace(
        line,
        state=move.to,
        sequence=move.news.sequence,
        provider_line_ref=move.news.provider_line_ref,
        details={**line.details, **(move.news.details or {})},
    )
