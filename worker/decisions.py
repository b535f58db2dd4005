"""From an order and an outcome to a change. Pure: the same values give the same decision.

One function for each thing that can have happened to a claimed order. What providers differ
in comes in as ``Capabilities``; when to try again comes from ``Policy``; chance is an argument.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, assert_never

from schemas.ids import EventId, new_uuid
from worker.capabilities import Capabilities, Doubt
from worker.change import AttemptEnd, Change, OrderEvent
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
    name_of,
)
from worker.policy import Policy

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
        end = _end(claimed, outcome)
        match outcome:
            case Confirmed():
                return replace(self._yes(claimed, step, outcome), attempt=end)
            case Pending():
                return replace(
                    self._placed(claimed, outcome.lines, outcome.provider_ref), attempt=end
                )
            case Refused():
                return replace(_no(claimed, outcome), attempt=end)
            case NotSent():
                return replace(self._again(claimed, step, outcome, chance), attempt=end)
            case InDoubt():
                return replace(self._doubt(claimed, step, outcome, chance), attempt=end)
            case _:
                assert_never(outcome)

    def after_look_up(self, claimed: Claimed, finding: LookUp, chance: float) -> Change:
        """What the provider said about an attempt of unknown outcome."""
        step = claimed.attempt_step or Step.PLACE
        match finding:
            case Confirmed() | Pending() | Refused():
                return self.after_call(claimed, step, finding, chance)
            case Absent():
                return self._absent(claimed, step, finding)
            case NotSent() | InDoubt():
                wish = finding.retry_after if isinstance(finding, NotSent) else None
                return _change(
                    claimed,
                    state=OrderState.IN_DOUBT,
                    step=Step.RECONCILE,
                    due_in=self.policy.retry_in(claimed.tries, chance, wish),
                    tries=claimed.tries + 1,
                    reason=f"the look-up gave no answer: {finding.reason}",
                )
            case _:
                assert_never(finding)

    def after_poll(self, claimed: Claimed, outcome: Outcome, chance: float) -> Change:
        """Where the provider says a placed order stands."""
        match outcome:
            case Confirmed() | Pending():
                return self._placed(claimed, outcome.lines, None)
            case Refused():
                # It was bought and the provider now says no: nobody but a person can tell why.
                return _parked(claimed, f"refused after it was placed: {outcome.reason}")
            case NotSent() | InDoubt():
                wish = outcome.retry_after if isinstance(outcome, NotSent) else None
                return _change(
                    claimed,
                    state=OrderState.PLACED,
                    step=Step.POLL,
                    due_in=self.policy.retry_in(claimed.tries, chance, wish),
                    tries=claimed.tries + 1,
                    reason=f"the poll gave no answer: {outcome.reason}",
                )
            case _:
                assert_never(outcome)

    def not_started(self, claimed: Claimed, step: Step, outcome: NotSent, chance: float) -> Change:
        """A call could not even be attempted; no attempt was recorded."""
        return self._again(claimed, step, outcome, chance)

    def left_open(self, claimed: Claimed, chance: float) -> Change:
        """A lease ended with the call under way: its worker is gone, its outcome unknown."""
        step = claimed.attempt_step or Step.PLACE
        return self.after_call(
            claimed, step, InDoubt("the worker making the call was lost"), chance
        )

    def window_closed(self, claimed: Claimed) -> Change:
        """The quote expired before the call that commits money could be made."""
        reason = "the quote's window closed before the order could be bought"
        moves = line_moves(claimed, (), LineState.EXPIRED, reason)
        return _change(claimed, state=OrderState.EXPIRED, reason=reason, moves=moves)

    def _yes(self, claimed: Claimed, step: Step, outcome: Confirmed) -> Change:
        if step is Step.PLACE and self.capabilities.two_phase:
            return self._quoted(claimed, outcome)
        change = self._placed(claimed, outcome.lines, outcome.provider_ref)
        broken = breach(claimed.max_total, outcome.total)
        if broken is None:
            return replace(change, total=outcome.total)
        alert = _event("order.charged_above_max", {"reason": broken})
        return replace(change, total=outcome.total, reason=broken, events=(alert,))

    def _quoted(self, claimed: Claimed, outcome: Confirmed) -> Change:
        broken = breach(claimed.max_total, outcome.total)
        if broken is not None:
            return _no(claimed, Refused(RefusalCode.PRICE_ABOVE_MAX, broken))
        return _change(
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
            return _change(claimed, state=ended, provider_ref=provider_ref, moves=moves)
        waits = self.capabilities.poll_every
        polls = claimed.tries if claimed.step is Step.POLL else 0
        return _change(
            claimed,
            state=OrderState.PLACED,
            step=Step.POLL,
            due_in=waits[min(polls, len(waits) - 1)],
            tries=polls + 1,
            provider_ref=provider_ref,
            moves=moves,
        )

    def _again(self, claimed: Claimed, step: Step, outcome: NotSent, chance: float) -> Change:
        if claimed.expires_at is None and claimed.age >= self.policy.retry_for:
            reason = f"gave up after {self.policy.retry_for}, never sent: {outcome.reason}"
            moves = line_moves(claimed, (), LineState.FAILED, reason)
            return _change(claimed, state=OrderState.FAILED, reason=reason, moves=moves)
        wait = self.policy.retry_in(claimed.tries, chance, outcome.retry_after)
        if claimed.expires_at is not None:
            left = claimed.expires_at - claimed.now - self.needs
            if left <= AT_ONCE:
                return self.window_closed(claimed)
            wait = min(wait, left)
        return _change(
            claimed,
            state=_UNDER_WAY[step],
            step=step,
            due_in=wait,
            tries=claimed.tries + 1,
            reason=f"not sent: {outcome.reason}",
        )

    def _doubt(self, claimed: Claimed, step: Step, outcome: InDoubt, chance: float) -> Change:
        match self._after(step):
            case Doubt.HARMLESS:
                tries = claimed.tries + 1
                spent = tries > self.capabilities.repeats
                return _change(
                    claimed,
                    state=_UNDER_WAY[step],
                    step=step,
                    due_in=_HARMLESS_WAIT if spent else self.policy.retry_in(tries, chance),
                    tries=tries,
                    reason=f"unknown outcome, repeating is harmless: {outcome.reason}",
                )
            case Doubt.LOOK_UP | Doubt.LOOK_UP_ONCE | Doubt.LOOK_UP_WEAK | Doubt.REPLAY:
                reason = f"unknown outcome: {outcome.reason}"
                return _change(
                    claimed,
                    state=OrderState.IN_DOUBT,
                    step=Step.RECONCILE,
                    due_in=self.policy.look_up_in(0),
                    reason=reason,
                    moves=line_moves(claimed, (), LineState.IN_DOUBT, reason),
                )
            case Doubt.NONE:
                return _parked(claimed, f"unknown outcome, and no way to ask: {outcome.reason}")

    def _absent(self, claimed: Claimed, step: Step, finding: Absent) -> Change:
        look_ups = claimed.look_ups + 1
        doubt = self._after(step)
        attempt = claimed.attempt
        assert attempt is not None  # noqa: S101 -- only an attempt can be in doubt
        age = claimed.now - attempt.opened_at
        proven = doubt is Doubt.LOOK_UP_ONCE or (
            doubt is Doubt.LOOK_UP
            and self.policy.absence_is_proof(look_ups, age, self.call_deadline)
        )
        end = AttemptEnd(
            attempt_id=attempt.attempt_id,
            outcome=OutcomeName.NOT_SENT if proven else OutcomeName.IN_DOUBT,
            reason="proven absent" if proven else f"absent at look-up {look_ups}",
            evidence=finding.evidence,
            look_ups=look_ups,
        )
        if proven:
            change = _change(claimed, state=_UNDER_WAY[step], step=step, due_in=AT_ONCE)
        else:
            change = self._ask_again(claimed, look_ups, age, doubt)
        asked = _event("order.looked_up", {"found": False, "look_ups": look_ups})
        return replace(change, attempt=end, events=(*change.events, asked))

    def _ask_again(self, claimed: Claimed, look_ups: int, age: timedelta, doubt: Doubt) -> Change:
        wait = self.policy.look_up_in(look_ups)
        if wait is None and doubt is Doubt.LOOK_UP_WEAK:
            return _parked(
                claimed,
                f"absent at {look_ups} look-ups, the last {age} after the call; this provider's"
                " list is no proof of absence",
            )
        return _change(
            claimed,
            state=OrderState.IN_DOUBT,
            step=Step.RECONCILE,
            due_in=wait or self.policy.look_up_waits[-1],
            reason=f"absent at look-up {look_ups}",
        )

    def _after(self, step: Step) -> Doubt:
        if step is Step.CONFIRM and self.capabilities.after_confirm is not None:
            return self.capabilities.after_confirm
        return self.capabilities.after_place


_UNDER_WAY: Mapping[Step, OrderState] = {
    Step.PLACE: OrderState.PLACING,
    Step.CONFIRM: OrderState.CONFIRMING,
}

_REFUSED_AS: Mapping[RefusalCode, tuple[LineState, OrderState]] = {
    RefusalCode.EXPIRED: (LineState.EXPIRED, OrderState.EXPIRED),
    RefusalCode.CANCELLED: (LineState.CANCELLED, OrderState.CANCELLED),
}


def _no(claimed: Claimed, outcome: Refused) -> Change:
    line, state = _REFUSED_AS.get(outcome.code, (LineState.REFUSED, OrderState.REFUSED))
    reason = f"{outcome.code}: {outcome.reason}"
    blame = tuple(replace(report, state=line) for report in outcome.lines)
    moves = line_moves(claimed, blame, line, reason)
    return _change(claimed, state=state, reason=reason, moves=moves)


def _parked(claimed: Claimed, reason: str) -> Change:
    return _change(
        claimed,
        state=OrderState.PARKED,
        reason=reason,
        parked_reason=reason,
        moves=line_moves(claimed, (), LineState.IN_DOUBT, reason),
        events=(_event("order.parked", {"reason": reason}),),
    )


def _change(claimed: Claimed, **what: Any) -> Change:
    return Change(
        order_id=claimed.order.order_id,
        fence=claimed.fence,
        producer=claimed.producer,
        notify_url=claimed.notify_url,
        **what,
    )


def _end(claimed: Claimed, outcome: Outcome) -> AttemptEnd | None:
    if claimed.attempt is None:
        return None
    return AttemptEnd(
        attempt_id=claimed.attempt.attempt_id,
        outcome=name_of(outcome),
        reason=None if isinstance(outcome, Confirmed | Pending) else outcome.reason,
        evidence=outcome.evidence,
        look_ups=claimed.look_ups,
    )


def _event(kind: str, data: Mapping[str, Any]) -> OrderEvent:
    return OrderEvent(event_id=EventId(new_uuid()), type=kind, data=data)
