"""What is said of a call whose outcome is unknown, and of what a person decided about it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import CALL_DEADLINE, NOW, ONE_PHASE, POLICY, a_claimed, a_decider, an_attempt
from worker.capabilities import Capabilities, Doubt
from worker.change import Change
from worker.decisions.resolutions import Decision, Resolution, resolved
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import Absent, Evidence, InDoubt, OutcomeName, RefusalCode, Refused
from worker.parking import Because

L, S, R = LineState, OrderState, Resolution
HALF = 0.5
SEEN = Evidence(status=409)
BY_A_PERSON = "a person decided, after nothing else could tell"
WEAK = Capabilities(after_place=Doubt.LOOK_UP_WEAK)
ONCE = Capabilities(after_place=Doubt.LOOK_UP_ONCE)
HARMLESS = Capabilities(after_place=Doubt.HARMLESS)


def doubted(
    *, step: Step = Step.RECONCILE, ago: timedelta = timedelta(0), **fields: Any
) -> Claimed:
    facts = {
        "state": S.IN_DOUBT,
        "attempt": an_attempt(opened_at=NOW - ago),
        "attempt_outcome": OutcomeName.IN_DOUBT,
        "created_at": NOW - ago,
        **fields,
    }
    return a_claimed(L.IN_DOUBT, step=step, **facts)


def absent(claimed: Claimed, able: Capabilities = ONE_PHASE) -> Change:
    return a_decider(able).after_look_up(claimed, Absent(evidence=SEEN), HALF)


def reason_of(change: Change) -> str | None:
    assert change.attempt is not None
    return change.attempt.reason


# --- looked up in vain ------------------------------------------


def test_who_was_not_there_is_looked_up_again_and_the_reason_says_which_time_it_was() -> None:
    change = absent(doubted(ago=timedelta(seconds=7), look_ups=1))
    assert (change.state, change.step) == (S.IN_DOUBT, Step.RECONCILE)
    assert change.due_in == POLICY.look_up_waits[2]
    assert change.reason == "absent at look-up 2, 0:00:07 after the call"
    assert reason_of(change) == "absent at look-up 2"
    assert change.attempt is not None
    assert change.attempt.evidence == SEEN


def test_where_absence_is_not_yet_proof_the_last_wait_repeats() -> None:
    patient = replace(POLICY, absence_after=timedelta(hours=2))
    decider = replace(a_decider(ONE_PHASE), policy=patient)
    change = decider.after_look_up(doubted(ago=timedelta(hours=1), look_ups=5), Absent(), HALF)
    assert (change.step, change.due_in) == (Step.RECONCILE, POLICY.look_up_waits[-1])


def test_a_list_that_proves_nothing_leaves_it_to_a_person_and_says_why() -> None:
    change = absent(doubted(ago=timedelta(hours=1), look_ups=5), WEAK)
    assert change.state is S.PARKED
    assert change.parked_reason == (
        f"{Because.NOT_IN_THEIR_LIST.words} 6, 1:00:00 after the call;"
        " this provider's list is no proof of absence"
    )


def test_an_order_too_old_for_another_call_says_that_its_last_look_up_found_nothing() -> None:
    old = doubted(ago=POLICY.retry_for)
    change = absent(old, ONCE)
    assert change.step is None
    assert "absent at the last look-up" in str(change.reason)


def test_what_was_to_be_called_off_is_when_it_was_not_there_late_enough() -> None:
    late = doubted(ago=POLICY.patience(CALL_DEADLINE), cancel_asked_at=NOW)
    assert absent(late, ONCE).state is S.CANCELLED
    early = absent(doubted(cancel_asked_at=NOW), ONCE)
    assert (early.state, early.step) == (S.IN_DOUBT, Step.RECONCILE)
    assert early.reason == "no call may be made any more; an earlier one may still come through"


# --- sent again ------------------------------------------


def test_a_harmless_call_is_repeated_and_says_so() -> None:
    claimed = a_claimed(step=Step.PLACE, attempt=an_attempt(), tries=1)
    change = a_decider(HARMLESS).after_call(claimed, Step.PLACE, InDoubt("reset"), HALF)
    assert change.step is Step.PLACE
    assert change.reason == "unknown outcome, repeating is harmless: reset"


def test_a_harmless_call_that_is_repeated_for_too_long_ends_with_its_last_words() -> None:
    claimed = a_claimed(step=Step.PLACE, attempt=an_attempt(), created_at=NOW - POLICY.retry_for)
    change = a_decider(HARMLESS).after_call(claimed, Step.PLACE, InDoubt("reset"), HALF)
    assert change.step is None
    assert "reset" in str(change.reason)


def test_a_no_to_a_call_that_was_sent_before_goes_to_a_person_with_its_words() -> None:
    claimed = doubted(step=Step.PLACE, state=S.IN_DOUBT)
    no = Refused(RefusalCode.OTHER, "sold out", evidence=SEEN)
    change = a_decider(ONE_PHASE).after_call(claimed, Step.PLACE, no, HALF)
    assert change.state is S.PARKED
    assert str(change.parked_reason).startswith(Because.REFUSED_SENT_AGAIN.words)
    assert "sold out" in str(change.parked_reason)
    assert str(reason_of(change)).startswith("sent again, it was ")
    assert change.attempt is not None
    assert (change.attempt.outcome, change.attempt.evidence) == (OutcomeName.IN_DOUBT, SEEN)


def test_a_worker_that_was_lost_with_its_call_is_named_as_what_made_it_doubtful() -> None:
    claimed = a_claimed(step=Step.PLACE, attempt=an_attempt(), attempt_outcome=None)
    change = a_decider(ONE_PHASE).before_call(claimed, Step.PLACE, HALF)
    assert change is not None
    assert reason_of(change) == "the worker making the call was lost"


# --- decided by a person ------------------------------------------


def decided(resolution: Resolution, **fields: Any) -> Change:
    claimed = doubted(state=S.PARKED, parked_reason="x", ago=timedelta(hours=1), **fields)
    decision = Decision(
        resolution=resolution, by="ada@ops", why="seen there", ref=None, line_refs={}
    )
    return resolved(a_decider(ONE_PHASE), claimed, decision)


def test_what_a_person_decided_is_the_reason_and_the_end_of_its_call() -> None:
    known = {"provider_ref": "theirs"}
    placed, gone = decided(R.PLACED, **known), decided(R.CANCELLED)
    refused, again = decided(R.REFUSED), decided(R.RESEND)
    assert [change.reason for change in (placed, refused, again, gone)] == [
        f"at the provider: {BY_A_PERSON}",
        f"it never took place; {BY_A_PERSON}",
        f"to be bought again: {BY_A_PERSON}",
        BY_A_PERSON,
    ]
    assert [reason_of(change) for change in (refused, again, gone)] == [
        f"it never took place; {BY_A_PERSON}",
        f"it never took place; {BY_A_PERSON}",
        BY_A_PERSON,
    ]
    assert {move.news.reason for move in refused.moves} == {refused.reason}
    assert gone.cancel_answered


def test_a_decision_without_an_id_names_none() -> None:
    (told,) = (event for event in decided(R.REFUSED).events if event.type == "order.resolved")
    assert "ref" not in told.data


@pytest.mark.parametrize("resolution", [R.PLACED, R.CANCELLED])
def test_what_a_person_decided_about_a_wish_is_said_of_the_wish(resolution: Resolution) -> None:
    wish = {"attempt": an_attempt(step=Step.CANCEL, opened_at=NOW - timedelta(hours=1))}
    change = decided(resolution, **wish)
    if resolution is R.PLACED:
        assert change.reason == f"not called off: {BY_A_PERSON}"
        assert reason_of(change) == BY_A_PERSON
    else:
        assert change.reason == BY_A_PERSON
        assert change.attempt is not None
        assert change.attempt.outcome is OutcomeName.CONFIRMED
