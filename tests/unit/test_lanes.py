"""Lanes: nobody takes what the others need, and who fails is let in by twos."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.lanes import FAILING_LANE, Lane, Lanes, lane_of

A: Lane = ("shop", "https://a.example/hooks")
B: Lane = ("shop", "https://b.example/hooks")

lanes_of_many = st.lists(st.sampled_from([("shop", f"https://{n}.example") for n in range(9)]))


def fill(lanes: Lanes, lane: Lane, permits: int) -> int:
    """How many go in, one by one, of those that never come back; what is free then."""
    while permits > 0 and lanes.may_enter(lane, 1, permits):
        lanes.enter(lane)
        permits -= 1
    return permits


def test_a_lane_is_a_url_without_its_query() -> None:
    assert lane_of("shop", "https://a.example/hooks?key=1") == A


def test_alone_an_endpoint_gets_its_whole_lane() -> None:
    assert fill(Lanes(128, 32), A, 128) == 96
    assert fill(Lanes(128, 100), A, 128) == 28


def test_however_many_hang_something_is_left_for_the_next() -> None:
    lanes, free = Lanes(128, 32), 128
    left = [free := fill(lanes, ("shop", f"https://{n}.example"), free) for n in range(8)]
    assert left[0] == 96
    assert left[3] > 32, "after four that hang"
    assert left[7] > 8
    assert all(earlier > later for earlier, later in pairwise(left))


def test_who_may_take_everything_may() -> None:
    assert fill(Lanes(8, 8), A, 8) == 0
    assert fill(Lanes(8, 100), A, 8) == 0


def test_there_is_always_room_for_one() -> None:
    lanes = Lanes(1, 1)
    assert lanes.may_enter(A, 1, 1)
    assert lanes.room(1).each == 1


def test_all_that_wants_in_together_goes_or_nothing_does() -> None:
    lanes = Lanes(128, 32)
    assert lanes.may_enter(A, 32, 128)
    assert not lanes.may_enter(A, 33, 128)


def test_what_fails_is_not_delivered_at_once_until_it_went_through() -> None:
    lanes = Lanes(128, 32)
    lanes.enter(A, 2)
    lanes.saw(A, failing=True)
    assert not lanes.may_enter(A, 1, 126)
    assert lanes.may_enter(B, 1, 126)
    lanes.saw(A, failing=False)
    assert lanes.may_enter(A, 1, 126)


def test_all_that_fail_together_get_a_quarter() -> None:
    lanes = Lanes(128, 32)
    for n in range(10):
        lane = ("shop", f"https://{n}.example")
        lanes.enter(lane, FAILING_LANE)
        lanes.saw(lane, failing=True)
    assert lanes.room(108).failing == 128 // 4 - 10 * FAILING_LANE


def test_what_has_nothing_under_way_is_forgotten() -> None:
    lanes = Lanes(128, 32)
    lanes.enter(A)
    lanes.saw(A, failing=True)
    lanes.leave(A)
    assert lanes.room(128).taken == ()
    lanes.saw(A, failing=True)
    assert lanes.may_enter(A, 1, 128), "the database says what fails"


def test_an_end_is_worth_a_look_only_where_something_may_wait() -> None:
    lanes = Lanes(128, 32)
    lanes.enter(A, 32)
    lanes.enter(B)
    lanes.claimed(95)
    assert not lanes.leave(B)
    assert lanes.leave(A, 8)
    lanes.room(104)
    lanes.claimed(104)
    assert not lanes.leave(A)


def test_of_a_full_lane_a_quarter_is_free_before_anybody_looks_again() -> None:
    lanes = Lanes(128, 32)
    lanes.enter(A, 32)
    lanes.claimed(96)
    assert [lanes.leave(A) for _ in range(9)] == [False] * 7 + [True] * 2


def test_where_lanes_are_narrow_every_end_widens_them() -> None:
    lanes = Lanes(128, 32)
    for n in range(4):
        lanes.enter(("shop", f"https://{n}.example"), 20)
    lanes.enter(B)
    lanes.claimed(47)
    assert lanes.leave(B)


def test_room_for_failing_ones_is_looked_for_when_one_of_them_ends() -> None:
    lanes = Lanes(8, 8)
    lanes.enter(A, 2)
    lanes.saw(A, failing=True)
    lanes.enter(B)
    lanes.claimed(5)
    assert not lanes.leave(B)
    assert lanes.leave(A)


@given(lanes_of_many, st.integers(1, 64), st.integers(1, 80))
def test_nobody_is_ever_wider_than_was_said(
    arrivals: list[Lane], permits: int, per_endpoint: int
) -> None:
    lanes, free, inside = Lanes(permits, per_endpoint), permits, Counter[Lane]()
    for lane in arrivals:
        if free > 0 and lanes.may_enter(lane, 1, free):
            lanes.enter(lane)
            inside[lane] += 1
            free -= 1
    assert max(inside.values(), default=0) <= min(permits, per_endpoint)
    assert {each.lane: each.count for each in lanes.room(free).taken} == dict(inside)


@pytest.mark.parametrize(("brought", "may_hold_more"), [(12, True), (5, False)])
def test_a_lane_that_took_all_it_was_given_is_looked_at_again_whatever_left_it_meanwhile(
    brought: int,
    may_hold_more: bool,  # noqa: FBT001 -- what is expected
) -> None:
    lanes = Lanes(100, 20)
    lanes.enter(A, 8)
    assert lanes.room(90).each == 20
    lanes.leave(A, 8)  # while the claim is under way
    lanes.enter(A, brought)
    assert lanes.again(80) is may_hold_more
    lanes.claimed(80)
    assert lanes.leave(A) is may_hold_more


def test_a_claim_that_left_something_is_followed_by_another() -> None:
    lanes = Lanes(100, 20)
    lanes.enter(B)
    lanes.claimed(99, more=True)
    assert lanes.leave(B)
