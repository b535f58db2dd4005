"""A wish to call an order off: certain before anything was bought, the provider's own way after."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.notifications import EventType
from tests.builders import NOW, POLICY, a_claimed, a_decider, an_attempt, reports
from worker.capabilities import Capabilities, Doubt
from worker.change import Change
from worker.lifecycle import GIVEN_BACK, TERMINAL_ORDERS, LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
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
HALF = 0.5
FORTNIGHT = timedelta(days=14)
NEVER = Capabilities(after_place=Doubt.LOOK_UP)
BEFORE_DELIVERY = Capabilities(after_place=Doubt.LOOK_UP, after_cancel=Doubt.HARMLESS)
RETURNS = Capabilities(after_place=Doubt.REPLAY, after_cancel=Doubt.REPLAY, returns_for=FORTNIGHT)


def wanted(*lines: LineState, step: Step = Step.PLACE, **fields: Any) -> Claimed:
    """An order that somebody wants called off."""
    return a_claimed(*lines, step=step, **{"cancel_asked_at": NOW, **fields})


def asking(outcome: Outcome, capabilities: Capabilities = BEFORE_DELIVERY, **fields: Any) -> Change:
    """What a cancelling call came to."""
    attempt = an_attempt(step=Step.CANCEL)
    facts = {"state": S.PLACED, "attempt": attempt, **fields}
    claimed = wanted(L.ACCEPTED, L.ACCEPTED, step=Step.CANCEL, **facts)
    return a_decider(capabilities).after_call(claimed, Step.CANCEL, outcome, HALF)


def told(change: Change) -> set[EventType]:
    return {move.type for move in change.moves}


# --- before anything was bought --------------------------------------------------------------


@pytest.mark.parametrize("state", [S.ACCEPTED, S.PLACING])
def test_before_the_call_it_is_certain(state: OrderState) -> None:
    change = a_decider(NEVER).before_call(wanted(state=state), Step.PLACE, HALF)
    assert change
    assert (change.state, change.step, change.cancel_answered) == (S.CANCELLED, None, True)
    assert told(change) == {EventType.LINE_CANCELLED}


def test_a_price_that_was_not_confirmed_is_left_to_die() -> None:
    two_phase = Capabilities(after_place=Doubt.HARMLESS, after_confirm=Doubt.LOOK_UP_ONCE)
    claimed = wanted(L.QUOTED, step=Step.CONFIRM, state=S.QUOTED)
    change = a_decider(two_phase).before_call(claimed, Step.CONFIRM, HALF)
    assert change
    assert change.state is S.CANCELLED


def test_a_call_left_open_is_doubt_first() -> None:
    claimed = wanted(attempt=an_attempt(), attempt_outcome=None)
    change = a_decider(NEVER).before_call(claimed, Step.PLACE, HALF)
    assert change
    assert (change.state, change.step, change.cancel_answered) == (
        S.IN_DOUBT,
        Step.RECONCILE,
        False,
    )


def test_a_request_in_doubt_is_looked_up_and_not_sent_again() -> None:
    claimed = wanted(L.IN_DOUBT, attempt=an_attempt(), attempt_outcome=OutcomeName.IN_DOUBT)
    change = a_decider(RETURNS).before_call(claimed, Step.PLACE, HALF)
    assert change
    assert (change.step, change.cancel_answered) == (Step.RECONCILE, False)


def test_once_it_is_proven_absent_it_is_called_off() -> None:
    claimed = wanted(
        L.IN_DOUBT,
        step=Step.RECONCILE,
        attempt=an_attempt(opened_at=NOW - timedelta(hours=1)),
        attempt_outcome=OutcomeName.IN_DOUBT,
        look_ups=5,
    )
    assert a_decider(NEVER).after_look_up(claimed, Absent(), HALF).state is S.CANCELLED


# --- afterwards ------------------------------------------------------------------------------


def test_a_placed_order_is_put_to_its_provider_at_once() -> None:
    change = a_decider(BEFORE_DELIVERY).before_poll(wanted(L.ACCEPTED, step=Step.POLL))
    assert change
    assert (change.state, change.step, change.due_in) == (S.PLACED, Step.CANCEL, timedelta(0))


def test_where_no_way_is_documented_it_stands_and_goes_on() -> None:
    change = a_decider(NEVER).before_poll(wanted(L.ACCEPTED, step=Step.POLL))
    assert change
    assert (change.state, change.step, change.cancel_answered) == (S.PLACED, Step.POLL, True)
    assert told(change) == {EventType.LINE_CANCEL_REFUSED}
    assert [move.to for move in change.moves] == [L.ACCEPTED]
    assert all("documents no way" in (move.news.reason or "") for move in change.moves)
    assert [event.type for event in change.events] == ["order.cancel_refused"]


@pytest.mark.parametrize("state", sorted(TERMINAL_ORDERS - GIVEN_BACK))
def test_what_has_ended_without_goods_cannot_be_called_off(state: OrderState) -> None:
    claimed = wanted(L.REFUSED, step=Step.CANCEL, state=state)
    change = a_decider(RETURNS).before_call(claimed, Step.CANCEL, HALF)
    assert change
    assert (change.state, change.step, change.cancel_answered) == (state, None, True)
    assert f"it is {state} already" in (change.moves[0].news.reason or "")


def test_a_parked_order_stays_with_its_person() -> None:
    claimed = wanted(L.IN_DOUBT, step=Step.CANCEL, state=S.PARKED, parked_reason="who knows")
    change = a_decider(RETURNS).before_call(claimed, Step.CANCEL, HALF)
    assert change
    assert (change.state, change.step, change.parked_reason) == (S.PARKED, None, "who knows")
    assert "a person has to decide" in (change.moves[0].news.reason or "")


@pytest.mark.parametrize(
    ("capabilities", "delivered_for", "answer"),
    [
        (BEFORE_DELIVERY, timedelta(0), "takes none back"),
        (RETURNS, FORTNIGHT - timedelta(seconds=1), None),
        (RETURNS, FORTNIGHT + timedelta(seconds=1), "more than 14 days ago"),
    ],
)
def test_delivered_goods_go_back_only_where_and_while_the_provider_takes_them(
    capabilities: Capabilities, delivered_for: timedelta, answer: str | None
) -> None:
    claimed = wanted(
        L.DELIVERED, step=Step.CANCEL, state=S.FULFILLED, finished_at=NOW - delivered_for
    )
    change = a_decider(capabilities).before_call(claimed, Step.CANCEL, HALF)
    if answer is None:
        assert change is None
    else:
        assert change
        assert answer in (change.moves[0].news.reason or "")
        assert change.state is S.FULFILLED


# --- what the provider says -------------------------------------------------------------------


def test_a_yes_ends_every_line() -> None:
    change = asking(Confirmed(None))
    assert (change.state, change.step, change.cancel_answered) == (S.CANCELLED, None, True)
    assert told(change) == {EventType.LINE_CANCELLED}


def test_goods_that_are_given_back_are_cancelled() -> None:
    claimed = wanted(
        L.DELIVERED,
        step=Step.CANCEL,
        state=S.FULFILLED,
        finished_at=NOW,
        attempt=an_attempt(step=Step.CANCEL),
    )
    change = a_decider(RETURNS).after_call(claimed, Step.CANCEL, Confirmed("return-1"), HALF)
    assert (change.state, [move.to for move in change.moves]) == (S.CANCELLED, [L.CANCELLED])
    assert change.provider_ref is None, "a return's own id is not the order's"


def test_a_yes_for_one_line_leaves_the_other_where_it_is_and_says_so() -> None:
    claimed = wanted(
        L.ACCEPTED,
        L.ACCEPTED,
        step=Step.CANCEL,
        state=S.PLACED,
        attempt=an_attempt(step=Step.CANCEL),
    )
    yes = Confirmed(None, reports(claimed, L.CANCELLED, L.ACCEPTED))
    change = a_decider(BEFORE_DELIVERY).after_call(claimed, Step.CANCEL, yes, HALF)
    assert [(move.news.deliver_id, move.type) for move in change.moves] == [
        ("d-1", EventType.LINE_CANCELLED),
        ("d-2", EventType.LINE_CANCEL_REFUSED),
    ]
    assert change.moves[1].to is L.ACCEPTED
    assert (change.state, change.step, change.cancel_answered) == (S.PLACED, Step.POLL, True)


def test_a_line_that_is_called_off_already_is_not_said_to_stand() -> None:
    claimed = wanted(L.DELIVERED, L.CANCELLED, step=Step.CANCEL, state=S.PARTIALLY_FULFILLED)
    change = a_decider(BEFORE_DELIVERY).before_call(claimed, Step.CANCEL, HALF)
    assert change
    assert [move.news.deliver_id for move in change.moves] == ["d-1"]


@pytest.mark.parametrize(
    ("state", "line"), [(S.PLACED, L.ACCEPTED), (S.PARTIALLY_FULFILLED, L.DELIVERED)]
)
def test_an_order_whose_other_line_failed_is_called_off_like_any(
    state: OrderState, line: LineState
) -> None:
    """Or whoever wanted that would read that it is not called off, but failed."""
    claimed = wanted(
        line, L.FAILED, step=Step.CANCEL, state=state, attempt=an_attempt(step=Step.CANCEL)
    )
    change = a_decider(RETURNS).after_call(claimed, Step.CANCEL, Confirmed(None), HALF)
    assert (change.state, change.step) == (S.CANCELLED, None)
    assert [move.type for move in change.moves] == [
        EventType.LINE_CANCELLED,
        EventType.LINE_CANCEL_REFUSED,
    ]


def test_a_no_is_told_and_the_order_goes_on() -> None:
    change = asking(Refused(RefusalCode.OTHER, "already on its way"))
    assert (change.state, change.step, change.cancel_answered) == (S.PLACED, Step.POLL, True)
    assert told(change) == {EventType.LINE_CANCEL_REFUSED}
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.REFUSED


def test_a_wish_that_was_taken_is_looked_up() -> None:
    change = asking(Pending(None))
    assert (change.state, change.step) == (S.PLACED, Step.RECONCILE)
    assert not change.cancel_answered
    assert not change.moves


def test_a_wish_that_is_taken_and_never_decided_goes_to_a_person() -> None:
    change = asking(Pending(None), cancel_asked_at=NOW - POLICY.retry_for)
    assert (change.state, change.step, change.cancel_answered) == (S.PARKED, None, True)
    assert told(change) == {EventType.LINE_CANCEL_REFUSED}


@pytest.mark.parametrize(
    ("outcome", "state", "step"),
    [
        (Confirmed(None), S.CANCELLED, None),
        (Refused(RefusalCode.OTHER, "too late"), S.PLACED, Step.POLL),
        (Pending(None), S.PARKED, None),
        (NotSent("throttled"), S.PARKED, None),
        (Absent(), S.PARKED, None),
    ],
)
def test_late_word_of_a_wish_that_went_to_a_person_counts_where_it_is_sure(
    outcome: LookUp, state: OrderState, step: Step | None
) -> None:
    parked = wanted(
        L.ACCEPTED,
        step=Step.RECONCILE,
        state=S.PARKED,
        parked_reason="x",
        cancel_asked_at=None,
        attempt=an_attempt(step=Step.CANCEL),
        attempt_outcome=OutcomeName.IN_DOUBT,
    )
    change = a_decider(BEFORE_DELIVERY).after_look_up(parked, outcome, HALF)
    assert (change.state, change.step) == (state, step)
    assert (change.parked_reason == "x") == (state is S.PARKED)


def test_a_wish_that_was_not_sent_is_tried_again() -> None:
    change = asking(NotSent("throttled", retry_after=timedelta(seconds=7)))
    assert (change.state, change.step, change.cancel_answered) == (S.PLACED, Step.CANCEL, False)
    assert change.due_in
    assert change.due_in >= timedelta(seconds=7)


def test_a_lost_answer_to_a_wish_is_looked_up_or_asked_again_as_it_was() -> None:
    assert asking(InDoubt("reset")).step is Step.RECONCILE
    assert asking(InDoubt("reset"), RETURNS).step is Step.CANCEL


def test_a_wish_the_provider_never_heard_of_is_put_to_it_again() -> None:
    claimed = wanted(
        L.ACCEPTED,
        step=Step.RECONCILE,
        state=S.PLACED,
        attempt=an_attempt(step=Step.CANCEL),
        attempt_outcome=OutcomeName.IN_DOUBT,
    )
    change = a_decider(BEFORE_DELIVERY).after_look_up(claimed, Absent(), HALF)
    assert (change.state, change.step) == (S.PLACED, Step.CANCEL)
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.NOT_SENT


@pytest.mark.parametrize(
    ("outcome", "state"), [(NotSent("dark"), S.PLACED), (InDoubt("dark"), S.PARKED)]
)
def test_nobody_waits_for_an_answer_for_ever(outcome: Outcome, state: OrderState) -> None:
    change = asking(outcome, cancel_asked_at=NOW - POLICY.retry_for)
    assert (change.state, change.cancel_answered) == (state, True)


# --- a wish whose answer was lost is never said to be refused ----------------------------------


def heard_or_not(**fields: Any) -> Claimed:
    """A wish that was put to a provider which knows it again, and whose answer was lost."""
    facts = {
        "state": S.PLACED,
        "attempt": an_attempt(step=Step.CANCEL),
        "attempt_outcome": OutcomeName.IN_DOUBT,
        **fields,
    }
    return wanted(L.ACCEPTED, step=Step.CANCEL, **facts)


LONG_AGO = NOW - POLICY.retry_for


def test_when_it_cannot_be_sent_again_for_long_a_person_decides_and_the_producer_hears_it() -> None:
    change = a_decider(RETURNS).not_started(
        heard_or_not(cancel_asked_at=LONG_AGO), Step.CANCEL, NotSent("dns"), HALF
    )
    assert (change.state, change.cancel_answered) == (S.PARKED, True)
    (move,) = change.moves
    assert move.type is EventType.LINE_CANCEL_REFUSED
    assert "unknown" in (move.news.reason or "")


def test_so_it_is_when_sending_it_again_only_failed() -> None:
    claimed = heard_or_not(cancel_asked_at=LONG_AGO, attempt=an_attempt(step=Step.CANCEL, sends=2))
    change = a_decider(RETURNS).after_call(claimed, Step.CANCEL, NotSent("throttled"), HALF)
    assert change.state is S.PARKED
    assert change.attempt
    assert (change.attempt.outcome, change.attempt.sends) == (OutcomeName.IN_DOUBT, 1)


def test_that_our_key_is_refused_by_now_is_no_answer_to_the_wish() -> None:
    claimed = heard_or_not(attempt=an_attempt(step=Step.CANCEL, sends=2))
    no = Refused(RefusalCode.FORBIDDEN, "key revoked")
    change = a_decider(RETURNS).after_call(claimed, Step.CANCEL, no, HALF)
    assert (change.cancel_answered, change.moves) == (False, ())
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


def test_a_wish_made_within_the_fortnight_is_put_again_also_after_it() -> None:
    claimed = heard_or_not(state=S.FULFILLED, finished_at=NOW - FORTNIGHT - timedelta(seconds=1))
    young = replace(claimed, created_at=NOW - timedelta(days=1))
    assert a_decider(RETURNS).before_call(young, Step.CANCEL, HALF) is None


def test_a_wish_that_its_provider_may_have_forgotten_is_looked_up_and_not_put_again() -> None:
    old = replace(heard_or_not(), created_at=NOW - RETURNS.replay_for)
    change = a_decider(RETURNS).before_call(old, Step.CANCEL, HALF)
    assert change
    assert (change.state, change.step, change.cancel_answered) == (S.PLACED, Step.RECONCILE, False)


def test_a_wish_put_just_now_is_not_called_refused_because_it_is_not_there_yet() -> None:
    claimed = heard_or_not(cancel_asked_at=LONG_AGO)
    just_put = replace(claimed, step=Step.RECONCILE)
    change = a_decider(BEFORE_DELIVERY).after_look_up(just_put, Absent(), HALF)
    assert (change.step, change.cancel_answered) == (Step.RECONCILE, False)
    later = replace(just_put, now=NOW + POLICY.patience(a_decider().call_deadline))
    change = a_decider(BEFORE_DELIVERY).after_look_up(later, Absent(), HALF)
    assert (change.step, change.cancel_answered) == (Step.POLL, True)
