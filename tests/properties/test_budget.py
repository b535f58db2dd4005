"""The retry budget: whatever is called and fails, retries stay within their share."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.budget import AT_MOST, RetryBudget

NONE = timedelta()
CALL, RETRY = "call", "retry"

gaps = st.floats(0, 30)
happenings = st.lists(st.tuples(gaps, st.sampled_from([CALL, RETRY])), max_size=120)
shares = st.floats(0, 1)
floors = st.floats(0.01, 20)
bursts = st.floats(0, 20)


def played(budget: RetryBudget, said: list[tuple[float, str]]) -> tuple[list[float], list[float]]:
    """When calls were made, and when retries got their place."""
    now, calls, places = 1000.0, [], []
    for gap, what in said:
        now += gap
        if what == CALL:
            budget.called()
            calls.append(now)
        else:
            places.append(now + budget.retry_in(now).total_seconds())
    return calls, places


@given(happenings, shares, floors, bursts)
def test_in_no_window_more_retries_begin_than_the_calls_in_it_and_the_time_allow(
    said: list[tuple[float, str]], share: float, floor: float, burst: float
) -> None:
    calls, places = played(RetryBudget(share, floor, burst), said)
    for begin in places:
        for end in places:
            begun = sum(begin <= place <= end for place in places)
            made = sum(begin <= call <= end for call in calls)
            allowed = share * made + floor * (end - begin) + burst + 1
            assert end < begin or begun <= allowed + 1e-3


@given(happenings, floors)
def test_the_floor_is_there_whatever_is_called(said: list[tuple[float, str]], floor: float) -> None:
    _, places = played(RetryBudget(0, floor, 0), [(gap, RETRY) for gap, _ in said])
    for begun, place in enumerate(places):
        assert place <= 1000 + sum(gap for gap, _ in said) + begun / floor + 1e-3


def test_a_few_retries_wait_for_nothing_and_more_of_them_in_turn() -> None:
    budget = RetryBudget(floor=2.0)
    waits = [budget.retry_in(7.0).total_seconds() for _ in range(int(AT_MOST) + 4)]
    assert waits == [0.0] * int(AT_MOST) + [0.0, 0.5, 1.0, 1.5]


def test_calls_allow_another_one_by_their_share() -> None:
    budget = RetryBudget(share=0.125, floor=0.001, burst=1)
    assert [budget.retry_in(0.0) for _ in range(2)] == [NONE, NONE]
    assert budget.retry_in(0.0) > NONE
    for _ in range(8):
        budget.called()
    assert budget.retry_in(0.0) == NONE


def test_nothing_is_saved_up_beyond_the_burst() -> None:
    budget = RetryBudget(share=1.0, floor=1.0, burst=3)
    for _ in range(1000):
        budget.called()
    assert sum(budget.retry_in(5.0) == NONE for _ in range(100)) == 4
