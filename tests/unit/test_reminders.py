"""A reminder that is accepted comes a day after its invitation, by every calendar there is.

The calendars are real ones: waits are counted out day by day, from every day of a week, by both
ways in which people and libraries count weekdays.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.intents.reminders import APART, LONGEST, Unit, longest, shortest, surely_apart

SATURDAY: Final = 5
STARTS: Final = [datetime(2026, 11, 23, 15, 30, tzinfo=UTC) + timedelta(days=n) for n in range(7)]
Calendar = Callable[[datetime, Unit, int], datetime]


def stepping(start: datetime, unit: Unit, amount: int) -> datetime:
    """Day by day, counting only weekdays, as PHP does: from a Saturday, 0 is that Saturday."""
    if unit != "weekdays":
        return start + amount * timedelta(**{unit: 1})
    at = start
    while amount:
        at += timedelta(days=1)
        amount -= at.weekday() < SATURDAY
    return at


def rolling(start: datetime, unit: Unit, amount: int) -> datetime:
    """As business calendars do: from a Saturday, counting begins on the Monday."""
    while unit == "weekdays" and start.weekday() >= SATURDAY:
        start += timedelta(days=1)
    return stepping(start, unit, amount)


CALENDARS: Final[list[Calendar]] = [stepping, rolling]

units = st.sampled_from(get_args(Unit))


@st.composite
def waits(draw: st.DrawFn) -> tuple[Unit, int]:
    """Mostly of some weeks, where weekends matter, in whichever unit."""
    unit: Unit = draw(units)
    most = {"minutes": 40_000, "hours": 700, "days": 30, "weekdays": 30}[unit]
    return unit, draw(st.integers(0, most))


@settings(deadline=None, max_examples=6 * settings().max_examples)
@given(waits(), waits())
@example(("weekdays", 4), ("days", 7))
@example(("days", 3), ("weekdays", 4))
@example(("weekdays", 0), ("hours", 24))
def test_a_pair_is_accepted_exactly_when_no_calendar_breaks_it(
    delay: tuple[Unit, int], reminder: tuple[Unit, int]
) -> None:
    apart = [
        calendar(start, *reminder) - calendar(start, *delay)
        for start in STARTS
        for calendar in CALENDARS
    ]
    assert surely_apart(delay, reminder) is (min(apart) >= APART)


@pytest.mark.parametrize("amount", range(41))
def test_the_bounds_of_weekdays_are_met_and_never_crossed(amount: int) -> None:
    lasts = {
        calendar(start, "weekdays", amount) - start for start in STARTS for calendar in CALENDARS
    }
    assert min(lasts) == shortest("weekdays", amount)
    assert max(lasts) == longest("weekdays", amount)
    assert shortest("weekdays", amount) >= timedelta(days=amount)


@pytest.mark.parametrize("unit", ["minutes", "hours", "days"])
def test_other_units_take_what_they_say(unit: Unit) -> None:
    assert shortest(unit, 3) == longest(unit, 3) == timedelta(**{unit: 3})


@pytest.mark.parametrize(
    ("delay", "reminder", "accepted"),
    [
        (("days", 3), ("days", 7), True),
        (("days", 3), ("days", 4), True),
        (("days", 3), ("days", 3), False),
        (("days", 7), ("days", 3), False),
        (("hours", 1), ("hours", 25), True),
        (("hours", 1), ("hours", 24), False),
        (("minutes", 1), ("minutes", 1441), True),
        (("minutes", 1), ("minutes", 1440), False),
        (("weekdays", 3), ("weekdays", 4), True),
        (("weekdays", 3), ("weekdays", 3), False),
        (("hours", 48), ("days", 3), True),
        (("hours", 49), ("days", 3), False),
        (("minutes", 0), ("weekdays", 1), True),
        (("minutes", 1), ("weekdays", 1), False),
        (("weekdays", 3), ("days", 6), True),
        (("weekdays", 3), ("days", 5), False),
        (("days", 3), ("weekdays", 4), True),
        (("days", 4), ("weekdays", 4), False),
        (("days", 7), ("weekdays", 6), True),
    ],
)
def test_the_rule_by_example(
    delay: tuple[Unit, int], reminder: tuple[Unit, int], *, accepted: bool
) -> None:
    assert surely_apart(delay, reminder) is accepted


def test_the_longest_wait_is_a_year_by_every_calendar() -> None:
    assert longest("weekdays", 260) <= LONGEST < longest("weekdays", 262)
