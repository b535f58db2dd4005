"""What a person reads beside each decision, and when a parked order is looked up once more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import NOW, ONE_PHASE, POLICY, a_claimed, a_decider, an_attempt
from worker.capabilities import Capabilities, Doubt, Polling
from worker.decisions.resolutions import Resolution, choices
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import InDoubt, NotSent, OutcomeName
from worker.parking import Because

LONG_AGO = NOW - timedelta(hours=1)
HALF = 0.5
QUESTIONS = 5
R = Resolution
PARKED = a_claimed(
    LineState.IN_DOUBT,
    step=Step.RECONCILE,
    state=OrderState.PARKED,
    parked_reason="unknown outcome",
    provider_ref=None,
    attempt=an_attempt(opened_at=LONG_AGO),
    attempt_outcome=OutcomeName.IN_DOUBT,
)
WISH = replace(PARKED, attempt=an_attempt(step=Step.CANCEL, opened_at=LONG_AGO))
NO_WAY = Capabilities(after_place=Doubt.NONE)


def known(claimed: Claimed) -> Claimed:
    return replace(claimed, order=replace(claimed.order, provider_ref="theirs"))


def read(claimed: Claimed, able: Capabilities = ONE_PHASE) -> dict[Resolution, str]:
    return {each.resolution: each.means for each in choices(a_decider(able), claimed)}


def test_each_decision_says_what_follows_from_it() -> None:
    assert read(PARKED) == {
        R.PLACED: "the provider has it, by this id; it goes on",
        R.REFUSED: "nothing of it is at the provider; it ends, and its producer is told",
        R.RESEND: "nothing of it is at the provider; it is bought now, as if it had just come in",
        R.CANCELLED: "it was called off at the provider; it ends as cancelled",
    }


@pytest.mark.parametrize(
    ("polls", "unknown", "by_now"),
    [
        (
            Polling.NONE,
            "the provider took it, and with that it has ended: its producer is told",
            "the provider took it, and with that it has ended: its producer is told",
        ),
        (
            Polling.LINE,
            "the provider has it, by these ids of the order and of each line; it goes on",
            "the provider has it; it goes on",
        ),
        (
            Polling.ORDER,
            "the provider has it, by this id; it goes on",
            "the provider has it; it goes on",
        ),
    ],
    ids=str,
)
def test_what_placed_asks_for_depends_on_how_it_is_polled_and_what_is_known(
    polls: Polling, unknown: str, by_now: str
) -> None:
    able = replace(ONE_PHASE, polls=polls)
    assert read(PARKED, able)[R.PLACED] == unknown
    assert read(known(PARKED), able)[R.PLACED] == by_now


def test_of_a_wish_only_two_decisions_can_be_made_and_the_others_say_which_is_meant() -> None:
    wish = "its call is one that calls it off"
    found = choices(a_decider(ONE_PHASE), WISH)
    assert {each.resolution: each.means for each in found} == {
        R.PLACED: "it was not called off: it stands as it did before",
        R.REFUSED: "nothing of it is at the provider",
        R.RESEND: "it is put to the provider once more",
        R.CANCELLED: "it was called off at the provider; it ends as cancelled",
    }
    assert {each.resolution: each.refusal for each in found} == {
        R.PLACED: None,
        R.REFUSED: f"{wish}: say cancelled",
        R.RESEND: f"{wish}: say placed, then `orderline cancel` puts it once more",
        R.CANCELLED: None,
    }


# --- looked up once more -------------------------------------------------------------------------


def test_a_parked_order_is_looked_up_again_where_its_call_is_doubted_and_can_be_asked_about() -> (
    None
):
    assert a_decider(ONE_PHASE).before_look_up(PARKED) is None


def test_it_is_not_where_its_call_is_known_or_nobody_can_be_asked() -> None:
    settled = replace(PARKED, attempt_outcome=OutcomeName.CONFIRMED)
    for able, claimed in ((ONE_PHASE, settled), (NO_WAY, PARKED), (NO_WAY, settled)):
        change = a_decider(able).before_look_up(claimed)
        assert change is not None
        assert (change.state, change.step) == (OrderState.PARKED, None)
        assert change.parked_reason == "unknown outcome"


def test_of_two_calls_that_which_is_doubted_says_whether_it_can_be_asked_about() -> None:
    able = replace(ONE_PHASE, after_cancel=Doubt.NONE)
    assert a_decider(able).before_look_up(PARKED) is None
    assert a_decider(able).before_look_up(WISH) is not None


def test_an_order_that_is_not_parked_is_always_looked_up() -> None:
    doubted = replace(PARKED, state=OrderState.IN_DOUBT)
    for able in (ONE_PHASE, NO_WAY):
        assert a_decider(able).before_look_up(doubted) is None


@pytest.mark.parametrize("finding", [InDoubt("dark"), NotSent("dark")], ids=["lost", "not sent"])
def test_asked_in_vain_it_stays_parked_and_is_asked_again_a_few_times(
    finding: InDoubt | NotSent,
) -> None:
    decider = a_decider(ONE_PHASE)
    change = decider.after_look_up(replace(PARKED, tries=1), finding, HALF)
    assert (change.state, change.step, change.tries) == (OrderState.PARKED, Step.RECONCILE, 2)
    assert change.due_in == POLICY.retry_in(1, HALF)
    asked = [
        decider.after_look_up(replace(PARKED, tries=tries), finding, HALF).step is not None
        for tries in range(20)
    ]
    assert asked == [True] * QUESTIONS + [False] * (20 - QUESTIONS)


def test_another_order_found_by_a_late_answer_goes_to_a_person() -> None:
    change = a_decider(ONE_PHASE).surplus_found(replace(PARKED, state=OrderState.PLACING))
    assert change.state is OrderState.PARKED
    assert change.parked_reason == f"{Because.ANOTHER_FOUND.words}, by a late answer"
