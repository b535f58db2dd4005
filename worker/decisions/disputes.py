"""What follows when a provider is asked about an order of which its books say something else.

Its own answer about the order counts, not the list: that may lag. Only where the answer, too, is
another one than ours a person has to decide.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

from worker.books import Difference, Rule
from worker.capabilities import MADE_ANEW
from worker.change import Change
from worker.decisions.decider import Decider
from worker.decisions.rules import AT_ONCE
from worker.lifecycle import UNDER_WAY, OrderState, Step, may_move
from worker.order import Claimed
from worker.outcome import (
    Confirmed,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    Refused,
)
from worker.parking import Because
from worker.verdicts import change_of, parked, still_parked

_SERVER_ERROR = 500


class Settled(StrEnum):
    """What became of a dispute."""

    FOLLOWED = "followed"
    """Ours is now what theirs is."""
    AGREED = "agreed"
    """Asked about the order, the provider says what our books say."""
    PARKED = "parked"
    """A person decides."""
    OPEN = "open"
    """The provider did not answer, or its answer settles nothing yet."""


def is_placed(claimed: Claimed) -> bool:
    """Whether the order is asked after (``poll``); another one is looked up by its newest call."""
    return claimed.state is OrderState.PLACED


def polled(
    decider: Decider, claimed: Claimed, found: Difference, outcome: Outcome, chance: float
) -> tuple[Change, Settled]:
    """A placed order was asked after because of a difference."""
    change = decider.after_poll(claimed, outcome, chance)
    match outcome:
        case Confirmed() | Pending():
            if disagrees(claimed, outcome.lines):
                return parked(claimed, Because.BOOKS_DISAGREE, _disputed(found)), Settled.PARKED
            if change.moves:
                return change, Settled.FOLLOWED
            agreed = found.rule is not Rule.MOVE and agrees(claimed, outcome.lines)
            return change, Settled.AGREED if agreed else Settled.OPEN
        case Refused():
            return change, Settled.PARKED
        case InDoubt() if denies(outcome):
            return parked(claimed, Because.BOOKS_DISAGREE, _disputed(found)), Settled.PARKED
        case NotSent() | InDoubt():
            return change, Settled.OPEN
        case _:
            assert_never(outcome)


def looked_up(
    decider: Decider, claimed: Claimed, found: Difference, finding: LookUp, chance: float
) -> tuple[Change, Settled]:
    """An order that is not placed yet was looked up, because its provider's books have it.

    Without a yes it goes on as it would have; unless that is to buy anew what may be there.
    """
    if isinstance(finding, Confirmed | Pending) and claimed.state is not OrderState.QUOTED:
        return decider.after_look_up(claimed, finding, chance), Settled.FOLLOWED
    if _would_buy_anew(decider, claimed):
        told = f"{_disputed(found)}; asked about its last call, it does not confirm that"
        return parked(claimed, Because.BOOKS_DISAGREE, told), Settled.PARKED
    return as_it_was(claimed), Settled.OPEN


def unknown_call(claimed: Claimed, found: Difference) -> tuple[Change, Settled]:
    """Their books have it, and ours know of no call that could have ordered it."""
    if claimed.state is OrderState.PARKED:
        return still_parked(claimed), Settled.PARKED
    told = f"{_disputed(found)}; no call for it is known here"
    return parked(claimed, Because.BOOKS_DISAGREE, told), Settled.PARKED


def as_it_was(claimed: Claimed) -> Change:
    """Give the order back unchanged; what was to be done about it is due at once."""
    if claimed.state is OrderState.PARKED:
        return still_parked(claimed)
    return change_of(
        claimed,
        state=claimed.state,
        step=claimed.step,
        due_in=AT_ONCE,
        tries=claimed.tries,
        reason=claimed.reason,
    )


def disagrees(claimed: Claimed, reports: Iterable[LineReport]) -> bool:
    """Whether a provider says of a line what ours can never become."""
    states = {line.line_ref: line.state for line in claimed.order.lines}
    return any(
        report.line_ref in states
        and report.state is not states[report.line_ref]
        and not may_move(states[report.line_ref], report.state)
        for report in reports
    )


def agrees(claimed: Claimed, reports: Iterable[LineReport]) -> bool:
    """Whether a provider says of every line what ours is, or may become."""
    told = tuple(reports)
    silent = {line.line_ref for line in claimed.order.lines} - {each.line_ref for each in told}
    return not silent and not disagrees(claimed, told)


def denies(outcome: InDoubt) -> bool:
    """Whether an answer arrived whole, and was none about an order that it has."""
    status = outcome.evidence.status
    return status is not None and status < _SERVER_ERROR


def can_look_up(claimed: Claimed) -> bool:
    """Whether there is a buying call of the order that the provider can be asked about."""
    return claimed.attempt is not None and claimed.attempt_step is not Step.CANCEL


def _would_buy_anew(decider: Decider, claimed: Claimed) -> bool:
    """Whether the next thing that is done to it is a call that may buy it a second time."""
    step = claimed.step
    buys = step in UNDER_WAY and decider.after(step) not in MADE_ANEW
    doubted = claimed.left_open or decider.unsettled(claimed, step)
    return claimed.state is not OrderState.PARKED and buys and not doubted


def _disputed(found: Difference) -> str:
    ref = found.provider_ref or "an order"
    return f"{ref}: {found.theirs}; ours say: {found.ours}"
