"""Time as an argument. Nothing else in Orderline asks the machine what time it is.

Leases and quotes are judged by the *database's* clock (``orderline_now()``); this one times
our own calls and stamps what leaves the house.
"""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Two readings of one clock."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever grow; comparable on one machine, until it starts anew."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See ``Clock.now``."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See ``Clock.monotonic``."""
        return time.monotonic()
