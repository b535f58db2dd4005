"""How the calls of one account went, as one process saw them. Pure.

Nothing is written while all goes well. What was counted lies here in spans of a few seconds, and
is handed over once somebody wants to know: then with all that went well besides.
"""

from dataclasses import dataclass
from typing import Final

SPAN: Final = 5.0
"""Seconds that are counted as one."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Some calls that were made about ``age`` seconds ago."""

    age: float
    made: int
    failed: int


class Tally:
    """Counts calls. All times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._spans: dict[int, list[int]] = {}

    def note(self, *, failed: bool, now: float) -> None:
        """A call has ended."""
        counts = self._spans.setdefault(int(now // SPAN), [0, 0])
        counts[0] += 1
        counts[1] += failed

    def any_failed(self, now: float, window: float) -> bool:
        """Whether a call failed within ``window`` and was not handed over; older is forgotten."""
        self._forget(now - window)
        return any(failed for _, failed in self._spans.values())

    def take(self, now: float, window: float) -> list[Counted]:
        """What was counted within ``window`` and not handed over before."""
        self._forget(now - window)
        taken, self._spans = self._spans, {}
        return [
            Counted(max(now - span * SPAN, 0.0), made, failed)
            for span, (made, failed) in taken.items()
        ]

    def _forget(self, before: float) -> None:
        for span in [span for span in self._spans if (span + 1) * SPAN <= before]:
            del self._spans[span]


class Probe:
    """What the one call of a probe came to: the first that says something of the provider."""

    def __init__(self) -> None:
        self.failed: bool | None = None

    def note(self, *, failed: bool) -> None:
        """A call of it has ended."""
        if self.failed is None:
            self.failed = failed
