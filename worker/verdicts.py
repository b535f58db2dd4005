"""Changes that follow from an order and a fact alone: no capability, no waiting. Pure.

How an order ends without being bought, how it is set aside, and how an attempt ended.
``worker.decisions`` chooses among them.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from schemas.ids import EventId, new_uuid
from worker.change import AttemptEnd, Change, OrderEvent, Requote
from worker.lifecycle import LineState, OrderState, Step
from worker.moves import line_moves
from worker.order import Claimed
from worker.outcome import (
    Confirmed,
    NotSent,
    Outcome,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
    name_of,
)
from worker.parking import Because

_NOTHING_CAME: Final = Refused(
    RefusalCode.OTHER, "the last call was refused, and no earlier one came through"
)


WINDOW_CLOSED: Final = "the quote's window closed before the order could be bought"
OUTRESTED: Final = "the quote would have ended before its provider's account takes orders again"
"""Why an order ends early whose account rests: its breaker is open, or somebody paused it."""


def change_of(claimed: Claimed, **what: Any) -> Change:
    """A change of this order, under the lease it was claimed with."""
    return Change(
        order_id=claimed.order.order_id,
        fence=claimed.fence,
        producer=claimed.producer,
        notify_url=claimed.notify_url,
        cancel_seen=claimed.cancel_asked_at,
        **what,
    )


_REFUSED_AS: Mapping[RefusalCode, tuple[LineState, OrderState]] = {
    RefusalCode.EXPIRED: (LineState.EXPIRED, OrderState.EXPIRED),
    RefusalCode.CANCELLED: (LineState.CANCELLED, OrderState.CANCELLED),
}


def refused(claimed: Claimed, outcome: Refused = _NOTHING_CAME) -> Change:
    """The provider said no; by itself, long ago, while an earlier call was still in doubt."""
    line, state = _REFUSED_AS.get(outcome.code, (LineState.REFUSED, OrderState.REFUSED))
    reason = f"{outcome.code}: {outcome.reason}"
    blame = tuple(
        replace(report, state=line, reason=report.reason or reason) for report in outcome.lines
    )
    moves = line_moves(claimed, blame, line, reason)
    return change_of(claimed, state=state, reason=reason, moves=moves)


def expired(claimed: Claimed, why: str = WINDOW_CLOSED) -> Change:
    """The quote's window closed before the call that commits money could be made."""
    moves = line_moves(claimed, (), LineState.EXPIRED, why)
    return change_of(claimed, state=OrderState.EXPIRED, reason=why, moves=moves)


def quoted_anew(claimed: Claimed, window: timedelta, why: str) -> Change:
    """The quote has ended unbought; its producer allows another one.

    What the provider had reserved is left to die there: nothing will ever confirm it.
    """
    number = claimed.requotes + 1
    return change_of(
        claimed,
        state=OrderState.PLACING,
        step=Step.PLACE,
        due_in=timedelta(0),
        requote=Requote(number, window),
        reason=f"{why}; a new quote is asked for",
        events=(
            noted(
                "order.requoted",
                {"number": number, "left": claimed.order.provider_ref, "reason": why},
            ),
        ),
    )


def gave_up(claimed: Claimed, after: timedelta | str, last: str) -> Change:
    """No call came through for so long, or so often, that nobody waits for it any more."""
    reason = f"gave up after {after}: {last}"
    moves = line_moves(claimed, (), LineState.FAILED, reason)
    return change_of(claimed, state=OrderState.FAILED, reason=reason, moves=moves)


def cancelled(claimed: Claimed) -> Change:
    """Called off before anything was bought: nothing had to be asked of the provider."""
    reason = "called off, as was asked, before it was bought"
    moves = line_moves(claimed, (), LineState.CANCELLED, reason)
    return change_of(
        claimed, state=OrderState.CANCELLED, reason=reason, moves=moves, cancel_answered=True
    )


def parked(claimed: Claimed, because: Because, told: str = "") -> Change:
    """Set aside for a person; ``told`` ends the sentence that the class of its reason begins."""
    reason = f"{because.words}{told}"
    return change_of(
        claimed,
        state=OrderState.PARKED,
        reason=reason,
        parked_reason=reason,
        moves=line_moves(claimed, (), LineState.IN_DOUBT, reason),
        events=(noted("order.parked", {"reason": reason}),),
    )


def still_parked(claimed: Claimed) -> Change:
    """There was news of a parked order, and it settles nothing: a person decides, as before."""
    return change_of(
        claimed,
        state=OrderState.PARKED,
        reason=claimed.reason,
        parked_reason=claimed.parked_reason,
    )


def attempt_end(claimed: Claimed, outcome: Outcome, *, proven: bool = False) -> AttemptEnd | None:
    """How the newest attempt ended; ``None`` where there is none.

    A request that was merely not sent *again* leaves its attempt as it was, in doubt and sent one
    time fewer, unless it is ``proven`` that the provider never acted on it.
    """
    if claimed.attempt is None:
        return None
    unsent = isinstance(outcome, NotSent) and claimed.attempt.sends > 1 and not proven
    return AttemptEnd(
        attempt_id=claimed.attempt.attempt_id,
        outcome=OutcomeName.IN_DOUBT if unsent else name_of(outcome),
        reason=None if isinstance(outcome, Confirmed | Pending) else outcome.reason,
        evidence=outcome.evidence,
        look_ups=claimed.look_ups,
        sends=claimed.attempt.sends - 1 if unsent else None,
    )


def noted(kind: str, data: Mapping[str, Any]) -> OrderEvent:
    """A fact worth an event of the order."""
    return OrderEvent(event_id=EventId(new_uuid()), type=kind, data=data)
