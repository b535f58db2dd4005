"""A request of unknown outcome that its provider would know again, and one it would not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, POLICY, a_claimed, a_decider, an_attempt
from worker.capabilities import Capabilities, Doubt
from worker.change import Change, begun
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    NotSent,
    Outcome,
    OutcomeName,
    RefusalCode,
    Refused,
)

KNOWN = Capabilities(after_place=Doubt.REPLAY)
ONCE_MORE = Capabilities(after_place=Doubt.RESEND, repeats=1)
HALF = 0.5


def sent(times: int, *, after: OutcomeName | None = None, **fields: Any) -> Claimed:
    """An order whose request was just sent for this many times."""
    line = LineState.WAITING if times == 1 else LineState.IN_DOUBT
    outcome = after or (None if times == 1 else OutcomeName.IN_DOUBT)
    return a_claimed(
        line, attempt=an_attempt(sends=times), attempt_outcome=outcome, **{"tries": times, **fields}
    )


def after(claimed: Claimed, outcome: Outcome, capabilities: Capabilities = KNOWN) -> Change:
    return a_decider(capabilities).after_call(claimed, Step.PLACE, outcome, HALF)


def with_(doubt: Doubt) -> Capabilities:
    return Capabilities(after_place=doubt, repeats=1)


def test_a_lost_answer_is_told_as_doubt_and_the_same_request_sent_again() -> None:
    change = after(sent(1), InDoubt("reset"))
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.PLACE)
    assert change.due_in == POLICY.retry_in(1, HALF)
    assert [move.to for move in change.moves] == [LineState.IN_DOUBT]
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


def test_after_so_many_sendings_it_is_looked_up() -> None:
    change = after(sent(KNOWN.repeats + 1), InDoubt("reset"))
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)


def test_a_request_older_than_the_provider_remembers_is_looked_up_and_not_sent() -> None:
    claimed = sent(1, after=OutcomeName.IN_DOUBT, now=NOW + KNOWN.replay_for)
    change = a_decider(KNOWN).before_call(claimed, Step.PLACE, HALF)
    assert change
    assert change.step is Step.RECONCILE


def test_a_request_that_may_be_sent_again_is() -> None:
    claimed = sent(1, after=OutcomeName.IN_DOUBT)
    decider = a_decider(KNOWN)
    assert decider.before_call(claimed, Step.PLACE, HALF) is None
    assert decider.unsettled(claimed, Step.PLACE)


@pytest.mark.parametrize("outcome", [OutcomeName.NOT_SENT, OutcomeName.REFUSED, None])
def test_what_is_not_in_doubt_is_not_sent_again_as_it_was(outcome: OutcomeName | None) -> None:
    claimed = replace(sent(1), attempt_outcome=outcome)
    assert not a_decider(KNOWN).unsettled(claimed, Step.PLACE)


def test_an_answer_to_the_second_sending_is_the_answer_to_the_first() -> None:
    yes = after(sent(2), Confirmed("their-id"))
    assert (yes.state, yes.provider_ref) == (OrderState.PLACED, "their-id")
    no = after(sent(2), Refused(RefusalCode.INVALID, "no"))
    assert (no.state, no.step) == (OrderState.REFUSED, None)


def test_that_it_was_not_sent_again_says_nothing_of_the_first_time() -> None:
    change = after(sent(2), NotSent("throttled"))
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.PLACE)
    assert change.attempt
    assert (change.attempt.outcome, change.attempt.sends) == (OutcomeName.IN_DOUBT, 1)


def test_that_our_key_is_refused_now_says_nothing_of_the_first_time() -> None:
    change = after(sent(2), Refused(RefusalCode.FORBIDDEN, "key revoked"))
    assert change.step in {Step.PLACE, Step.RECONCILE}
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


def test_when_the_quote_ends_in_doubt_the_call_is_looked_up_before_it_is_called_expired() -> None:
    claimed = sent(1, after=OutcomeName.IN_DOUBT, expires_at=NOW + timedelta(seconds=1))
    decider = a_decider(KNOWN)
    assert decider.window_closed(claimed).step is Step.RECONCILE
    assert decider.not_started(claimed, Step.PLACE, NotSent("dns"), HALF).step is Step.RECONCILE


def test_proven_absent_it_is_asked_for_anew() -> None:
    attempt = an_attempt(sends=3, sent_at=NOW - timedelta(hours=1))
    claimed = a_claimed(
        LineState.IN_DOUBT,
        step=Step.RECONCILE,
        attempt=attempt,
        attempt_outcome=OutcomeName.IN_DOUBT,
        look_ups=2,
    )
    change = a_decider(KNOWN).after_look_up(claimed, Absent(), HALF)
    assert (change.state, change.step, change.due_in) == (
        OrderState.PLACING,
        Step.PLACE,
        timedelta(0),
    )
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.NOT_SENT


def test_proven_absent_too_late_it_is_given_up() -> None:
    """Or an order whose every call ends in doubt would go round for ever."""
    claimed = a_claimed(
        LineState.IN_DOUBT,
        step=Step.RECONCILE,
        now=NOW + POLICY.retry_for,
        attempt=an_attempt(),
        attempt_outcome=OutcomeName.IN_DOUBT,
        look_ups=2,
    )
    change = a_decider(KNOWN).after_look_up(claimed, Absent(), HALF)
    assert (change.state, change.step) == (OrderState.FAILED, None)


def test_absence_is_not_proven_by_time_since_the_first_sending() -> None:
    attempt = an_attempt(
        sends=3, opened_at=NOW - timedelta(hours=1), sent_at=NOW - timedelta(seconds=5)
    )
    claimed = a_claimed(
        LineState.IN_DOUBT,
        step=Step.RECONCILE,
        attempt=attempt,
        attempt_outcome=OutcomeName.IN_DOUBT,
        look_ups=9,
    )
    assert a_decider(KNOWN).after_look_up(claimed, Absent(), HALF).step is Step.RECONCILE


# --- where the account only allows one more sending --------------------------------------------


def test_without_the_accounts_leave_a_person_decides_at_once() -> None:
    change = after(sent(1), InDoubt("reset"), Capabilities(after_place=Doubt.NONE))
    assert change.state is OrderState.PARKED


def test_with_the_accounts_leave_it_is_sent_once_more() -> None:
    change = after(sent(1), InDoubt("reset"), ONCE_MORE)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.PLACE)


def test_a_yes_to_the_second_sending_ends_the_doubt() -> None:
    assert after(sent(2), Confirmed(None), ONCE_MORE).state is OrderState.PLACED


@pytest.mark.parametrize("outcome", [InDoubt("reset"), Refused(RefusalCode.INVALID, "no")])
def test_whatever_else_comes_of_it_goes_to_a_person(outcome: Outcome) -> None:
    change = after(sent(2), outcome, ONCE_MORE)
    assert (change.state, change.step) == (OrderState.PARKED, None)
    assert change.parked_reason
    assert change.attempt, "a late yes to the first sending would find no doubt to settle"
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


def test_when_it_could_not_be_sent_in_time_a_person_decides() -> None:
    claimed = sent(1, after=OutcomeName.IN_DOUBT, expires_at=NOW + timedelta(seconds=1))
    assert a_decider(ONCE_MORE).window_closed(claimed).state is OrderState.PARKED


# --- where the account's leave was taken back meanwhile ----------------------------------------


@pytest.mark.parametrize(
    ("now_allowed", "state", "step"),
    [
        (Doubt.NONE, OrderState.PARKED, None),
        (Doubt.LOOK_UP_WEAK, OrderState.IN_DOUBT, Step.RECONCILE),
        (Doubt.LOOK_UP, OrderState.IN_DOUBT, Step.RECONCILE),
    ],
)
def test_a_request_in_doubt_is_not_made_anew_because_it_may_not_be_sent_again_any_more(
    now_allowed: Doubt, state: OrderState, step: Step | None
) -> None:
    """As after a restart with ``resend_once`` set back, while the order waited for its turn."""
    claimed = sent(1, after=OutcomeName.IN_DOUBT)
    decider = a_decider(Capabilities(after_place=now_allowed))
    change = decider.before_call(claimed, Step.PLACE, HALF)
    assert change
    assert (change.state, change.step) == (state, step)
    closed = decider.window_closed(claimed)
    assert (closed.state, closed.step) == (state, step)


# --- a worker that was slow --------------------------------------------------------------------


@pytest.mark.parametrize("doubt", list(Doubt))
def test_what_a_slow_worker_knows_of_the_only_sending_is_no_doubt_any_more(doubt: Doubt) -> None:
    """Another worker found its attempt left open, and called it a doubt."""
    current = sent(1, after=OutcomeName.IN_DOUBT)
    assert current.attempt
    no = after(begun(current, current.attempt), Refused(RefusalCode.INVALID, "no"), with_(doubt))
    assert (no.state, no.step) == (OrderState.REFUSED, None)
    unsent = after(begun(current, current.attempt), NotSent("never left"), with_(doubt))
    assert (unsent.state, unsent.step) == (OrderState.PLACING, Step.PLACE)
