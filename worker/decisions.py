"""From an order and an outcome to a change. Pure: the same values give the same decision.

One function for each thing that can have happened to a claimed order. What providers differ
in comes in as ``Capabilities``; when to try again comes from ``Policy``; chance is an argument.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from worker.capabilities import Capabilities, Doubt
from worker.change import Change
from worker.lifecycle import UNDER_WAY, LineState, OrderState, Step
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
from worker.policy import Policy
from worker.verdicts import attempt_end, change_of, expired, gave_up, noted, parked, refused

AT_ONCE = timedelta(0)
_HARMLESS_WAIT = timedelta(minutes=10)
"""After the allowed repeats of a harmless call: as long as its leftovers may hold funds."""


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides for one provider account.

    ``call_deadline`` is its longest call; ``needs`` is how much of a quote's window must be left
    for a call to be begun.
    """

    capabilities: Capabilities
    policy: Policy
    call_deadline: timedelta
    needs: timedelta

    def after_call(self, claimed: Claimed, step: Step, outcome: Outcome, chance: float) -> Change:
        """What a placing or confirming call came to."""
        end = attempt_end(claimed, outcome)
        match outcome:
            case Confirmed():
                return replace(self._yes(claimed, step, outcome), attempt=end)
            case Pending():
                return replace(
                    self._placed(claimed, outcome.lines, outcome.provider_ref), attempt=end
                )
            case Refused():
                # This call bought nothing; an earlier one of unknown outcome still may.
                no = self._unless_doubted(claimed, refused(claimed, outcome))
                return replace(no, attempt=end)
            case NotSent():
                return replace(self.not_started(claimed, step, outcome, chance), attempt=end)
            case InDoubt():
                return replace(self._doubt(claimed, step, outcome, chance), attempt=end)
            case _:
                assert_never(outcome)

    def after_look_up(self, claimed: Claimed, finding: LookUp, chance: float) -> Change:
        """What the provider said about an attempt of unknown outcome."""
        step = claimed.attempt_step or Step.PLACE
        match finding:
            case Confirmed() | Pending():
                return self.after_call(claimed, step, finding, chance)
            case Refused():
                return replace(refused(claimed, finding), attempt=attempt_end(claimed, finding))
            case Absent():
                return self._absent(claimed, step, finding)
            case NotSent() | InDoubt():
                return self._unanswered(claimed, OrderState.IN_DOUBT, finding, chance)
            case _:
                assert_never(finding)

    def after_poll(self, claimed: Claimed, outcome: Outcome, chance: float) -> Change:
        """Where the provider says a placed order stands."""
        match outcome:
            case Confirmed() | Pending():
                return self._placed(claimed, outcome.lines, None)
            case Refused():
                # It was bought and the provider now says no: nobody but a person can tell why.
                return parked(claimed, f"refused after it was placed: {outcome.reason}")
            case NotSent() | InDoubt():
                return self._unanswered(claimed, OrderState.PLACED, outcome, chance)
            case _:
                assert_never(outcome)

    def not_started(self, claimed: Claimed, step: Step, outcome: NotSent, chance: float) -> Change:
        """A call was surely not made: it is tried again for as long as that makes sense."""
        over = self._over(claimed, outcome.reason)
        if over is not None:
            return self._unless_doubted(claimed, over)
        wait = self.policy.retry_in(claimed.tries, chance, outcome.retry_after)
        return self._next_try(claimed, step, wait, f"not sent: {outcome.reason}")

    def left_open(self, claimed: Claimed, chance: float) -> Change:
        """A lease ended with the call under way: its worker is gone, its outcome unknown."""
        lost = InDoubt("the worker making the call was lost")
        return self.after_call(claimed, claimed.attempt_step or Step.PLACE, lost, chance)

    def window_closed(self, claimed: Claimed) -> Change:
        """The quote expired before the call that commits money could be made."""
        return self._unless_doubted(claimed, expired(claimed))

    def _yes(self, claimed: Claimed, step: Step, outcome: Confirmed) -> Change:
        if step is Step.PLACE and self.capabilities.two_phase:
            return self._quoted(claimed, outcome)
        change = self._placed(claimed, outcome.lines, outcome.provider_ref)
        broken = breach(claimed.max_total, outcome.total)
        if broken is None:
            return replace(change, total=outcome.total)
        alert = noted("order.charged_above_max", {"reason": broken})
        return replace(change, total=outcome.total, reason=broken, events=(alert,))

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
        )

    def _placed(
        self, claimed: Claimed, reports: Iterable[LineReport], provider_ref: str | None
    ) -> Change:
        """Placed, with every line where its report says, or at least accepted."""
        moves = line_moves(claimed, reports, LineState.ACCEPTED, provider_ref=provider_ref)
        ended = ended_as(claimed, moves)
        if ended is not None:
            return change_of(claimed, state=ended, provider_ref=provider_ref, moves=moves)
        waits = self.capabilities.poll_every
        polls = claimed.tries if claimed.step is Step.POLL else 0
        return change_of(
            claimed,
            state=OrderState.PLACED,
            step=Step.POLL,
            due_in=waits[min(polls, len(waits) - 1)],
            tries=polls + 1,
            provider_ref=provider_ref,
            moves=moves,
        )

    def _unanswered(
        self, claimed: Claimed, state: OrderState, outcome: NotSent | InDoubt, chance: float
    ) -> Change:
        """A question that changes nothing there got no answer: it is asked again, not for ever."""
        if state is OrderState.IN_DOUBT and claimed.since_attempt >= self.policy.retry_for:
            return parked(claimed, f"no look-up was answered for long: {outcome.reason}")
        wish = outcome.retry_after if isinstance(outcome, NotSent) else None
        return change_of(
            claimed,
            state=state,
            step=claimed.step,
            due_in=self.policy.retry_in(claimed.tries, chance, wish),
            tries=claimed.tries + 1,
            reason=f"no answer: {outcome.reason}",
        )

    def _doubt(self, claimed: Claimed, step: Step, outcome: InDoubt, chance: float) -> Change:
        match self._after(step):
            case Doubt.HARMLESS:
                return self._repeated(claimed, step, outcome, chance)
            case Doubt.LOOK_UP | Doubt.LOOK_UP_ONCE | Doubt.LOOK_UP_WEAK | Doubt.REPLAY:
                reason = f"unknown outcome: {outcome.reason}"
                return change_of(
                    claimed,
                    state=OrderState.IN_DOUBT,
                    step=Step.RECONCILE,
                    due_in=self.policy.look_up_in(0),
                    reason=reason,
                    moves=line_moves(claimed, (), LineState.IN_DOUBT, reason),
                )
            case Doubt.NONE:
                return parked(claimed, f"unknown outcome, and no way to ask: {outcome.reason}")

    def _repeated(self, claimed: Claimed, step: Step, outcome: InDoubt, chance: float) -> Change:
        over = self._over(claimed, outcome.reason)
        if over is not None:
            return over
        tries = claimed.tries + 1
        spent = tries > self.capabilities.repeats
        wait = _HARMLESS_WAIT if spent else self.policy.retry_in(tries, chance)
        reason = f"unknown outcome, repeating is harmless: {outcome.reason}"
        return self._next_try(claimed, step, wait, reason)

    def _absent(self, claimed: Claimed, step: Step, finding: Absent) -> Change:
        claimed = replace(claimed, look_ups=claimed.look_ups + 1)
        doubt = self._after(step)
        proven = doubt is Doubt.LOOK_UP and self.policy.absence_is_proof(
            claimed.look_ups, claimed.since_attempt, self.call_deadline
        )
        if proven:
            change = change_of(claimed, state=UNDER_WAY[step], step=step, due_in=AT_ONCE)
        elif doubt is Doubt.LOOK_UP_ONCE:
            change = self._looked_once(claimed, step)
            proven = change.step is None
        else:
            change = self._ask_again(claimed, doubt)
        seen: Outcome = (
            NotSent("proven absent", evidence=finding.evidence)
            if proven
            else InDoubt(f"absent at look-up {claimed.look_ups}", finding.evidence)
        )
        asked = noted("order.looked_up", {"found": False, "look_ups": claimed.look_ups})
        return replace(change, attempt=attempt_end(claimed, seen), events=(*change.events, asked))

    def _looked_once(self, claimed: Claimed, step: Step) -> Change:
        """Absent where a repeat is refused: safe to call again at once, not yet safe to stop."""
        over = self._over(claimed, "absent at the last look-up")
        if claimed.attempt_outcome is OutcomeName.REFUSED:
            over = refused(claimed)
        if over is None:
            return change_of(claimed, state=UNDER_WAY[step], step=step, due_in=AT_ONCE)
        return over if self._patience_left(claimed) <= AT_ONCE else self._wait_and_see(claimed)

    def _ask_again(self, claimed: Claimed, doubt: Doubt) -> Change:
        wait = self.policy.look_up_in(claimed.look_ups)
        reason = f"absent at look-up {claimed.look_ups}, {claimed.since_attempt} after the call"
        if wait is None and doubt is Doubt.LOOK_UP_WEAK:
            return parked(claimed, f"{reason}; this provider's list is no proof of absence")
        return change_of(
            claimed,
            state=OrderState.IN_DOUBT,
            step=Step.RECONCILE,
            due_in=wait or self.policy.look_up_waits[-1],
            reason=reason,
        )

    def _over(self, claimed: Claimed, last: str) -> Change | None:
        """How the order ends unbought, once there is no time left for another call."""
        if claimed.expires_at is not None:
            left = claimed.expires_at - claimed.now
            return expired(claimed) if left <= self.needs else None
        after = self.policy.retry_for
        return gave_up(claimed, after, last) if claimed.age >= after else None

    def _next_try(self, claimed: Claimed, step: Step, wait: timedelta, reason: str) -> Change:
        if claimed.expires_at is not None:
            wait = min(wait, claimed.expires_at - claimed.now - self.needs)
        return change_of(
            claimed,
            state=UNDER_WAY[step],
            step=step,
            due_in=wait,
            tries=claimed.tries + 1,
            reason=reason,
        )

    def _unless_doubted(self, claimed: Claimed, end: Change) -> Change:
        """An end without buying, put off while an earlier call may still come through.

        After a single look-up another call is safe, because the provider refuses a repeat.
        Saying that nothing was bought is not: for that we look again, late enough.
        """
        doubted = any(line.state is LineState.IN_DOUBT for line in claimed.order.lines)
        if doubted and self._after(claimed.attempt_step) is Doubt.LOOK_UP_ONCE:
            return self._wait_and_see(claimed)
        return end

    def _wait_and_see(self, claimed: Claimed) -> Change:
        return change_of(
            claimed,
            state=OrderState.IN_DOUBT,
            step=Step.RECONCILE,
            due_in=max(self._patience_left(claimed), self.policy.look_up_waits[0]),
            reason="no call may be made any more; an earlier one may still come through",
        )

    def _patience_left(self, claimed: Claimed) -> timedelta:
        return self.policy.patience(self.call_deadline) - claimed.since_attempt

    def _after(self, step: Step | None) -> Doubt:
        if step is Step.CONFIRM and self.capabilities.after_confirm is not None:
            return self.capabilities.after_confirm
        return self.capabilities.after_place
