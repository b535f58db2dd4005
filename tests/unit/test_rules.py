"""What a call may cost and what an unknown outcome of it allows, by the provider's capabilities."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import CALL_DEADLINE, NEEDS, ONE_PHASE, POLICY, TWO_PHASE, a_claimed
from worker.capabilities import Capabilities, Doubt
from worker.decisions.cancels import refusal
from worker.decisions.rules import Rules
from worker.lifecycle import LineState, OrderState, Step

PREVIEW = replace(ONE_PHASE, after_place=Doubt.HARMLESS)
TAKES_BACK = replace(ONE_PHASE, after_cancel=Doubt.REPLAY, returns_for=timedelta(days=14))


def rules(capabilities: Capabilities) -> Rules:
    return Rules(capabilities, POLICY, CALL_DEADLINE, NEEDS)


@pytest.mark.parametrize(
    ("capabilities", "committing"),
    [(ONE_PHASE, {Step.PLACE, Step.CONFIRM}), (TWO_PHASE, {Step.CONFIRM})],
    ids=["one phase", "two phases"],
)
def test_money_is_committed_by_placing_in_one_phase_and_by_confirming_in_two(
    capabilities: Capabilities, committing: set[Step]
) -> None:
    assert {step for step in Step if rules(capabilities).commits(step)} == committing


def test_where_nothing_is_bought_placing_commits_nothing() -> None:
    assert not PREVIEW.buys
    assert not rules(PREVIEW).commits(Step.PLACE)


def test_calling_off_needs_nothing_of_a_quotes_window_and_every_other_call_does() -> None:
    assert {step: rules(TWO_PHASE).window_of(step) for step in Step} == {
        step: None if step is Step.CANCEL else NEEDS for step in Step
    }


def test_each_call_has_its_own_doubt_and_that_of_placing_where_it_has_none() -> None:
    own = rules(replace(TWO_PHASE, after_cancel=Doubt.REPLAY))
    assert [own.after(step) for step in (Step.PLACE, Step.CONFIRM, Step.CANCEL)] == [
        Doubt.HARMLESS,
        Doubt.LOOK_UP_ONCE,
        Doubt.REPLAY,
    ]
    assert {rules(ONE_PHASE).after(step) for step in (*Step, None)} == {Doubt.LOOK_UP}


@pytest.mark.parametrize(
    ("since", "said"),
    [
        (timedelta(days=14), None),
        (timedelta(days=14, microseconds=1), "its goods were delivered more than 14 days ago"),
    ],
    ids=str,
)
def test_goods_are_taken_back_until_the_last_moment_of_their_time(
    since: timedelta, said: str | None
) -> None:
    claimed = a_claimed(LineState.DELIVERED, step=Step.CANCEL, state=OrderState.FULFILLED)
    claimed = replace(claimed, finished_at=claimed.now - since)
    assert refusal(rules(TAKES_BACK), claimed) == said


def test_a_provider_without_a_way_back_is_not_asked_for_one() -> None:
    placed = a_claimed(LineState.ACCEPTED, step=Step.CANCEL, state=OrderState.PLACED)
    assert refusal(rules(ONE_PHASE), placed) == (
        "it is bought, and its provider documents no way to call an order off"
    )
    over = replace(placed, state=OrderState.FULFILLED)
    keeps = replace(TAKES_BACK, returns_for=None)
    assert (
        refusal(rules(keeps), over) == "its goods were delivered, and its provider takes none back"
    )
    assert refusal(rules(keeps), placed) is None
