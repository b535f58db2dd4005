"""One method for each thing that can have happened to a claimed order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, assert_never

from worker.capabilities import LOOKED_UP, Doubt
from worker.change import Change
from worker.decisions import cancels, charges, doubts
from worker.decisions.rules import AT_ONCE, Rules
from worker.lifecycle import LineState, OrderState, Step
from worker.moves import breach, ended_as, line_moves
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
)
from worker.parking import Because
from worker.verdicts import (
    WINDOW_CLOSED,
    attempt_end,
    change_of,
    noted,
    parked,
    refused,
    still_parked,
)

_STALE: Final = frozenset({RefusalCode.EXPIRED, RefusalCode.PRICE_CHANGED})
"""A no to the call that buys, after which a new quote may still be bought."""


@dataclass(frozen=True, slots=True)
class Decider(Rules):
    """Decides for one order of a provider account."""

    def before_call(self, claimed: Claimed, step: Step, chance: float) -> Change | None:
        """What has to be done instead of the call that is next, if anything."""
        if claimed.left_open:
            return self.left_open(claimed, chance)
        if step is Step.CANCEL:
            refusal = self._refusal_to_cancel(claimed)
            return refusal or cancels.not_again(self, claimed, chance)
        if claimed.cancel_asked_at is not None:
            return cancels.before_buying(self, claimed)
        if self.unsettled(claimed, step) and not self.sends_again(claimed, step):
            return doubts.doubt(self, claimed, step, InDoubt("it was not answered"), chance)
        return None

    def before_poll(self, claimed: Claimed) -> Change | None:
        """A placed order that is to be called off is not merely asked after."""
        if claimed.cancel_asked_at is None:
            return None
        to_ask = change_of(claimed, state=claimed.state, step=Step.CANCEL, due_in=AT_ONCE)
        return self._refusal_to_cancel(claimed) or to_ask

    def after_call(self, claimed: Claimed, step: Step, outcome: Outcome, chance: float) -> Change:
        """What a call that buys, or calls off, came to."""
        outcome = _believed(claimed, outcome)
        if step is Step.CANCEL:
            return cancels.after_cancel(self, claimed, outcome, chance)
        end = attempt_end(claimed, outcome)
        match outcome:
            case Confirmed():
                return replace(self._yes(claimed, step, outcome), attempt=end)
            case Pending():
                return replace(
                    self._placed(claimed, outcome.lines, outcome.provider_ref), attempt=end
                )
            case Refused():
                return self._no(claimed, step, outcome)
            case NotSent():
                return replace(self.not_started(claimed, step, outcome, chance), attempt=end)
            case InDoubt():
                change = doubts.doubt(self, claimed, step, outcome, chance)
                return replace(change, attempt=end)
            case _:
                assert_never(outcome)

    def before_look_up(self, claimed: Claimed) -> Change | None:
        """A parked order is looked up again only where that can tell anything."""
        doubtful = claimed.attempt_outcome is not OutcomeName.CONFIRMED
        askable = doubtful and self.after(claimed.attempt_step) in LOOKED_UP
        if claimed.state is not OrderState.PARKED or askable:
            return None
        return still_parked(claimed)

    def after_look_up(self, claimed: Claimed, finding: LookUp, chance: float) -> Change:
        """What the provider said about an attempt of unknown outcome."""
        step = claimed.attempt_step or Step.PLACE
        if step is Step.CANCEL:
            return cancels.after_cancel(self, claimed, finding, chance)
        match finding:
            case Confirmed() | Pending():
                return self.after_call(claimed, step, finding, chance)
            case Refused():
                return replace(self._end(claimed, finding), attempt=attempt_end(claimed, finding))
            case Absent():
                return doubts.absent(self, claimed, step, finding)
            case NotSent() | InDoubt() if claimed.state is OrderState.PARKED:
                return doubts.parked_unanswered(self, claimed, chance)
            case NotSent() | InDoubt():
                return self._unanswered(claimed, OrderState.IN_DOUBT, finding, chance)
            case _:
                assert_never(finding)

    def after_poll(self, claimed: Claimed, outcome: Outcome, chance: float) -> Change:
        """Where the provider says a placed order stands."""
        match outcome:
            case Confirmed() | Pending():
                change = self._placed(claimed, outcome.lines, None)
                if isinstance(outcome, Pending) or change.step is not None:
                    return change
                return charges.charged(self, claimed, change, outcome)
            case Refused():
                # It was bought and the provider now says no: nobody but a person can tell why.
                return parked(claimed, Because.REFUSED_AFTER_PLACED, f": {outcome.reason}")
            case NotSent() | InDoubt():
                ended = ended_as(claimed, ())
                if ended is not None and claimed.tries >= charges.PRICE_QUESTIONS:
                    return charges.unpriced(claimed, ended, outcome.reason)
                return self._unanswered(claimed, OrderState.PLACED, outcome, chance)
            case _:
                assert_never(outcome)

    def not_started(self, claimed: Claimed, step: Step, outcome: NotSent, chance: float) -> Change:
        """A call was surely not made: it is tried again for as long as that makes sense."""
        if step is Step.CANCEL:
            return replace(cancels.after_cancel(self, claimed, outcome, chance), attempt=None)
        over = self.over(claimed, outcome.reason) or self.exhausted(claimed, outcome.reason)
        if over is not None:
            return doubts.unless_doubted(self, claimed, over)
        wait = self.wait_after(claimed, outcome, chance)
        return self.next_try(claimed, step, wait, f"not sent: {outcome.reason}")

    def left_open(self, claimed: Claimed, chance: float) -> Change:
        """A lease ended with the call under way: its worker is gone, its outcome unknown."""
        lost = InDoubt("the worker making the call was lost")
        return self.after_call(claimed, claimed.attempt_step or Step.PLACE, lost, chance)

    def surplus_found(self, claimed: Claimed) -> Change:
        """Before the call could be made, another one turned out to have come through."""
        return parked(claimed, Because.ANOTHER_FOUND, ", by a late answer")

    def window_closed(self, claimed: Claimed, why: str = WINDOW_CLOSED) -> Change:
        """The quote expired before the call that commits money could be made."""
        return doubts.unless_doubted(self, claimed, self.lapsed(claimed, why))

    def _refusal_to_cancel(self, claimed: Claimed) -> Change | None:
        reason = cancels.refusal(self, claimed)
        return None if reason is None else cancels.refused_to_cancel(self, claimed, reason)

    def _yes(self, claimed: Claimed, step: Step, outcome: Confirmed) -> Change:
        if step is Step.PLACE and self.capabilities.two_phase:
            return self._quoted(claimed, outcome)
        change = self._placed(claimed, outcome.lines, outcome.provider_ref)
        change = charges.charged(self, claimed, change, outcome)
        if change.step is None and charges.is_unpriced(self, claimed, outcome):
            # It is all there at once, and what it costs is still to be held against the limit.
            change = replace(change, state=OrderState.PLACED, step=Step.POLL, due_in=AT_ONCE)
        events = [*change.events]
        ours = claimed.order.provider_ref or outcome.provider_ref
        found = dict.fromkeys((outcome.provider_ref, *outcome.surplus))
        surplus = tuple(ref for ref in found if ref not in {None, ours})
        if surplus:
            events.append(noted("order.surplus_found", {"provider_refs": list(surplus)}))
        return replace(change, events=tuple(events), surplus=surplus)

    def _no(self, claimed: Claimed, step: Step, outcome: Refused) -> Change:
        """This call bought nothing; an earlier one of unknown outcome still may have."""
        no, end = self._end(claimed, outcome), attempt_end(claimed, outcome)
        if not self.unsettled(claimed, step):
            return replace(doubts.unless_doubted(self, claimed, no), attempt=end)
        if self.after(step) is Doubt.REPLAY:
            if no.requote is None:
                # A request that is known again is answered as it was the first time.
                return replace(no, attempt=end)
            # Nothing is asked for beside it before it is sure that no earlier sending came through.
            doubted = InDoubt(f"sent again, it was {no.reason}", outcome.evidence)
            change = doubts.looked_up(self, claimed, f"{no.reason}; first its call is looked up")
            return replace(change, attempt=attempt_end(claimed, doubted))
        still = InDoubt(f"sent again, it was {no.reason}", outcome.evidence)
        change = parked(claimed, Because.REFUSED_SENT_AGAIN, still.reason)
        return replace(change, attempt=attempt_end(claimed, still))

    def _end(self, claimed: Claimed, outcome: Refused) -> Change:
        """The end that a no brings, unless a new price is all that is missing."""
        no = refused(claimed, outcome)
        step, stale = claimed.attempt_step, outcome.code in _STALE
        if step is not Step.CONFIRM or not stale or claimed.state is OrderState.PARKED:
            return no
        anew = self.lapsed(claimed, no.reason or str(outcome.code))
        return no if anew.requote is None else anew

    def _quoted(self, claimed: Claimed, outcome: Confirmed) -> Change:
        if claimed.max_total is not None and outcome.total is None:
            unpriced = "the provider names no price to hold against max_total"
            return refused(claimed, Refused(RefusalCode.OTHER, unpriced))
        broken = breach(claimed.max_total, outcome.total)
        if broken is not None:
            return refused(claimed, Refused(RefusalCode.PRICE_ABOVE_MAX, broken))
        return change_of(
            claimed,
            state=OrderState.QUOTED,
            step=Step.CONFIRM,
            due_in=AT_ONCE,
            provider_ref=outcome.provider_ref,
            expires_at=outcome.expires_at,
            total=outcome.total,
            moves=line_moves(
                claimed, outcome.lines, LineState.QUOTED, provider_ref=outcome.provider_ref
            ),
            events=(noted("order.quoted", _quote_of(outcome)),),
        )

    def _placed(
        self, claimed: Claimed, reports: Iterable[LineReport], provider_ref: str | None
    ) -> Change:
        """Placed, with every line where its report says, or at least accepted."""
        moves = line_moves(claimed, reports, LineState.ACCEPTED, provider_ref=provider_ref)
        ended = ended_as(claimed, moves)
        if ended is not None:
            return change_of(claimed, state=ended, provider_ref=provider_ref, moves=moves)
        polls = claimed.tries if claimed.step is Step.POLL else 0
        return change_of(
            claimed,
            state=OrderState.PLACED,
            step=Step.POLL,
            due_in=self.poll_in(claimed, polls),
            tries=polls + 1,
            provider_ref=provider_ref,
            moves=moves,
        )

    def _unanswered(
        self, claimed: Claimed, state: OrderState, outcome: NotSent | InDoubt, chance: float
    ) -> Change:
        """A question that changes nothing there got no answer: it is asked again, not for ever."""
        if state is OrderState.IN_DOUBT and claimed.since_attempt >= self.policy.retry_for:
            return parked(claimed, Because.LOOK_UPS_UNANSWERED, f": {outcome.reason}")
        return change_of(
            claimed,
            state=state,
            step=claimed.step,
            due_in=self.wait_after(claimed, outcome, chance),
            tries=claimed.tries + 1,
            reason=f"no answer: {outcome.reason}",
        )


def _quote_of(outcome: Confirmed) -> Mapping[str, Any]:
    """A provider's quote, as the order's story keeps it."""
    total, until = outcome.total, outcome.expires_at
    return {
        "provider_ref": outcome.provider_ref,
        "total": None if total is None else str(total),
        "expires_at": None if until is None else until.isoformat(),
    }


def _believed(claimed: Claimed, outcome: Outcome) -> Outcome:
    """What an answer says of a request that was sent before, with an outcome still unknown.

    That our credentials are not taken now says nothing of then.
    """
    sent_before = claimed.attempt is not None and claimed.attempt.sends > 1
    if sent_before and isinstance(outcome, Refused) and outcome.code is RefusalCode.FORBIDDEN:
        return InDoubt(f"sent again, it was refused: {outcome.reason}", outcome.evidence)
    return outcome
