"""How far another clock is ahead: what a look tells, what many agree on, what it is good for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from worker.skew import WHOLE_SECONDS, Ahead, ClockWatch, earlier

NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
NOTHING: Final = timedelta(0)


def span(least: float, most: float) -> Ahead:
    return Ahead(timedelta(seconds=least), timedelta(seconds=most))


def watching(ahead: Ahead | None) -> ClockWatch:
    watch = ClockWatch()
    if ahead is not None:
        watch.saw(ahead, NOON)
    return watch


# --- one look --------------------------------------------------------------------------------


def test_a_clock_was_read_some_time_between_question_and_answer() -> None:
    look = Ahead.seen(NOON, NOON + 30 * SECOND, NOON + 2 * SECOND)
    assert look.least == 28 * SECOND
    assert look.most == pytest.approx(30 * SECOND, abs=timedelta(milliseconds=1))


def test_a_whole_second_may_be_nearly_over() -> None:
    look = Ahead.seen(NOON, NOON, NOON, WHOLE_SECONDS)
    assert look == Ahead(NOTHING, SECOND)
    assert (look.middle, look.unsure) == (SECOND / 2, SECOND / 2)


def test_two_clocks_that_were_compared_with_a_third_are_compared_with_each_other() -> None:
    assert span(10, 12).than(span(1, 2)) == span(8, 11)
    assert span(10, 12).than(span(10, 12)) == span(-2, 2)


# --- many looks ------------------------------------------------------------------------------


def test_what_two_looks_agree_on_is_narrower_than_either() -> None:
    assert span(0, 1).narrowed(span(0.6, 1.6), NOTHING) == span(0.6, 1)


def test_what_was_seen_long_ago_is_believed_less() -> None:
    seen = span(0.5, 0.5).narrowed(span(0, 1), 1000 * SECOND)
    assert seen.least < 0.5 * SECOND < seen.most
    assert seen.unsure < SECOND / 2


def test_a_clock_that_is_set_is_noticed() -> None:
    watch = watching(span(0, 1))
    watch.saw(span(59, 60), NOON + SECOND)
    assert watch.ahead == span(59, 60)
    watch.saw(span(-1, 0), NOON + 2 * SECOND)
    assert watch.ahead == span(-1, 0)


def test_the_first_look_is_all_there_is() -> None:
    assert watching(None).ahead is None
    assert watching(span(1, 2)).ahead == span(1, 2)


def test_a_look_during_which_our_own_clock_was_set_back_tells_nothing() -> None:
    watch = watching(span(0, 1))
    watch.saw(Ahead.seen(NOON, NOON, NOON - MINUTE, WHOLE_SECONDS), NOON - MINUTE)
    assert watch.ahead == span(0, 1)


LOOKS = st.lists(
    st.tuples(
        st.integers(0, 3_600_000_000),  # since the last look
        st.integers(0, 30_000_000),  # how long the question takes
        st.integers(0, 30_000_000),  # and the answer
    ),
    min_size=1,
    max_size=20,
)
"""In microseconds."""

DRIFTS = st.integers(-50, 50)
"""What a quartz clock gains on another one, in microseconds a second."""


def told(looks: Sequence[tuple[int, int, int]], behind: int, drift: int) -> list[tuple[Ahead, int]]:
    """What looks at a clock with whole seconds tell, each with how far ahead it then is.

    Ours shows the true time since noon; theirs is ``behind`` at noon and gains ``drift``.
    """

    def ahead(at: int) -> int:
        return at * drift // 1_000_000 - behind

    def moment(at: int) -> datetime:
        return NOON + timedelta(microseconds=at)

    now, seen = 0, []
    for pause, there, back in looks:
        asked, shown, answered = now + pause, now + pause + there, now + pause + there + back
        date = moment(shown + ahead(shown)).replace(microsecond=0)
        look = Ahead.seen(moment(asked), date, moment(answered), WHOLE_SECONDS)
        seen.append((look, ahead(answered)))
        now = answered
    return seen


@given(looks=LOOKS, behind=st.integers(-(10**9), 10**9), drift=DRIFTS)
@example(looks=[(0, 0, 30_000_000)], behind=-999_999, drift=50)  # it drifted during the answer
def test_however_many_looks_there_were_the_truth_lies_in_what_they_agree_on(
    looks: list[tuple[int, int, int]], behind: int, drift: int
) -> None:
    watch, now = ClockWatch(), NOON
    seen = told(looks, behind, drift)
    for (look, truth), (pause, there, back) in zip(seen, looks, strict=True):
        now += timedelta(microseconds=pause + there + back)
        watch.saw(look, now)
        assert watch.ahead is not None
        rounding = timedelta(microseconds=len(looks) + 1)
        assert watch.ahead.least - rounding <= timedelta(microseconds=truth)
        assert timedelta(microseconds=truth) <= watch.ahead.most + rounding


@given(looks=LOOKS, behind=st.integers(-(10**9), 10**9), drift=DRIFTS)
def test_many_looks_never_tell_less_than_the_last_one(
    looks: list[tuple[int, int, int]], behind: int, drift: int
) -> None:
    watch, now = ClockWatch(), NOON
    for (look, _), parts in zip(told(looks, behind, drift), looks, strict=True):
        now += timedelta(microseconds=sum(parts))
        watch.saw(look, now)
        assert watch.ahead is not None
        assert watch.ahead.unsure <= look.unsure


@given(
    looks=LOOKS,
    then=LOOKS,
    drift=DRIFTS,
    by=st.integers(10**8, 10**9) | st.integers(-(10**9), -(10**8)),
)
def test_a_clock_that_is_set_far_is_noticed_by_the_next_look(
    looks: list[tuple[int, int, int]], then: list[tuple[int, int, int]], drift: int, by: int
) -> None:
    """Further than both looks are unsure by, and than the clocks drift apart meanwhile."""
    watch = ClockWatch()
    for look, _ in told(looks, 0, drift):
        watch.saw(look, NOON)
    (after, truth), *_ = told(then, by, drift)
    watch.saw(after, NOON)
    assert watch.ahead == after
    assert after.least <= timedelta(microseconds=truth) <= after.most


def test_many_short_looks_read_a_whole_second_clock_to_some_hundredths() -> None:
    looks = [(317_000, 10_000, 10_000)] * 40
    watch, now = ClockWatch(), NOON
    for look, _ in told(looks, -1_234_567, 0):
        now += timedelta(microseconds=337_000)
        watch.saw(look, now)
    assert watch.ahead is not None
    assert watch.ahead.unsure < timedelta(milliseconds=50)
    assert abs(watch.ahead.middle - timedelta(microseconds=1_234_567)) < watch.ahead.unsure


# --- what it is good for ---------------------------------------------------------------------


def test_a_clock_that_is_ahead_ends_its_quotes_that_much_earlier() -> None:
    theirs, ours = watching(span(30, 31)), watching(span(0, 0))
    assert earlier(NOON, theirs, ours) == NOON - 31 * SECOND


def test_both_clocks_are_told_against_ours() -> None:
    theirs, ours = watching(span(30, 31)), watching(span(10, 12))
    assert earlier(NOON, theirs, ours) == NOON - 21 * SECOND


@pytest.mark.parametrize("ahead", [span(-31, -30), span(-0.5, 0.5), span(0, 1), span(-9, 0)])
def test_a_clock_that_is_behind_or_may_be_gains_nothing(ahead: Ahead) -> None:
    assert earlier(NOON, watching(ahead), watching(span(0, 0))) == NOON


@pytest.mark.parametrize(
    ("theirs", "ours"), [(None, None), (None, span(0, 0)), (span(30, 31), None)]
)
def test_an_unknown_clock_changes_nothing(theirs: Ahead | None, ours: Ahead | None) -> None:
    assert earlier(NOON, watching(theirs), watching(ours)) == NOON


SPANS = st.none() | st.tuples(st.floats(-1e6, 1e6), st.floats(0, 60)).map(
    lambda pair: span(pair[0], pair[0] + pair[1])
)


@given(theirs=SPANS, ours=SPANS)
def test_a_moment_never_becomes_a_later_one(theirs: Ahead | None, ours: Ahead | None) -> None:
    assert earlier(NOON, watching(theirs), watching(ours)) <= NOON
