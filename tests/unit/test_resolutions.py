"""What a person may decide about a parked order, and what follows from it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    CALL_DEADLINE,
    NOW,
    ONE_PHASE,
    POLICY,
    TWO_PHASE,
    a_claimed,
    a_decider,
    an_attempt,
)
from worker.capabilities import Capabilities, Doubt, Polling
from worker.change import Change
from worker.decisions.resolutions import Choice, Decision, Resolution, choices, missing, resolved
from worker.lifecycle import LINE_MOVES, ORDER_MOVES, TERMINAL_ORDERS, LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import OutcomeName

L, S, R = LineState, OrderState, Resolution

BY_LINE = Capabilities(after_place=Doubt.LOOK_UP_WEAK, polls=Polling.LINE)
LONG_AGO = NOW - timedelta(hours=1)
NO_POLLS = Capabilities(after_place=Doubt.NONE, polls=Polling.NONE)


def a_parked(
    *lines: LineState,
    call: Step = Step.PLACE,
    outcome: OutcomeName = OutcomeName.IN_DOUBT,
    **fields: Any,
) -> Claimed:
    facts: dict[str, Any] = {
        "state": S.PARKED,
        "parked_reason": "unknown outcome",
        "attempt": an_attempt(step=call, opened_at=LONG_AGO),
        "attempt_outcome": outcome,
        **fields,
    }
    return a_claimed(*(lines or (L.IN_DOUBT,)), step=Step.RECONCILE, **facts)


def said(resolution: Resolution, ref: str | None = None, **line_refs: str) -> Decision:
    return Decision(
        resolution=resolution, by="ada@ops", why="seen there", ref=ref, line_refs=line_refs
    )


def decide(claimed: Claimed, decision: Decision, able: Capabilities = ONE_PHASE) -> Change:
    return resolved(a_decider(able), claimed, decision)


def choice(
    claimed: Claimed,
    resolution: Resolution,
    able: Capabilities = ONE_PHASE,
    surplus: tuple[str | None, ...] = (),
) -> Choice:
    found = choices(a_decider(able), claimed, surplus)
    assert [each.resolution for each in found] == list(Resolution)
    return found[list(Resolution).index(resolution)]


# --- what follows --------------------------------------------------------------------------------


def test_placed_is_asked_after_at_once_under_the_ids_that_were_named() -> None:
    change = decide(a_parked(), said(R.PLACED, "9876", **{"ref-0": "55501"}), BY_LINE)
    assert (change.state, change.step, change.due_in) == (S.PLACED, Step.POLL, timedelta())
    assert change.provider_ref == "9876"
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.CONFIRMED
    [move] = change.moves
    assert (move.to, move.news.provider_line_ref) == (L.ACCEPTED, "55501")


def test_placed_is_the_end_of_it_where_nothing_can_be_asked_after() -> None:
    change = decide(a_parked(), said(R.PLACED), NO_POLLS)
    assert (change.state, change.step) == (S.FULFILLED, None)
    assert [move.to for move in change.moves] == [L.DELIVERED]


def test_refused_ends_what_was_never_bought_and_fails_what_was_taken_on() -> None:
    change = decide(a_parked(L.IN_DOUBT, L.IN_DOUBT), said(R.REFUSED))
    assert (change.state, [move.to for move in change.moves]) == (S.REFUSED, [L.REFUSED] * 2)
    bought = a_parked(L.ACCEPTED, L.DELIVERED, outcome=OutcomeName.CONFIRMED, provider_ref="9")
    change = decide(bought, said(R.REFUSED))
    assert (change.state, [move.to for move in change.moves]) == (S.PARTIALLY_FULFILLED, [L.FAILED])
    assert change.attempt is None  # the provider's yes stays on record


def test_resend_makes_another_attempt_of_the_call_that_was_in_doubt() -> None:
    change = decide(a_parked(), said(R.RESEND))
    assert (change.state, change.step, change.due_in) == (S.PLACING, Step.PLACE, timedelta())
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.NOT_SENT
    change = decide(a_parked(call=Step.CONFIRM, provider_ref="9"), said(R.RESEND), TWO_PHASE)
    assert (change.state, change.step) == (S.CONFIRMING, Step.CONFIRM)


def test_cancelled_ends_every_line_also_one_that_was_delivered() -> None:
    change = decide(a_parked(L.ACCEPTED, L.DELIVERED, L.FAILED), said(R.CANCELLED))
    assert (change.state, [move.to for move in change.moves]) == (S.CANCELLED, [L.CANCELLED] * 2)


@pytest.mark.parametrize("resolution", Resolution)
def test_who_decided_what_and_why_is_in_the_orders_story(resolution: Resolution) -> None:
    change = decide(a_parked(), said(resolution, "9876"))
    assert change.decided_by == "ada@ops"
    [event] = [event for event in change.events if event.type == "order.resolved"]
    assert event.data == {"as": resolution, "by": "ada@ops", "why": "seen there", "ref": "9876"}


def test_why_is_for_our_record_and_not_for_the_producer() -> None:
    for resolution in Resolution:
        change = decide(a_parked(), said(resolution, "9876"))
        assert "seen there" not in repr(change.moves)
        assert "ada@ops" not in repr(change.moves)


# --- what may be decided -------------------------------------------------------------------------


def test_nothing_is_bought_again_that_was_bought() -> None:
    bought = a_parked(L.ACCEPTED, outcome=OutcomeName.CONFIRMED)
    assert "it was bought" in str(choice(bought, R.RESEND).refusal)
    assert "9876" in str(choice(a_parked(provider_ref="9876"), R.RESEND).refusal)
    assert (
        choice(a_parked(call=Step.CONFIRM, provider_ref="9"), R.RESEND, TWO_PHASE).refusal is None
    )


@pytest.mark.parametrize("outcome", [OutcomeName.REFUSED, OutcomeName.NOT_SENT])
def test_nothing_is_bought_again_that_somebody_tried_to_call_off(outcome: OutcomeName) -> None:
    """Whatever became of that, it had been bought."""
    for able, ref in ((ONE_PHASE, None), (TWO_PHASE, "9876")):
        tried = a_parked(L.ACCEPTED, call=Step.CANCEL, outcome=outcome, provider_ref=ref)
        assert "it was bought" in str(choice(tried, R.RESEND, able).refusal)


@pytest.mark.parametrize("resolution", [R.REFUSED, R.RESEND])
def test_that_nothing_is_there_is_believed_of_nobody_while_it_may_still_arrive(
    resolution: Resolution,
) -> None:
    patience = POLICY.patience(CALL_DEADLINE)
    just_now = a_parked(attempt=an_attempt(opened_at=NOW - patience + timedelta(seconds=7)))
    assert "for another 7 seconds" in str(choice(just_now, resolution).refusal)
    over = a_parked(attempt=an_attempt(opened_at=NOW - patience))
    assert choice(over, resolution).refusal is None
    known = replace(just_now, attempt_outcome=OutcomeName.NOT_SENT)
    assert choice(known, resolution).refusal is None
    assert choice(just_now, R.PLACED).refusal is None


def test_nothing_is_bought_again_too_late() -> None:
    late = a_parked(expires_at=NOW + timedelta(seconds=30))
    assert "the quote's window closed" in str(choice(late, R.RESEND).refusal)
    old = a_parked(created_at=NOW - timedelta(hours=25))
    assert "too late" in str(choice(old, R.RESEND).refusal)
    assert choice(a_parked(expires_at=NOW + timedelta(minutes=5)), R.RESEND).refusal is None


@pytest.mark.parametrize("resolution", [R.REFUSED, R.RESEND])
def test_that_nothing_is_there_is_not_said_while_a_surplus_order_is_open(
    resolution: Resolution,
) -> None:
    refusal = str(choice(a_parked(), resolution, surplus=("77", None)).refusal)
    assert "77, one without an id" in refusal
    assert choice(a_parked(), R.PLACED, surplus=("77",)).refusal is None


def test_what_was_to_be_called_off_either_stands_or_is_called_off() -> None:
    wish = a_parked(L.ACCEPTED, L.DELIVERED, call=Step.CANCEL, provider_ref="9")
    refusals = [choice(wish, resolution).refusal is None for resolution in Resolution]
    assert refusals == [True, False, False, True]
    undecided = replace(wish, attempt_outcome=OutcomeName.PENDING)
    assert choices(a_decider(), undecided) == choices(a_decider(), wish)
    stands = decide(wish, said(R.PLACED))
    assert (stands.state, stands.step, stands.moves) == (S.PLACED, Step.POLL, ())
    given_back = decide(a_parked(L.DELIVERED, call=Step.CANCEL), said(R.PLACED))
    assert (given_back.state, given_back.step) == (S.FULFILLED, None)
    gone = decide(wish, said(R.CANCELLED))
    assert gone.state is S.CANCELLED
    assert gone.attempt is not None
    assert gone.attempt.outcome is OutcomeName.CONFIRMED


# --- what a decision needs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("able", "decision", "lacks"),
    [
        (ONE_PHASE, said(R.PLACED), "--ref ID"),
        (ONE_PHASE, said(R.PLACED, "9876"), None),
        (BY_LINE, said(R.PLACED, "9876"), "--line d-1=ID --line d-2=ID"),
        (BY_LINE, said(R.PLACED, "9876", **{"ref-0": "1"}), "--line d-2=ID"),
        (BY_LINE, said(R.PLACED, "9876", **{"ref-0": "1", "ref-1": "2"}), None),
        (NO_POLLS, said(R.PLACED), None),
        (BY_LINE, said(R.REFUSED), None),
        (BY_LINE, said(R.RESEND), None),
        (BY_LINE, said(R.CANCELLED), None),
    ],
)
def test_placed_needs_the_ids_by_which_it_is_asked_after(
    able: Capabilities, decision: Decision, lacks: str | None
) -> None:
    found = missing(a_decider(able), a_parked(L.IN_DOUBT, L.IN_DOUBT), decision)
    assert found is None if lacks is None else lacks in str(found)


def test_an_id_that_is_known_is_not_changed() -> None:
    known = a_parked(provider_ref="9876")
    assert missing(a_decider(), known, said(R.PLACED)) is None
    assert missing(a_decider(), known, said(R.PLACED, "9876")) is None
    assert "9876" in str(missing(a_decider(), known, said(R.PLACED, "5")))


def test_a_lines_id_that_is_known_is_not_changed() -> None:
    parked = a_parked(provider_ref="9876")
    [line] = parked.order.lines
    lines = (replace(line, provider_line_ref="55501"),)
    known = replace(parked, order=replace(parked.order, lines=lines))
    decider = a_decider(BY_LINE)
    assert missing(decider, known, said(R.PLACED)) is None
    assert missing(decider, known, said(R.PLACED, **{"ref-0": "55501"})) is None
    other = str(missing(decider, known, said(R.PLACED, **{"ref-0": "5"})))
    assert "the provider's id of d-1 is known already: 55501" in other


# --- in any case ---------------------------------------------------------------------------------


@given(
    lines=st.lists(st.sampled_from(LineState), min_size=1, max_size=3),
    call=st.sampled_from([Step.PLACE, Step.CONFIRM, Step.CANCEL]),
    outcome=st.sampled_from(OutcomeName),
    able=st.sampled_from([ONE_PHASE, TWO_PHASE, BY_LINE, NO_POLLS]),
    ref=st.none() | st.just("9"),
    resolution=st.sampled_from(Resolution),
)
def test_whatever_may_be_decided_keeps_to_the_transitions_and_leaves_nothing_stuck(
    lines: list[LineState],
    call: Step,
    outcome: OutcomeName,
    able: Capabilities,
    ref: str | None,
    resolution: Resolution,
) -> None:
    parked = a_parked(*lines, call=call, outcome=outcome, provider_ref=ref)
    if choice(parked, resolution, able).refusal is not None:
        return
    refs = {line.line_ref: "1" for line in parked.order.lines}
    change = decide(parked, replace(said(resolution, "9"), line_refs=refs), able)
    states = {line.line_id: line.state for line in parked.order.lines}
    for move in change.moves:
        called_off = move.to is L.CANCELLED and states[move.line_id] is L.DELIVERED
        assert move.to in LINE_MOVES[states[move.line_id]] or called_off
    assert change.state in ORDER_MOVES[S.PARKED]
    assert (change.step is None) == (change.state in TERMINAL_ORDERS)
    assert (change.due_in is None) == (change.step is None)
    assert change.parked_reason is None
