"""What follows when a provider is asked about an order of which its books say something else."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import OrderId, new_uuid
from tests.builders import ONE_PHASE, TWO_PHASE, a_claimed, a_decider, an_attempt, reports
from tests.properties.test_decisions import (
    chances,
    check,
    claimed_at,
    deciders,
    findings,
    outcomes,
)
from worker.books import Difference, DifferenceKind, Rule
from worker.capabilities import Capabilities, Doubt
from worker.change import Change
from worker.decisions import Decider, disputes
from worker.decisions.disputes import Settled
from worker.lifecycle import UNDER_WAY, LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
)

L, S = LineState, OrderState

WEAK: Final = Capabilities(after_place=Doubt.LOOK_UP_WEAK)
REPLAYING: Final = Capabilities(after_place=Doubt.REPLAY)
NOT_FOUND: Final = InDoubt("not found", Evidence(404))
NO_ANSWER: Final = InDoubt("reset")
BROKEN: Final = InDoubt("an error page", Evidence(502))
THROTTLED: Final = NotSent("throttled")
NO: Final = Refused(RefusalCode.OTHER, "no")


def a_difference(
    rule: Rule = Rule.MOVE, kind: DifferenceKind = DifferenceKind.STATUS_DIFFERS
) -> Difference:
    return Difference(
        kind=kind,
        rule=rule,
        order_id=OrderId(new_uuid()),
        provider_ref="9",
        ours="accepted",
        theirs="delivered (1)",
    )


MISSING: Final = a_difference(Rule.PARK, DifferenceKind.MISSING_THERE)
ATTACHED: Final = a_difference(Rule.ATTACH, DifferenceKind.MISSING_HERE)


def a_placed(*lines: LineState) -> Claimed:
    return a_claimed(*lines, step=Step.POLL, provider_ref="9", attempt=an_attempt())


def polled(
    claimed: Claimed, outcome: Outcome, found: Difference = MISSING
) -> tuple[Change, Settled]:
    return disputes.polled(a_decider(), claimed, found, outcome, 0.5)


# --- a placed order is asked after ---------------------------------------------------------------


def test_what_moved_there_is_followed() -> None:
    claimed = a_placed(L.ACCEPTED)
    for found in (a_difference(), MISSING):
        for said in (
            Pending("9", reports(claimed, L.DELIVERED)),
            Confirmed("9", reports(claimed, L.DELIVERED)),
        ):
            change, settled = polled(claimed, said, found)
            assert (change.state, settled) == (S.FULFILLED, Settled.FOLLOWED)


def test_what_stands_as_ours_do_agrees_and_does_not_explain_what_the_list_says_of_it() -> None:
    claimed = a_placed(L.ACCEPTED)
    said = Pending("9", reports(claimed, L.ACCEPTED))
    for found, expected in ((MISSING, Settled.AGREED), (a_difference(), Settled.OPEN)):
        change, settled = polled(claimed, said, found)
        assert (change.state, change.moves, settled) == (S.PLACED, (), expected)


def test_nobody_agrees_about_a_line_that_was_not_spoken_of() -> None:
    claimed = a_placed(L.ACCEPTED, L.ACCEPTED)
    change, settled = polled(claimed, Pending("9", reports(claimed, L.ACCEPTED)))
    assert (change.state, settled) == (S.PLACED, Settled.OPEN)


@pytest.mark.parametrize("theirs", [L.ACCEPTED, L.PARTIALLY_DELIVERED, L.FAILED])
def test_what_says_otherwise_itself_too_is_parked(theirs: LineState) -> None:
    claimed = a_placed(L.DELIVERED, L.ACCEPTED)
    change, settled = polled(claimed, Pending("9", reports(claimed, theirs)))
    assert (change.state, settled) == (S.PARKED, Settled.PARKED)
    assert "its provider's books say of 9" in str(change.parked_reason)


def test_what_is_denied_or_refused_is_parked() -> None:
    for outcome in (NOT_FOUND, NO):
        change, settled = polled(a_placed(L.ACCEPTED), outcome)
        assert (change.state, settled) == (S.PARKED, Settled.PARKED)


@pytest.mark.parametrize("outcome", [NO_ANSWER, BROKEN, THROTTLED])
def test_without_an_answer_all_is_left_as_it_is(outcome: Outcome) -> None:
    change, settled = polled(a_placed(L.ACCEPTED), outcome)
    assert (change.state, change.step, change.moves, settled) == (
        S.PLACED, Step.POLL, (), Settled.OPEN,
    )  # fmt: skip


# --- another one is looked up --------------------------------------------------------------------


def unplaced(state: OrderState, step: Step, outcome: OutcomeName | None, **more: Any) -> Claimed:
    fields: dict[str, Any] = {"attempt": an_attempt(), "attempt_outcome": outcome, **more}
    if state is S.PARKED:
        fields["parked_reason"] = "a list is no proof"
    return a_claimed(L.IN_DOUBT, step=step, state=state, **fields)


DOUBTED: Final = {
    "in-doubt": unplaced(S.IN_DOUBT, Step.RECONCILE, OutcomeName.IN_DOUBT),
    "left-open": unplaced(S.PLACING, Step.PLACE, None),
    "parked": unplaced(S.PARKED, Step.RECONCILE, OutcomeName.IN_DOUBT),
    "not-sent": unplaced(S.PLACING, Step.PLACE, OutcomeName.NOT_SENT),
}


@pytest.mark.parametrize("claimed", DOUBTED.values(), ids=DOUBTED)
def test_a_yes_is_followed_whatever_was_known_before(claimed: Claimed) -> None:
    for said in (Confirmed("9"), Pending("9")):
        change, settled = disputes.looked_up(a_decider(WEAK), claimed, ATTACHED, said, 0.5)
        assert (change.state, change.provider_ref, settled) == (S.PLACED, "9", Settled.FOLLOWED)


@pytest.mark.parametrize("finding", [Absent(), NO, NOT_FOUND, NO_ANSWER, THROTTLED])
@pytest.mark.parametrize("name", ["in-doubt", "left-open", "parked"])
def test_without_a_yes_what_is_in_doubt_stays_so(name: str, finding: LookUp) -> None:
    claimed = DOUBTED[name]
    change, settled = disputes.looked_up(a_decider(WEAK), claimed, ATTACHED, finding, 0.5)
    assert (change.state, settled) == (claimed.state, Settled.OPEN)
    assert (change.moves, change.attempt) == ((), None)
    assert change.step is (None if claimed.state is S.PARKED else claimed.step)


@pytest.mark.parametrize("finding", [Absent(), NO, NOT_FOUND, NO_ANSWER, THROTTLED])
@pytest.mark.parametrize("able", [WEAK, REPLAYING, ONE_PHASE])
def test_what_would_be_bought_anew_while_the_books_have_it_is_parked(
    able: Capabilities, finding: LookUp
) -> None:
    claimed = DOUBTED["not-sent"]
    change, settled = disputes.looked_up(a_decider(able), claimed, ATTACHED, finding, 0.5)
    assert (change.state, settled) == (S.PARKED, Settled.PARKED)


@pytest.mark.parametrize("finding", [Confirmed("9"), Pending("9"), Absent(), NO_ANSWER])
def test_what_is_only_quoted_here_is_confirmed_as_it_would_have_been(finding: LookUp) -> None:
    """Its confirming call was never made, as far as we know: the provider refuses a second one."""
    claimed = a_claimed(
        L.QUOTED, step=Step.CONFIRM, state=S.QUOTED, provider_ref="9",
        attempt=an_attempt(), attempt_outcome=OutcomeName.CONFIRMED,
    )  # fmt: skip
    change, settled = disputes.looked_up(
        a_decider(TWO_PHASE), claimed, a_difference(), finding, 0.5
    )
    assert (change.state, change.step, settled) == (S.QUOTED, Step.CONFIRM, Settled.OPEN)


def test_what_no_call_is_known_of_is_parked_and_stays_so() -> None:
    new = a_claimed(state=S.ACCEPTED)
    assert not disputes.can_look_up(new)
    change, settled = disputes.unknown_call(new, ATTACHED)
    assert (change.state, settled) == (S.PARKED, Settled.PARKED)
    assert "no call for it is known here" in str(change.parked_reason)
    check(new, change)
    parked = replace(new, state=S.PARKED, parked_reason="restored")
    change, settled = disputes.unknown_call(parked, ATTACHED)
    assert (change.parked_reason, change.moves, settled) == ("restored", (), Settled.PARKED)


def test_a_call_that_was_to_call_it_off_is_no_call_to_look_up() -> None:
    assert not disputes.can_look_up(a_claimed(attempt=an_attempt(step=Step.CANCEL)))
    assert disputes.can_look_up(a_claimed(attempt=an_attempt()))


# --- whatever is answered ------------------------------------------------------------------------

rules = st.sampled_from([a_difference(rule) for rule in (Rule.MOVE, Rule.PARK)])


@given(deciders, claimed_at(Step.POLL), rules, outcomes, chances)
def test_every_poll_is_settled_well(
    decider: Decider, claimed: Claimed, found: Difference, outcome: Outcome, chance: float
) -> None:
    change, settled = disputes.polled(decider, claimed, found, outcome, chance)
    check(claimed, change)
    assert change.step in {None, Step.POLL}
    assert (change.state is S.PARKED) == (settled is Settled.PARKED)
    assert not change.moves or settled in {Settled.FOLLOWED, Settled.PARKED}


@st.composite
def unplaced_ones(draw: st.DrawFn) -> Claimed:
    step = draw(st.sampled_from([Step.PLACE, Step.CONFIRM, Step.RECONCILE]))
    claimed = draw(claimed_at(step))
    outcome = draw(st.sampled_from([None, *OutcomeName]))
    if step is Step.RECONCILE and draw(st.booleans()):
        return replace(claimed, state=S.PARKED, parked_reason="x", attempt_outcome=outcome)
    if step is Step.CONFIRM and draw(st.booleans()):
        return replace(claimed, state=S.QUOTED)
    return replace(claimed, attempt_outcome=outcome)


@given(deciders, unplaced_ones(), findings, chances)
def test_every_look_up_is_settled_well(
    decider: Decider, claimed: Claimed, finding: LookUp, chance: float
) -> None:
    change, settled = disputes.looked_up(decider, claimed, ATTACHED, finding, chance)
    if settled is Settled.OPEN:
        assert (change.state, change.moves, change.attempt) == (claimed.state, (), None)
    else:
        check(claimed, change)
    assert (settled is Settled.FOLLOWED) <= isinstance(finding, Confirmed | Pending)
    assert (settled is Settled.PARKED) <= (change.state is S.PARKED)


@given(deciders, unplaced_ones(), findings, chances)
def test_no_look_up_leads_to_a_call_that_may_buy_twice(
    decider: Decider, claimed: Claimed, finding: LookUp, chance: float
) -> None:
    change, settled = disputes.looked_up(decider, claimed, ATTACHED, finding, chance)
    if change.step not in UNDER_WAY or settled is Settled.FOLLOWED:
        return
    assert change.step is claimed.step
    repeatable = decider.after(change.step) in {Doubt.HARMLESS, Doubt.LOOK_UP_ONCE}
    assert repeatable or claimed.left_open or decider.unsettled(claimed, change.step)


@given(deciders, unplaced_ones(), st.sampled_from([Confirmed("9"), Pending("9")]), chances)
def test_after_a_yes_only_what_was_quoted_is_bought(
    decider: Decider, claimed: Claimed, finding: LookUp, chance: float
) -> None:
    change, _ = disputes.looked_up(decider, claimed, ATTACHED, finding, chance)
    if change.step in UNDER_WAY:
        assert change.step is Step.CONFIRM
        assert claimed.attempt_step is Step.PLACE or claimed.state is S.QUOTED
