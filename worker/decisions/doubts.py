"""What follows from a buying call's unknown outcome, and from looking it up."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from worker.capabilities import Doubt
from worker.change import Change
from worker.decisions.rules import AT_ONCE, Rules
from worker.lifecycle import UNDER_WAY, LineState, OrderState, Step
from worker.moves import line_moves
from worker.order import Claimed
from worker.outcome import Absent, InDoubt, NotSent, Outcome, OutcomeName
from worker.parking import Because
from worker.verdicts import attempt_end, cancelled, change_of, noted, parked, refused, still_parked

_QUESTIONS: Final = 5
"""How often an unanswered question about a parked order is put again."""

_HARMLESS_WAIT: Final = timedelta(minutes=10)
"""After the allowed repeats of a harmless call: as long as its leftovers may hold funds."""


def doubt(rules: Rules, claimed: Claimed, step: Step, outcome: InDoubt, chance: float) -> Change:
    """A buying call was made, and nobody can tell whether it was carried out."""
    reason = f"unknown outcome: {outcome.reason}"
    match rules.after(step):
        case Doubt.HARMLESS:
            return _repeated(rules, claimed, step, outcome, chance)
        case Doubt.REPLAY | Doubt.RESEND if (
            claimed.cancel_asked_at is None
            and rules.sends_again(claimed, step)
            and rules.over(claimed, outcome.reason) is None
        ):
            return _again(rules, claimed, step, reason, chance)
        case Doubt.LOOK_UP | Doubt.LOOK_UP_ONCE | Doubt.LOOK_UP_WEAK | Doubt.REPLAY:
            return looked_up(rules, claimed, reason)
        case Doubt.NONE | Doubt.RESEND:
            return parked(claimed, Because.NO_WAY_TO_ASK, f": {outcome.reason}")


def looked_up(rules: Rules, claimed: Claimed, reason: str) -> Change:
    """The provider is asked what became of the newest attempt."""
    return change_of(
        claimed,
        state=OrderState.IN_DOUBT,
        step=Step.RECONCILE,
        due_in=rules.policy.look_up_waits[0],
        reason=reason,
        moves=line_moves(claimed, (), LineState.IN_DOUBT, reason),
    )


def _again(rules: Rules, claimed: Claimed, step: Step, reason: str, chance: float) -> Change:
    """The very same request is sent again, which is told as the doubt that it is."""
    wait = rules.policy.retry_in(claimed.tries, chance)
    change = rules.next_try(claimed, step, wait, f"{reason}; the same request is sent again")
    moves = line_moves(claimed, (), LineState.IN_DOUBT, reason)
    return replace(change, state=OrderState.IN_DOUBT, moves=moves)


def _repeated(
    rules: Rules, claimed: Claimed, step: Step, outcome: InDoubt, chance: float
) -> Change:
    over = rules.over(claimed, outcome.reason)
    if over is not None:
        return over
    tries = claimed.tries + 1
    spent = tries > rules.capabilities.repeats
    wait = _HARMLESS_WAIT if spent else rules.policy.retry_in(tries, chance)
    reason = f"unknown outcome, repeating is harmless: {outcome.reason}"
    return rules.next_try(claimed, step, wait, reason)


def absent(rules: Rules, claimed: Claimed, step: Step, finding: Absent) -> Change:
    """A look-up was answered, and the order was not there."""
    claimed = replace(claimed, look_ups=claimed.look_ups + 1)
    kind = rules.after(step)
    proven = kind in {Doubt.LOOK_UP, Doubt.REPLAY} and rules.policy.absence_is_proof(
        claimed.look_ups, claimed.since_attempt, rules.call_deadline
    )
    if claimed.state is OrderState.PARKED:
        proven, change = False, still_parked(claimed)  # absence takes no order from a person
    elif proven and claimed.cancel_asked_at is not None:
        change = cancelled(claimed)
    elif proven:
        anew = change_of(claimed, state=UNDER_WAY[step], step=step, due_in=AT_ONCE)
        change = rules.over(claimed, "proven absent") or anew
    elif kind is Doubt.LOOK_UP_ONCE:
        change = _looked_once(rules, claimed, step)
        proven = change.step is None or change.requote is not None
    else:
        change = _ask_again(rules, claimed, kind)
    seen: Outcome = (
        NotSent("proven absent", evidence=finding.evidence)
        if proven
        else InDoubt(f"absent at look-up {claimed.look_ups}", finding.evidence)
    )
    asked = noted("order.looked_up", {"found": False, "look_ups": claimed.look_ups})
    return replace(
        change, attempt=attempt_end(claimed, seen, proven=proven), events=(*change.events, asked)
    )


def _looked_once(rules: Rules, claimed: Claimed, step: Step) -> Change:
    """Absent where a repeat is refused: safe to call again at once, not yet safe to stop."""
    over = rules.over(claimed, "absent at the last look-up")
    anew = over is not None and over.requote is not None
    if claimed.attempt_outcome is OutcomeName.REFUSED and not anew:
        over = refused(claimed)
    elif claimed.cancel_asked_at is not None:
        over = cancelled(claimed)
    if over is None:
        return change_of(claimed, state=UNDER_WAY[step], step=step, due_in=AT_ONCE)
    return over if rules.patience_left(claimed) <= AT_ONCE else wait_and_see(rules, claimed)


def _ask_again(rules: Rules, claimed: Claimed, kind: Doubt) -> Change:
    wait = rules.policy.look_up_in(claimed.look_ups, claimed.since_attempt)
    when = f" {claimed.look_ups}, {claimed.since_attempt} after the call"
    if wait is None and kind is Doubt.LOOK_UP_WEAK:
        proof = "this provider's list is no proof of absence"
        return parked(claimed, Because.NOT_IN_THEIR_LIST, f"{when}; {proof}")
    return change_of(
        claimed,
        state=OrderState.IN_DOUBT,
        step=Step.RECONCILE,
        due_in=wait or rules.policy.look_up_waits[-1],
        reason=f"absent at look-up{when}",
    )


def parked_unanswered(rules: Rules, claimed: Claimed, chance: float) -> Change:
    """A parked order was looked up once more, because its provider called back, in vain."""
    change = still_parked(claimed)
    if claimed.tries >= _QUESTIONS:
        return change
    wait = rules.policy.retry_in(claimed.tries, chance)
    return replace(change, step=Step.RECONCILE, due_in=wait, tries=claimed.tries + 1)


def unless_doubted(rules: Rules, claimed: Claimed, end: Change) -> Change:
    """An end without buying, put off while an earlier call may still come through.

    ``LOOK_UP_ONCE``: after a single look-up another call is safe, because the provider refuses a
    repeat. Saying that nothing was bought is not: for that we look again, late enough.
    A request that could be sent again but may not any more is looked up, or goes to a person.
    An order that is back at placing after a purchase was tried is quoted anew, which it is not
    before that purchase is cleared up; its lines may still say *in doubt*.
    """
    step = claimed.attempt_step
    anew = step is Step.CONFIRM and claimed.step is Step.PLACE
    if step is None or step is Step.CANCEL or anew:
        return end
    doubted = any(line.state is LineState.IN_DOUBT for line in claimed.order.lines)
    if doubted and rules.after(step) is Doubt.LOOK_UP_ONCE:
        return wait_and_see(rules, claimed)
    if rules.unsettled(claimed, step):
        if rules.after(step) in {Doubt.RESEND, Doubt.NONE}:
            return parked(claimed, Because.ENDED_IN_DOUBT, end.reason or "")
        return looked_up(rules, claimed, f"{end.reason}; first its call is looked up")
    return end


def wait_and_see(rules: Rules, claimed: Claimed) -> Change:
    """Nothing may be bought any more; what was asked for earlier is looked up late enough."""
    return change_of(
        claimed,
        state=OrderState.IN_DOUBT,
        step=Step.RECONCILE,
        due_in=max(rules.patience_left(claimed), rules.policy.look_up_waits[0]),
        reason="no call may be made any more; an earlier one may still come through",
    )
