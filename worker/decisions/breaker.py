"""When an account's breaker opens, for how long, and what closes it. Pure.

It is about whether a provider answers at all. What it answers is a matter of each order: a no, a
429 or a rejected token come from one that is there.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, assert_never

from worker.outcome import Absent, Confirmed, InDoubt, LookUp, NotSent, Pending, Refused

PROBES: Final = 3
"""So many probes that were answered, in a row, close a breaker."""

LONGEST_PAUSE: Final = timedelta(minutes=5)
JITTER: Final = 0.2
"""By up to this share a pause is longer, so that accounts of one provider do not come back as one.
"""

_BROKEN: Final = 500


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls were made, and how many of them failed."""

    made: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When breakers open: at ``share`` failed of at least ``calls`` within ``window``.

    ``pause`` is how long the first pause is, at least.
    """

    window: timedelta
    share: float
    calls: int
    pause: timedelta

    def opens(self, seen: Calls) -> bool:
        """Whether an account whose calls went so within the window rests from now on."""
        return seen.made >= self.calls and seen.failed >= self.share * seen.made

    def pause_after(self, openings: int, longest_call: timedelta, chance: float) -> timedelta:
        """From the ``openings``-th opening in a row to the next probe; ``chance`` is in [0, 1).

        Never shorter than a call: those that were under way have ended by then, and no probe waits
        behind them.
        """
        doubled = min(self.pause * float(2 ** min(openings - 1, 30)), LONGEST_PAUSE)
        return max(doubled, longest_call) * (1 + JITTER * chance)


def failed(outcome: LookUp) -> bool | None:
    """Whether the provider failed this call; ``None`` where that says nothing of the provider.

    It failed one that it did not answer, and one whose answer is in its own words an error of its
    own (5xx), unless that can be read as a yes or a no. Nothing is said by a call that we did not
    make or cut off, and by a fault of ours.
    """
    match outcome:
        case Confirmed() | Refused() | Pending() | Absent():
            return False
        case NotSent() | InDoubt():
            status = outcome.evidence.status
            if outcome.unanswered or (status is not None and status >= _BROKEN):
                return True
            return False if status is not None else None
        case _:
            assert_never(outcome)
