"""How far another clock is ahead of ours: a span that every look at it makes narrower. Pure.

An HTTP ``Date`` has whole seconds and a question takes its time, so one look bounds the other
clock rather than reads it. What several looks agree on is narrower than any of them, as long as
neither clock is set in between; that they run at slightly different speeds widens it again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

_DRIFT: Final = 1e-4
"""By which share two clocks' speeds may differ: twice what cheap quartz does."""

WHOLE_SECONDS: Final = timedelta(seconds=1)
"""How coarse an HTTP ``Date`` is (RFC 9110 §5.6.7): what it tells may be nearly over."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """By how much a clock is ahead of another one: at least ``least``, at most ``most``."""

    least: timedelta
    most: timedelta

    @classmethod
    def seen(
        cls,
        asked_at: datetime,
        shown: datetime,
        answered_at: datetime,
        coarse: timedelta = timedelta(0),
    ) -> Self:
        """What one look tells: somewhere between question and answer it showed ``shown``.

        ``coarse`` is how much later it really may have been. While a slow answer came, the other
        clock may have gained on ours.
        """
        gained = (answered_at - asked_at) * _DRIFT
        return cls(shown - answered_at, shown - asked_at + coarse + gained)

    @property
    def middle(self) -> timedelta:
        """The best guess."""
        return (self.least + self.most) / 2

    @property
    def unsure(self) -> timedelta:
        """How far off that may be, either way."""
        return (self.most - self.least) / 2

    def than(self, other: "Ahead") -> "Ahead":
        """By how much this clock is ahead of another one, both told against the same third."""
        return Ahead(self.least - other.most, self.most - other.least)

    def narrowed(self, newer: "Ahead", after: timedelta) -> "Ahead":
        """What this and a newer look agree on; the newer one alone where they do not."""
        drifted = after * _DRIFT
        least = max(self.least - drifted, newer.least)
        most = min(self.most + drifted, newer.most)
        return Ahead(least, most) if least <= most else newer


class ClockWatch:
    """What is known of one other clock. ``ahead`` is ``None`` until it was first seen."""

    def __init__(self) -> None:
        self.ahead: Ahead | None = None
        self.seen_at: datetime | None = None

    def saw(self, look: Ahead, at: datetime) -> None:
        """Take in one more look, made at a moment of our own clock.

        Where that was set back before the answer came, there is nothing to be learnt.
        """
        if look.least > look.most:
            return
        if self.ahead is not None and self.seen_at is not None:
            look = self.ahead.narrowed(look, abs(at - self.seen_at))
        self.ahead, self.seen_at = look, at


def earlier(moment: datetime, theirs: ClockWatch, ours: ClockWatch) -> datetime:
    """A moment of their clock by the one that decides here, never later than it says.

    Where their clock is surely ahead, what they call a moment comes that much earlier. Where it is
    behind, or may be, nothing is gained by it: a quote is better left too early than too late.
    """
    if theirs.ahead is None or ours.ahead is None:
        return moment
    ahead = theirs.ahead.than(ours.ahead)
    return moment - ahead.most if ahead.least > timedelta(0) else moment
