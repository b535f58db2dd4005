"""When a call may still start, and when it is cut. Monotonic seconds, never wall time."""

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """Two moments on the monotonic clock, in its seconds.

    A request may be written only before ``start_by``; a call that is still under way at
    ``end_by`` is cut. Taken before the attempt is recorded, so that a process that was
    paused in between does not send what has gone stale.
    """

    start_by: float
    end_by: float

    @classmethod
    def after(
        cls, *, start: timedelta | float, total: timedelta | float, now: float | None = None
    ) -> Self:
        """Count from ``now``: ``start`` is the time to begin in, ``total`` the time for all of it.

        Bare numbers are seconds. Nothing may start after its own end.
        """
        origin = time.monotonic() if now is None else now
        begin, end = _seconds(start), _seconds(total)
        return cls(start_by=origin + min(begin, end), end_by=origin + end)

    def begun(self) -> Self:
        """For the further requests of a call that did begin in time: they may until its end."""
        return replace(self, start_by=self.end_by)

    def remaining(self, now: float | None = None) -> float:
        """Seconds until the call is cut; negative once that has passed."""
        return self.end_by - (time.monotonic() if now is None else now)

    def started_too_late(self, now: float | None = None) -> bool:
        """Whether a request written now would be written too late."""
        return (time.monotonic() if now is None else now) >= self.start_by


def _seconds(span: timedelta | float) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else span
