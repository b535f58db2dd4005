"""What follows from a wish to call an order off.

Before anything was bought it is certain: the order ends, nobody is asked. Afterwards the
provider's own way is taken, where it documents one. Whatever comes of it is told: as the lines'
end, or as ``line.cancel_refused`` with the reason.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final, assert_never

from worker.capabilities import SENT_AGAIN
from worker.change import Change
from worker.decisions.doubts import unless_doubted
from worker.decisions.rules import AT_ONCE, Rules
from worker.lifecycle import GIVEN_BACK, TERMINAL_ORDERS, OrderState, Step
from worker.moves import called_off, ended_as, kept
from worker.order import Claimed
from worker.outcome import Absent, Confirmed, InDoubt, LookUp, NotSent, Pending, Refused
from worker.parking import Because
from worker.verdicts import attempt_end, cancelled, change_of, noted, parked, still_parked

_STANDS: Final = TERMINAL_ORDERS | {OrderState.PLACED}
"""Where an order stays while the provider is asked to call it off."""

_CALLED_OFF_AS: Final = {OrderState.FAILED: OrderState.CANCELLED}
"""Where one line failed and the others were called off, that is how the order ended."""


def before_buying(rules: Rules, claimed: Claimed) -> Change:
    """Somebody wants it called off, and the next thing to do would be a call that buys."""
    return unless_doubted(rules, claimed, cancelled(claimed))


def refusal(rules: Rules, claimed: Claimed) -> str | None:
    """Why this order cannot be called off by a call; ``None`` where the provider can be asked."""
    state = claimed.state
    if state is OrderState.PARKED:
        return f"a person has to decide about it first: {claimed.parked_reason}"
    if state in TERMINAL_ORDERS - GIVEN_BACK:
        return f"it is {state} already"
    if not rules.capabilities.cancels:
        return "it is bought, and its provider documents no way to call an order off"
    if state in GIVEN_BACK:
        within = rules.capabilities.returns_for
        if within is None:
            return "its goods were delivered, and its provider takes none back"
        too_late = claimed.finished_at is not None and claimed.now - claimed.finished_at > within
        if too_late and not rules.unsettled(claimed, Step.CANCEL):
            return f"its goods were delivered more than {within.days} days ago"
    return None


def not_again(rules: Rules, claimed: Claimed, chance: float) -> Change | None:
    """What has to be done instead of putting a wish again whose answer was lost, if anything."""
    if not rules.unsettled(claimed, Step.CANCEL) or rules.sends_again(claimed, Step.CANCEL):
        return None
    return _unknown(rules, claimed, InDoubt("it was not answered"), chance)


def refused_to_cancel(rules: Rules, claimed: Claimed, reason: str) -> Change:
    """It is not called off: said once, and the order goes on as it was."""
    lines = kept(claimed, f"not called off: {reason}")
    change = change_of(
        claimed,
        state=claimed.state,
        reason=claimed.reason,
        parked_reason=claimed.parked_reason,
        moves=lines,
        events=(noted("order.cancel_refused", {"reason": reason}),),
        cancel_answered=True,
    )
    if claimed.state is not OrderState.PLACED:
        return change
    return replace(change, step=Step.POLL, due_in=rules.poll_in(claimed, 0))


def after_cancel(rules: Rules, claimed: Claimed, outcome: LookUp, chance: float) -> Change:
    """What the provider said to the wish, or about it when it was looked up."""
    if claimed.state is OrderState.PARKED:
        return _parked_and_told(rules, claimed, outcome)
    return _told(rules, claimed, outcome, chance)


def _told(rules: Rules, claimed: Claimed, outcome: LookUp, chance: float) -> Change:
    match outcome:
        case Confirmed():
            change = _called_off(rules, claimed, outcome)
        case Refused():
            change = refused_to_cancel(rules, claimed, f"{outcome.code}: {outcome.reason}")
        case Pending():
            change = _undecided(rules, claimed)
        case Absent() if (
            _waited_too_long(rules, claimed) and rules.patience_left(claimed) > AT_ONCE
        ):
            reason = "the provider does not know the wish yet"
            return _asked(claimed, rules.patience_left(claimed), reason)
        case Absent():
            change = _ask_for_it(rules, claimed, chance, "the provider does not know the wish")
        case NotSent() if claimed.step is Step.CANCEL and not _lost(rules, claimed):
            change = _ask_for_it(rules, claimed, chance, f"not sent: {outcome.reason}", outcome)
        case NotSent() | InDoubt():
            change = _unknown(rules, claimed, outcome, chance)
        case _:
            assert_never(outcome)
    if isinstance(outcome, Absent):
        unheard = NotSent("the provider does not know of it", evidence=outcome.evidence)
        return replace(change, attempt=attempt_end(claimed, unheard, proven=True))
    if claimed.step is Step.RECONCILE and isinstance(outcome, NotSent):
        return change  # that was the look-up; what it asked about stays as it was
    return replace(change, attempt=attempt_end(claimed, outcome))


def _undecided(rules: Rules, claimed: Claimed) -> Change:
    """The provider took the wish: it is asked about it, not for ever."""
    if _waited_too_long(rules, claimed):
        return _for_a_person(claimed, Because.WISH_UNDECIDED)
    asked = claimed.tries if claimed.step is Step.RECONCILE else 0
    return _asked(claimed, rules.poll_in(claimed, asked), "the provider was asked")


def _parked_and_told(rules: Rules, claimed: Claimed, outcome: LookUp) -> Change:
    """A wish of unknown outcome was a person's to decide; then word of it came after all."""
    match outcome:
        case Confirmed():
            change = _called_off(rules, claimed, outcome)
        case Refused():
            change = stands(rules, claimed, f"{outcome.code}: {outcome.reason}")
        case Pending() | Absent() | NotSent() | InDoubt():
            return still_parked(claimed)
        case _:
            assert_never(outcome)
    return replace(change, attempt=attempt_end(claimed, outcome))


def stands(rules: Rules, claimed: Claimed, reason: str) -> Change:
    """A parked order that was to be called off and is not: it is what it was before."""
    ended = ended_as(claimed, ())
    change = change_of(
        claimed, state=ended or OrderState.PLACED, reason=f"not called off: {reason}"
    )
    return change if ended else replace(change, step=Step.POLL, due_in=rules.poll_in(claimed, 0))


def _called_off(rules: Rules, claimed: Claimed, outcome: Confirmed) -> Change:
    gone = called_off(claimed, outcome.lines)
    if not gone:
        return refused_to_cancel(rules, claimed, "no line of it could be called off")
    ended = ended_as(claimed, gone)
    stays = "not called off: its provider called off other lines only"
    change = change_of(
        claimed,
        state=_CALLED_OFF_AS.get(ended, ended) if ended else OrderState.PLACED,
        reason="called off, as was asked",
        moves=(*gone, *kept(claimed, stays, besides=gone)),
        cancel_answered=True,
    )
    return change if ended else replace(change, step=Step.POLL, due_in=AT_ONCE)


def _asked(claimed: Claimed, wait: timedelta, reason: str) -> Change:
    """The wish is under way: what became of it is looked up."""
    return change_of(
        claimed,
        state=_state(claimed),
        step=Step.RECONCILE,
        due_in=wait,
        tries=claimed.tries + 1,
        reason=f"to be called off: {reason}",
    )


def _ask_for_it(
    rules: Rules, claimed: Claimed, chance: float, reason: str, outcome: NotSent | None = None
) -> Change:
    """The wish is put to the provider once more, not for ever."""
    if _waited_too_long(rules, claimed):
        return refused_to_cancel(rules, claimed, f"the provider could not be asked: {reason}")
    last = outcome or InDoubt(reason)
    return change_of(
        claimed,
        state=_state(claimed),
        step=Step.CANCEL,
        due_in=rules.wait_after(claimed, last, chance),
        tries=claimed.tries + 1,
        reason=f"to be called off: {reason}",
    )


def _unknown(rules: Rules, claimed: Claimed, outcome: NotSent | InDoubt, chance: float) -> Change:
    """Nobody knows whether the provider heard the wish. Asking twice buys nothing."""
    if _waited_too_long(rules, claimed):
        return _for_a_person(claimed, Because.WISH_UNKNOWN, f": {outcome.reason}")
    again = rules.after(Step.CANCEL) in SENT_AGAIN and rules.sends_again(claimed, Step.CANCEL)
    if claimed.step is Step.CANCEL and again:
        return _ask_for_it(rules, claimed, chance, outcome.reason)
    if claimed.step is Step.CANCEL:
        return _asked(claimed, rules.policy.look_up_waits[0], outcome.reason)
    return _asked(claimed, rules.policy.retry_in(claimed.tries, chance), outcome.reason)


def _for_a_person(claimed: Claimed, because: Because, said: str = "") -> Change:
    """Nobody can tell what became of the wish: that is what its producer is told."""
    change, reason = parked(claimed, because, said), f"{because.words}{said}"
    told = noted("order.cancel_refused", {"reason": reason})
    return replace(
        change, moves=kept(claimed, reason), events=(*change.events, told), cancel_answered=True
    )


def _lost(rules: Rules, claimed: Claimed) -> bool:
    """Whether the wish was put to the provider, unanswered, and can be put again no longer."""
    return rules.unsettled(claimed, Step.CANCEL) and _waited_too_long(rules, claimed)


def _state(claimed: Claimed) -> OrderState:
    assert claimed.state in _STANDS  # noqa: S101 -- whatever else is never put to the provider
    return claimed.state


def _waited_too_long(rules: Rules, claimed: Claimed) -> bool:
    asked_at = claimed.cancel_asked_at
    return asked_at is not None and claimed.now - asked_at >= rules.policy.retry_for
