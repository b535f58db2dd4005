"""What a person may decide about a parked order, and what follows.

An order is parked because no machine could tell what became of a call: one that buys or, with
the order bought, one that calls it off. A person finds out, and says so once. Which answers make
sense depends on the call and on what is known; each one that does not says why.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from worker.capabilities import Polling
from worker.change import AttemptEnd, Change
from worker.decisions import cancels
from worker.decisions.rules import AT_ONCE, Rules
from worker.lifecycle import UNDER_WAY, LineState, OrderState, Step
from worker.moves import called_off, ended_as, line_moves
from worker.order import Claimed, Ordered
from worker.outcome import (
    Confirmed,
    LineReport,
    NotSent,
    Outcome,
    OutcomeName,
    RefusalCode,
    Refused,
)
from worker.verdicts import attempt_end, change_of, noted

_BOUGHT: Final = frozenset({OutcomeName.CONFIRMED, OutcomeName.PENDING})
_BY_A_PERSON: Final = "a person decided, after nothing else could tell"


class Resolution(StrEnum):
    """What a person found out."""

    PLACED = "placed"
    """The provider has the order."""
    REFUSED = "refused"
    """The provider does not have it, and the shop does not want it any more."""
    RESEND = "resend"
    """The provider does not have it, and it is to be bought after all."""
    CANCELLED = "cancelled"
    """It was called off at the provider."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: what it means, or why it cannot be made."""

    resolution: Resolution
    means: str
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person says of a parked order, with all that goes into its story.

    ``ref`` is the provider's id of the order, ``line_refs`` are its ids of lines by our own.
    """

    resolution: Resolution
    by: str
    why: str
    ref: str | None = None
    line_refs: Mapping[str, str] = field(default_factory=dict)

    def under(self, order: Ordered) -> Ordered:
        """The order under the ids that are known of it, and else under those that were named."""
        lines = tuple(
            replace(
                line,
                provider_line_ref=line.provider_line_ref or self.line_refs.get(line.line_ref),
            )
            for line in order.lines
        )
        return replace(order, provider_ref=order.provider_ref or self.ref, lines=lines)


def choices(rules: Rules, claimed: Claimed, surplus: Sequence[str | None] = ()) -> list[Choice]:
    """Every decision there is, those that cannot be made with the reason.

    ``surplus`` are the further orders at the provider that nobody has dealt with yet.
    """
    if _is_wish(claimed):
        return _of_a_wish()
    return [
        Choice(Resolution.PLACED, _placed_means(rules, claimed), None),
        Choice(
            Resolution.REFUSED,
            "nothing of it is at the provider; it ends, and its producer is told",
            _why_not_yet(rules, claimed) or _why_not_while(surplus),
        ),
        Choice(
            Resolution.RESEND,
            "nothing of it is at the provider; it is bought now, as if it had just come in",
            _why_not_yet(rules, claimed)
            or _why_not_while(surplus)
            or _why_not_again(rules, claimed),
        ),
        Choice(Resolution.CANCELLED, "it was called off at the provider; it ends as cancelled"),
    ]


def missing(rules: Rules, claimed: Claimed, decision: Decision) -> str | None:
    """What a decision lacks to be carried out; ``None`` where it is complete."""
    if decision.resolution is not Resolution.PLACED or _is_wish(claimed):
        return None
    if (known := _known_otherwise(claimed.order, decision)) is not None:
        return known
    named = decision.under(claimed.order)
    if rules.capabilities.polls is Polling.NONE:
        return None
    if named.provider_ref is None:
        return "the provider's id of the order is needed, to ask where it stands: --ref ID"
    if rules.capabilities.polls is Polling.LINE:
        unknown = [line.deliver_id for line in named.lines if line.provider_line_ref is None]
        if unknown:
            each = " ".join(f"--line {name}=ID" for name in unknown)
            return f"the provider's id of each line is needed, to ask where it stands: {each}"
    return None


def _known_otherwise(order: Ordered, decision: Decision) -> str | None:
    """Which id that was named is known already, as another one: ids are written once."""
    lines = (
        (line.deliver_id, line.provider_line_ref, decision.line_refs.get(line.line_ref))
        for line in order.lines
    )
    for what, known, said in (("this order", order.provider_ref, decision.ref), *lines):
        if known is not None and said not in {None, known}:
            return f"the provider's id of {what} is known already: {known}"
    return None


def resolved(rules: Rules, claimed: Claimed, decision: Decision) -> Change:
    """What a decision does. It must be one of ``choices``, and complete."""
    outcome, change = _followed(rules, claimed, decision)
    told = {
        "as": decision.resolution,
        "by": decision.by,
        "why": decision.why,
        **({"ref": decision.ref} if decision.ref else {}),
    }
    return replace(
        change,
        attempt=_end(claimed, outcome),
        events=(*change.events, noted("order.resolved", told)),
        decided_by=decision.by,
    )


def _followed(rules: Rules, claimed: Claimed, decision: Decision) -> tuple[Outcome, Change]:
    """What its call is now known to have come to, and the change that follows."""
    match decision.resolution:
        case Resolution.PLACED if _is_wish(claimed):
            no = Refused(RefusalCode.OTHER, _BY_A_PERSON)
            return no, cancels.stands(rules, claimed, _BY_A_PERSON)
        case Resolution.PLACED:
            return _placed(rules, claimed, decision)
        case Resolution.REFUSED:
            no = Refused(RefusalCode.OTHER, f"it never took place; {_BY_A_PERSON}")
            return no, _nothing_there(claimed, no.reason)
        case Resolution.CANCELLED:
            yes = _is_wish(claimed) or _settled(claimed)
            outcome = Confirmed(claimed.order.provider_ref) if yes else NotSent(_BY_A_PERSON)
            return outcome, _gone(claimed)
        case Resolution.RESEND:
            step = claimed.attempt_step or Step.PLACE
            again = change_of(
                claimed,
                state=UNDER_WAY[step],
                step=step,
                due_in=AT_ONCE,
                reason=f"to be bought again: {_BY_A_PERSON}",
            )
            return NotSent(f"it never took place; {_BY_A_PERSON}"), again


def _placed(rules: Rules, claimed: Claimed, decision: Decision) -> tuple[Outcome, Change]:
    ended = rules.capabilities.polls is Polling.NONE
    state = LineState.DELIVERED if ended else LineState.ACCEPTED
    order = decision.under(claimed.order)
    reports = tuple(
        LineReport(line.line_ref, state, line.provider_line_ref) for line in order.lines
    )
    moves = line_moves(claimed, reports, state, provider_ref=order.provider_ref)
    end = ended_as(claimed, moves)
    change = change_of(
        claimed,
        state=end or OrderState.PLACED,
        reason=f"at the provider: {_BY_A_PERSON}",
        provider_ref=order.provider_ref,
        moves=moves,
    )
    if end is None:
        change = replace(change, step=Step.POLL, due_in=AT_ONCE)
    return Confirmed(order.provider_ref, reports), change


def _nothing_there(claimed: Claimed, reason: str) -> Change:
    """Each line ends as refused or, where it had been taken on, as failed."""
    taken = {LineState.ACCEPTED, LineState.PARTIALLY_DELIVERED}
    reports = [
        LineReport(
            line.line_ref,
            LineState.FAILED if line.state in taken else LineState.REFUSED,
            reason=reason,
        )
        for line in claimed.order.lines
    ]
    moves = line_moves(claimed, reports, LineState.REFUSED)
    end = ended_as(claimed, moves) or OrderState.FAILED
    return change_of(claimed, state=end, reason=reason, moves=moves)


def _gone(claimed: Claimed) -> Change:
    """Every line ends as called off, also what was delivered: it was given back."""
    moves = called_off(claimed, ())
    end = ended_as(claimed, moves) or OrderState.CANCELLED
    state = OrderState.CANCELLED if end is OrderState.FAILED else end
    return change_of(claimed, state=state, reason=_BY_A_PERSON, moves=moves, cancel_answered=True)


def _of_a_wish() -> list[Choice]:
    wish = "its call is one that calls it off"
    return [
        Choice(Resolution.PLACED, "it was not called off: it stands as it did before"),
        Choice(Resolution.REFUSED, "nothing of it is at the provider", f"{wish}: say cancelled"),
        Choice(
            Resolution.RESEND,
            "it is put to the provider once more",
            f"{wish}: say placed, then `orderline cancel` puts it once more",
        ),
        Choice(Resolution.CANCELLED, "it was called off at the provider; it ends as cancelled"),
    ]


def _placed_means(rules: Rules, claimed: Claimed) -> str:
    match rules.capabilities.polls:
        case Polling.NONE:
            return "the provider took it, and with that it has ended: its producer is told"
        case Polling.LINE if claimed.order.provider_ref is None:
            return "the provider has it, by these ids of the order and of each line; it goes on"
        case _ if claimed.order.provider_ref is None:
            return "the provider has it, by this id; it goes on"
        case _:
            return "the provider has it; it goes on"


def _why_not_yet(rules: Rules, claimed: Claimed) -> str | None:
    """Why nobody can know yet that nothing of it is there: what no machine may believe either."""
    left = rules.patience_left(claimed)
    if _settled(claimed) or left <= AT_ONCE:
        return None
    seconds = math.ceil(left.total_seconds())
    return f"its call may still come through, for another {seconds} seconds: look again then"


def _why_not_while(surplus: Sequence[str | None]) -> str | None:
    """Why nobody can say that nothing of it is there while we know of something."""
    if not surplus:
        return None
    named = ", ".join(ref or "one without an id" for ref in surplus)
    return (
        f"another order of it is at the provider ({named}): say placed with its id, or deal"
        " with it first, as returned or kept"
    )


def _why_not_again(rules: Rules, claimed: Claimed) -> str | None:
    if claimed.attempt_outcome in _BOUGHT or claimed.attempt_step is Step.CANCEL:
        return "it was bought: an answer of the provider says so"
    if claimed.order.provider_ref is not None and not rules.capabilities.two_phase:
        return f"it has an order at the provider, {claimed.order.provider_ref}"
    over = rules.over(claimed, "a person would have had it bought again")
    return None if over is None or over.requote is not None else f"too late: {over.reason}"


def _is_wish(claimed: Claimed) -> bool:
    """Whether what nobody can tell is what became of a wish to call it off."""
    undecided = not _settled(claimed) or claimed.attempt_outcome is OutcomeName.PENDING
    return claimed.attempt_step is Step.CANCEL and undecided


def _settled(claimed: Claimed) -> bool:
    """Whether what the newest call came to is known."""
    return claimed.attempt_outcome not in {None, OutcomeName.IN_DOUBT}


def _end(claimed: Claimed, outcome: Outcome) -> AttemptEnd | None:
    """The doubtful attempt ends by what the person says; one that has ended stays as it is."""
    if _settled(claimed):
        return None
    return attempt_end(claimed, outcome, proven=True)
