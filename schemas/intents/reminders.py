"""Waits in minutes, hours, days and weekdays, and whether one surely ends a day after another.

Pure: knows no calendar and no clock, so it reckons with all of them. A wait of some weekdays is
longer or shorter by the day it begins on, and by how one reads it: on a Saturday, "0 weekdays"
may end at once or on Monday. Every reading that goes from weekday to weekday, Monday to Friday,
lies between the bounds here. A day is 24 hours; changes of the clock are left aside, as by
whoever calls three days and four days a day apart.
"""

from datetime import timedelta
from typing import Final, Literal

Unit = Literal["minutes", "hours", "days", "weekdays"]
"""What a wait is counted in."""

APART: Final = timedelta(hours=24)
"""How long after an invitation its reminder comes at the earliest."""
LONGEST: Final = timedelta(days=366)
"""The longest wait that makes sense: with more, somebody mistook the unit."""

_WEEK: Final = 5
_WEEKEND: Final = 2


_SPANS: Final = {
    "minutes": timedelta(minutes=1),
    "hours": timedelta(hours=1),
    "days": timedelta(days=1),
}


def shortest(unit: Unit, amount: int) -> timedelta:
    """The least that a wait takes, whatever the day it begins on.

    The first five weekdays may be those of one week (begun on a Sunday); after each five
    follows a weekend.
    """
    if unit == "weekdays":
        weekends = max(amount - 1, 0) // _WEEK
        return timedelta(days=amount + _WEEKEND * weekends)
    return amount * _SPANS[unit]


def longest(unit: Unit, amount: int) -> timedelta:
    """The most that a wait takes, whatever the day it begins on.

    A weekend is met at once (begun on a Friday or Saturday), and another after each five.
    """
    if unit == "weekdays":
        return timedelta(days=amount + _WEEKEND * (amount // _WEEK + 1))
    return amount * _SPANS[unit]


def surely_apart(delay: tuple[Unit, int], reminder: tuple[Unit, int]) -> bool:
    """Whether a reminder comes late enough after an invitation, both waits begun together.

    Two waits in one unit are read in one way, so there the amounts alone decide: between any
    two weekdays lies at least a day.
    """
    if delay[0] == reminder[0] == "weekdays":
        return reminder[1] > delay[1]
    return shortest(*reminder) - longest(*delay) >= APART
