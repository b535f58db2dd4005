"""What can go wrong between a caller and a remote: the kinds, and the two ways to ask for them.

The kinds are the same for every remote because they happen on the wire; ``wire`` carries them
out. What a remote refuses on purpose (out of stock, price changed) is not a fault and lives
with the remote.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from random import Random
from typing import Final, Generic, TypeVar


class Fault(StrEnum):
    """What happens to one call. ``executes`` says whether the remote acted on it."""

    NONE = "none"
    """Executed and answered."""
    CUT_BEFORE = "cut_before"
    """The request is read, then the connection closed (FIN). Not executed."""
    CUT_AFTER = "cut_after"
    """Executed, then the connection closed (FIN) instead of an answer."""
    CUT_MID_AFTER = "cut_mid_after"
    """Executed; status, headers and half of the answer come, then the connection closes (FIN)."""
    RESET_BEFORE = "reset_before"
    """The request is read, then the connection reset (RST). Not executed."""
    RESET_AFTER = "reset_after"
    """Executed, then the connection reset (RST) instead of an answer."""
    HANG_BEFORE = "hang_before"
    """No answer ever, until the caller leaves or the sandbox stops. Not executed."""
    HANG_AFTER = "hang_after"
    """Executed; no answer ever, until the caller leaves or the sandbox stops."""
    GARBAGE_AFTER = "garbage_after"
    """Executed; the answer is 200, says it is JSON, and is not."""
    OVERSIZED_AFTER = "oversized_after"
    """Executed; the answer is the right one, with two million spaces behind it."""
    ERROR_500_BEFORE = "error_500_before"
    """500 in the remote's own envelope. Not executed."""
    ERROR_500_AFTER = "error_500_after"
    """Executed, yet the answer is the same 500."""
    NOT_FOUND_404_AFTER = "not_found_404_after"
    """Executed, yet the answer is the remote's 404."""
    UNAVAILABLE_503 = "unavailable_503"
    """503 in the remote's own envelope. Not executed."""
    THROTTLED_429 = "throttled_429"
    """429 with ``Retry-After`` in seconds. Not executed."""
    THROTTLED_429_DATE = "throttled_429_date"
    """429 with ``Retry-After`` as an HTTP date, by the remote's clock. Not executed."""
    UNAUTHORIZED_401 = "unauthorized_401"
    """The caller's token dies and the call is turned away. Not executed."""
    HTML_ERROR_PAGE = "html_error_page"
    """502 with a proxy's HTML page. Not executed."""
    GATEWAY_TIMEOUT_504 = "gateway_timeout_504"
    """Executed, yet a proxy answers 504 with an HTML page."""
    SLOW_DRIP = "slow_drip"
    """Executed; the whole answer comes, byte by byte."""
    ENDLESS_DRIP = "endless_drip"
    """Executed; an answer comes byte by byte and never ends, until the caller leaves."""
    LATE_ANSWER = "late_answer"
    """Executed at once, answered one pace later: callbacks overtake the answer."""

    @property
    def executes(self) -> bool:
        """Whether the remote acted on the call."""
        return self not in _NOT_EXECUTED


_NOT_EXECUTED: Final = frozenset(
    {
        Fault.CUT_BEFORE,
        Fault.RESET_BEFORE,
        Fault.HANG_BEFORE,
        Fault.ERROR_500_BEFORE,
        Fault.UNAVAILABLE_503,
        Fault.THROTTLED_429,
        Fault.THROTTLED_429_DATE,
        Fault.UNAUTHORIZED_401,
        Fault.HTML_ERROR_PAGE,
    }
)

RANDOM_KINDS: Final = (
    Fault.CUT_BEFORE,
    Fault.CUT_AFTER,
    Fault.RESET_AFTER,
    Fault.HANG_AFTER,
    Fault.ERROR_500_AFTER,
    Fault.UNAVAILABLE_503,
    Fault.THROTTLED_429,
    Fault.LATE_ANSWER,
)
"""What a single rate is shared among, in equal parts."""


class Faults:
    """Random faults: the same seed and the same order of calls give the same faults.

    ``rate`` is the probability per call, shared by ``RANDOM_KINDS``, or one probability per
    kind. Raises ``ValueError`` when the probabilities are negative or exceed 1 together.
    """

    def __init__(self, seed: int, rate: float | Mapping[Fault, float] = 0.0) -> None:
        if not isinstance(rate, Mapping):
            rate = dict.fromkeys(RANDOM_KINDS, rate / len(RANDOM_KINDS)) if rate else {}
        if any(share < 0 for share in rate.values()) or sum(rate.values()) > 1 + 1e-9:
            raise ValueError("fault rates must be probabilities: not negative, at most 1 together")
        self._random = Random(seed)  # noqa: S311 -- repeatable on purpose, nothing secret
        self._rate = dict(rate)

    def draw(self) -> Fault:
        """The fault of the next call."""
        if not self._rate:
            return Fault.NONE
        left = self._random.random()
        for fault, share in self._rate.items():
            left -= share
            if left < 0:
                return fault
        return Fault.NONE


Scripted = TypeVar("Scripted")


class Scripts(Generic[Scripted]):
    """What is laid down beforehand for the next calls of one operation."""

    def __init__(self) -> None:
        self._next: defaultdict[tuple[str, str], deque[Scripted]] = defaultdict(deque)

    def add(self, remote: str, operation: str, scripted: Iterable[Scripted]) -> None:
        """Append what happens to the next calls, one each."""
        self._next[remote, operation].extend(scripted)

    def clear(self) -> None:
        """Forget all of it."""
        self._next.clear()

    def take(self, remote: str, operation: str) -> Scripted | None:
        """What is laid down for this call; ``None`` leaves it to magic values and chance."""
        waiting = self._next.get((remote, operation))
        return waiting.popleft() if waiting else None
