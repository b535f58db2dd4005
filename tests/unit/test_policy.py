"""When to try again: never sooner than asked, never later than promised."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import POLICY
from worker.policy import (
    BREATHER,
    DELIVERY_SCHEDULE,
    LONGEST_REST,
    THROTTLE_FLOOR,
    delivery_in,
    rest_in,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DEADLINE = timedelta(seconds=30)

chances = st.floats(0, 1, exclude_max=True)
wishes = st.timedeltas(timedelta(), timedelta(days=400))


@pytest.mark.parametrize(("tries", "ceiling"), [(0, 1), (1, 2), (4, 16), (8, 256), (9, 300)])
def test_the_wait_doubles_with_each_try_up_to_its_cap(tries: int, ceiling: int) -> None:
    assert POLICY.retry_in(tries, 0.5) == ceiling * SECOND / 2


def test_the_thousandth_try_waits_no_longer_than_the_cap() -> None:
    assert POLICY.retry_in(1000, 0.999) <= POLICY.retry_cap


def test_after_thirty_doublings_a_wait_grows_no_more() -> None:
    endless = replace(POLICY, retry_cap=timedelta(days=1_000_000))
    waits = [endless.retry_in(tries, 1.0) for tries in (29, 30, 31, 1000)]
    assert waits == [2**29 * SECOND, *[2**30 * SECOND] * 3]


@pytest.mark.parametrize("tries", [0, 3])
def test_who_throttles_waits_between_half_and_all_of_it(tries: int) -> None:
    policy = replace(POLICY, retry_base=4 * SECOND)
    whole = 4 * 2**tries * SECOND
    assert policy.retry_in(tries, 0.0, throttled=True) == whole / 2
    assert policy.retry_in(tries, 0.5, throttled=True) == whole * 3 / 4


def test_the_least_wait_of_who_throttles_is_a_second() -> None:
    assert POLICY.retry_in(0, 0.0, throttled=True) == SECOND
    assert POLICY.retry_in(0, 0.0, timedelta()) == SECOND
    assert POLICY.retry_in(0, 0.0, SECOND / 1000) == SECOND
    assert POLICY.retry_in(0, 0.0) == timedelta()


@given(st.integers(0, 100), chances)
def test_chance_spreads_a_wait_over_the_whole_of_it(tries: int, chance: float) -> None:
    assert timedelta() <= POLICY.retry_in(tries, chance) <= POLICY.retry_in(tries, 1.0)


@given(st.integers(0, 100), chances, wishes)
def test_a_wish_is_kept_up_to_the_cap_and_never_hammers(
    tries: int, chance: float, wish: timedelta
) -> None:
    wait = POLICY.retry_in(tries, chance, wish)
    assert wait >= min(wish, POLICY.retry_cap)
    assert THROTTLE_FLOOR <= wait <= POLICY.retry_cap


@given(st.integers(0, 100), chances, st.one_of(st.none(), wishes))
def test_who_throttles_gets_half_the_wait_in_any_case_and_a_second_at_least(
    tries: int, chance: float, wish: timedelta | None
) -> None:
    wait = POLICY.retry_in(tries, chance, wish, throttled=True)
    assert max(THROTTLE_FLOOR, POLICY.retry_in(tries, 1.0) / 2) <= wait <= POLICY.retry_cap
    assert wait >= POLICY.retry_in(tries, chance, wish)


def test_look_ups_follow_their_schedule_and_then_end() -> None:
    over = sum(POLICY.look_up_waits, timedelta())
    assert [POLICY.look_up_in(n, over) for n in range(5)] == [*POLICY.look_up_waits, None]


def test_look_ups_brought_forward_by_callbacks_do_not_end_the_asking_sooner() -> None:
    assert POLICY.look_up_in(40, timedelta(seconds=55)) == timedelta(seconds=700)
    assert POLICY.look_up_in(40, timedelta(seconds=755)) is None


@pytest.mark.parametrize(
    ("look_ups", "minutes", "proven"),
    [(3, 10, True), (2, 60, False), (3, 9.99, False), (100, 9, False), (4, 11, True)],
)
def test_absence_is_believed_only_after_enough_look_ups_and_enough_time(
    look_ups: int,
    minutes: float,
    proven: bool,  # noqa: FBT001 -- a column of the table above
) -> None:
    assert POLICY.absence_is_proof(look_ups, minutes * MINUTE, DEADLINE) is proven


def test_a_slow_provider_is_given_five_of_its_deadlines() -> None:
    slow = timedelta(minutes=4)
    assert not POLICY.absence_is_proof(3, 19 * MINUTE, slow)
    assert POLICY.absence_is_proof(3, 20 * MINUTE, slow)


def test_the_default_schedule_reaches_the_moment_at_which_absence_is_proof() -> None:
    last = sum(POLICY.look_up_waits, start=timedelta())
    assert POLICY.absence_is_proof(len(POLICY.look_up_waits), last, DEADLINE)


# --- deliveries ------------------------------------------------------------------------------


def test_ten_deliveries_are_tried_in_about_three_days() -> None:
    waits = [delivery_in(tries, 0.5) for tries in range(1, 11)]
    assert waits == [*DELIVERY_SCHEDULE, None]
    assert timedelta(days=3) < sum(DELIVERY_SCHEDULE, start=timedelta()) < timedelta(days=4)
    assert all(earlier < later for earlier, later in pairwise(DELIVERY_SCHEDULE))


def test_the_waits_between_deliveries_are_those_that_standard_webhooks_proposes() -> None:
    hours = [timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)]
    assert [*DELIVERY_SCHEDULE] == [5 * SECOND, 5 * MINUTE, 30 * MINUTE, *hours]


@pytest.mark.parametrize(("chance", "share"), [(0.0, 0.8), (0.5, 1.0), (1.0, 1.2)])
def test_chance_moves_a_delivery_by_a_fifth_either_way(chance: float, share: float) -> None:
    assert delivery_in(2, chance) == share * 5 * MINUTE


def test_who_is_busy_is_left_alone_for_a_minute_whatever_chance_says() -> None:
    assert delivery_in(1, 0.0, busy=True) == MINUTE
    assert delivery_in(1, 1.0, busy=True) == 1.5 * MINUTE
    assert (BREATHER, LONGEST_REST) == (MINUTE, 60 * MINUTE)


@pytest.mark.parametrize(("wish", "wait"), [(1, 5), (7, 7), (10, 10), (11, 10), (60, 10)])
def test_a_wish_is_kept_up_to_twice_the_wait(wish: int, wait: int) -> None:
    assert delivery_in(1, 0.5, wish * SECOND) == wait * SECOND


@given(st.integers(1, 9), chances)
def test_a_delivery_waits_its_time_give_or_take_a_fifth(tries: int, chance: float) -> None:
    wait = delivery_in(tries, chance)
    assert wait is not None
    assert 0.8 <= wait / DELIVERY_SCHEDULE[tries - 1] <= 1.2


@given(st.integers(1, 9), chances, wishes)
def test_a_producers_wish_may_double_a_wait_and_never_shortens_it(
    tries: int, chance: float, wish: timedelta
) -> None:
    wait, unasked = delivery_in(tries, chance, wish), delivery_in(tries, chance)
    assert wait is not None
    assert unasked is not None
    assert unasked <= wait <= 2 * DELIVERY_SCHEDULE[tries - 1]


def test_no_wish_reopens_what_is_exhausted() -> None:
    assert delivery_in(10, 0.5, timedelta(hours=1)) is None


@given(st.integers(1, 9), chances)
def test_who_is_busy_is_left_alone_for_a_minute_at_least(tries: int, chance: float) -> None:
    wait, unasked = delivery_in(tries, chance, busy=True), delivery_in(tries, chance)
    assert wait is not None
    assert unasked is not None
    assert wait >= max(BREATHER, unasked) - timedelta(milliseconds=1)
    assert wait <= max(1.5 * BREATHER, unasked) + timedelta(milliseconds=1)


def test_a_busy_receivers_own_wish_is_believed() -> None:
    assert delivery_in(1, 0.5, timedelta(seconds=7), busy=True) == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("code", "wish", "rest"),
    [
        (429, None, BREATHER),
        (429, timedelta(seconds=7), timedelta(seconds=7)),
        (429, timedelta(days=7), LONGEST_REST),
        (503, None, None),
        (503, timedelta(minutes=7), timedelta(minutes=7)),
        (503, timedelta(days=7), LONGEST_REST),
        (500, timedelta(minutes=7), None),
        (None, None, None),
    ],
)
def test_an_endpoint_rests_as_a_whole_only_where_it_speaks_for_itself(
    code: int | None, wish: timedelta | None, rest: timedelta | None
) -> None:
    assert rest_in(code, wish) == rest
