"""How many retries an account's calls allow, so that they cannot multiply its load. Pure.

Its time is passed in: seconds of a clock that never goes back.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

AT_MOST: Final = 10.0
"""How many retries may be saved up for."""


@dataclass(slots=True)
class RetryBudget:
    """One account's retries, in one process: a ``share`` of its calls, and ``floor`` a second.

    Each call adds its share to what is saved up, ``burst`` at most. A retry takes the place that
    comes by every ``1 / floor`` seconds where that is free; else it spends of what is saved up;
    else it waits for the next place that nobody waits for yet. So in no window more retries get
    their place than share x calls + floor x seconds + burst + 1.

    Shares of several processes add up to the same share; each of them has a floor of its own.
    """

    share: float = 0.1
    floor: float = 1.0
    burst: float = AT_MOST
    _saved: float = field(init=False)
    _free_at: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._saved = self.burst

    def called(self) -> None:
        """A call was made, be it a retry."""
        self._saved = min(self._saved + self.share, self.burst)

    def retry_in(self, now: float) -> timedelta:
        """How long a retry has to wait at least; its place is taken by that."""
        if self._free_at > now and self._saved >= 1:
            self._saved -= 1
            return timedelta()
        at = max(self._free_at, now)
        self._free_at = at + 1 / self.floor
        return timedelta(seconds=at - now)
