"""What is said of a wish to call an order off, to whom, and when the provider is asked again."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders import NOW, POLICY, a_claimed, a_decider, an_attempt, reports
from worker.capabilities import Capabilities, Doubt
from worker.change import Change
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    InDoubt,
    LookUp,
    NotSent,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
)
from worker.parking import Because

L, S = LineState, OrderState
HALF = 0.5
SECOND = timedelta(seconds=1)
WAITS = (3 * SECOND, 10 * SECOND, 60 * SECOND)
LOOKED_UP = Capabilities(after_place=Doubt.LOOK_UP, after_cancel=Doubt.HARMLESS, poll_every=WAITS)
REPEATED = Capabilities(
    after_place=Doubt.LOOK_UP, after_cancel=Doubt.REPLAY, poll_every=WAITS, repeats=3
)
LONG_AGO = NOW - POLICY.retry_for
EARLIER = "it went so before"


def wanted(*, step: Step = Step.CANCEL, state: OrderState = S.PLACED, **fields: Any) -> Claimed:
    """A placed order of two lines that somebody wants called off, tried four times."""
    facts = {
        "state": state,
        "attempt": an_attempt(step=Step.CANCEL),
        "cancel_asked_at": NOW,
        "tries": 4,
        "reason": EARLIER,
        **fields,
    }
    return a_claimed(L.ACCEPTED, L.ACCEPTED, step=step, **facts)


def asked(outcome: LookUp, capabilities: Capabilities = LOOKED_UP, **fields: Any) -> Change:
    """The call's own answer."""
    claimed = wanted(**fields)
    assert not isinstance(outcome, Absent)
    return a_decider(capabilities).after_call(claimed, Step.CANCEL, outcome, HALF)


def looked_up(outcome: LookUp, **fields: Any) -> Change:
    """The answer to the question what became of the wish."""
    claimed = wanted(step=Step.RECONCILE, **{"attempt_outcome": OutcomeName.IN_DOUBT, **fields})
    return a_decider(LOOKED_UP).after_look_up(claimed, outcome, HALF)


def said(change: Change) -> list[tuple[str, Any]]:
    return [(event.type, event.data) for event in change.events]


# --- it goes on --------------------------------------------------------------------------------


def test_a_wish_that_was_taken_is_asked_about_after_the_providers_first_wait() -> None:
    change = asked(Pending(None))
    assert (change.step, change.due_in, change.tries) == (Step.RECONCILE, WAITS[0], 5)
    assert change.reason == "to be called off: the provider was asked"


def test_a_wish_that_is_still_undecided_is_asked_about_ever_more_rarely() -> None:
    assert looked_up(Pending(None), tries=1).due_in == WAITS[1]
    change = looked_up(Pending(None))
    assert (change.step, change.due_in, change.tries) == (Step.RECONCILE, WAITS[2], 5)


def test_a_lost_answer_is_looked_up_after_the_first_of_the_waits() -> None:
    change = asked(InDoubt("reset"))
    assert (change.step, change.due_in, change.tries) == (Step.RECONCILE, 5 * SECOND, 5)
    assert change.reason == "to be called off: reset"


def test_a_look_up_that_was_lost_is_made_again_later_and_later() -> None:
    for finding in (InDoubt("reset"), NotSent("reset")):
        change = looked_up(finding)
        assert (change.step, change.due_in) == (Step.RECONCILE, POLICY.retry_in(4, HALF))
        assert (change.tries, change.reason) == (5, "to be called off: reset")
    assert looked_up(NotSent("reset")).attempt is None


def test_a_lost_answer_is_asked_for_again_where_the_provider_knows_the_wish_again() -> None:
    change = asked(InDoubt("reset"), REPEATED)
    assert (change.step, change.due_in) == (Step.CANCEL, POLICY.retry_in(4, HALF))
    assert (change.tries, change.reason) == (5, "to be called off: reset")


def test_a_wish_that_was_not_sent_is_put_again_and_says_why_it_was_not() -> None:
    change = asked(NotSent("throttled"))
    assert (change.step, change.due_in) == (Step.CANCEL, POLICY.retry_in(4, HALF))
    assert (change.tries, change.reason) == (5, "to be called off: not sent: throttled")


def test_a_wish_the_provider_does_not_know_is_put_again_and_was_never_heard() -> None:
    seen = Evidence(status=404)
    change = looked_up(Absent(evidence=seen))
    assert (change.step, change.tries) == (Step.CANCEL, 5)
    assert change.reason == "to be called off: the provider does not know the wish"
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.NOT_SENT
    assert change.attempt.reason == "the provider does not know of it"
    assert change.attempt.evidence == seen


def test_a_wish_that_may_still_come_through_is_waited_for() -> None:
    change = looked_up(Absent(), cancel_asked_at=LONG_AGO)
    patience = POLICY.patience(a_decider(LOOKED_UP).call_deadline)
    assert (change.step, change.due_in) == (Step.RECONCILE, patience)
    assert change.reason == "to be called off: the provider does not know the wish yet"


def test_a_wish_whose_answer_was_lost_is_looked_up_before_it_is_put_anew() -> None:
    no_replay = Capabilities(after_place=Doubt.LOOK_UP, after_cancel=Doubt.LOOK_UP)
    claimed = wanted(attempt_outcome=OutcomeName.IN_DOUBT)
    change = a_decider(no_replay).before_call(claimed, Step.CANCEL, HALF)
    assert change is not None
    assert (change.step, change.reason) == (
        Step.RECONCILE,
        "to be called off: it was not answered",
    )


# --- it is over --------------------------------------------------------------------------------


def test_a_no_is_told_with_its_words_and_the_order_goes_on_as_it_was() -> None:
    change = asked(Refused(RefusalCode.OTHER, "too late"))
    words = "other: too late"
    assert said(change) == [("order.cancel_refused", {"reason": words})]
    assert {move.news.reason for move in change.moves} == {f"not called off: {words}"}
    assert (change.reason, change.step, change.due_in) == (EARLIER, Step.POLL, WAITS[0])


def test_a_provider_that_could_not_be_asked_for_long_has_not_called_it_off() -> None:
    change = asked(NotSent("dark"), cancel_asked_at=LONG_AGO)
    words = "the provider could not be asked: not sent: dark"
    assert said(change) == [("order.cancel_refused", {"reason": words})]


def test_a_yes_that_names_no_line_of_ours_called_nothing_off() -> None:
    claimed = wanted()
    yes = Confirmed(None, reports(claimed, L.ACCEPTED, L.ACCEPTED))
    change = a_decider(LOOKED_UP).after_call(claimed, Step.CANCEL, yes, HALF)
    assert said(change) == [
        ("order.cancel_refused", {"reason": "no line of it could be called off"})
    ]
    assert (change.state, change.step) == (S.PLACED, Step.POLL)


def test_a_yes_for_one_line_is_told_to_both_and_the_rest_is_polled_at_once() -> None:
    claimed = wanted()
    yes = Confirmed(None, reports(claimed, L.CANCELLED, L.ACCEPTED))
    change = a_decider(LOOKED_UP).after_call(claimed, Step.CANCEL, yes, HALF)
    assert change.reason == "called off, as was asked"
    assert (change.step, change.due_in) == (Step.POLL, timedelta(0))
    stays = "not called off: its provider called off other lines only"
    assert change.moves[1].news.reason == stays


@pytest.mark.parametrize(
    ("outcome", "because", "more"),
    [
        (InDoubt("dark"), Because.WISH_UNKNOWN, ": dark"),
        (Pending(None), Because.WISH_UNDECIDED, ""),
    ],
    ids=["unknown", "undecided"],
)
def test_a_wish_nobody_answers_for_long_goes_to_a_person_and_its_producer_is_told_so(
    outcome: LookUp, because: Because, more: str
) -> None:
    change = asked(outcome, cancel_asked_at=LONG_AGO)
    words = f"{because.words}{more}"
    assert (change.state, change.parked_reason) == (S.PARKED, words)
    assert ("order.cancel_refused", {"reason": words}) in said(change)
    assert {move.news.reason for move in change.moves} == {words}


def test_late_word_settles_the_attempt_and_says_what_it_was() -> None:
    no = Refused(RefusalCode.OTHER, "too late")
    change = looked_up(no, state=S.PARKED, cancel_asked_at=None)
    assert change.reason == "not called off: other: too late"
    assert (change.step, change.due_in) == (Step.POLL, WAITS[0])
    assert change.attempt
    assert change.attempt.outcome is OutcomeName.REFUSED
