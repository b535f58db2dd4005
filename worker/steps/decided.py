"""What a step hands back: the change it decided, and how to decide again if it came too late."""

from collections.abc import Callable
from dataclasses import dataclass

from worker.change import Change
from worker.order import Attempted, Claimed
from worker.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an attempt came to: worth keeping even when our lease on the order is gone.

    ``decide`` makes the change from the order as it is by then.
    """

    attempt: Attempted
    outcome: Outcome
    decide: Callable[[Claimed], Change]


@dataclass(frozen=True, slots=True)
class Decided:
    """A change to be settled, and the order it was decided on, with the attempt just made.

    ``learnt`` where an attempt taught us something conclusive.
    """

    claimed: Claimed
    change: Change
    learnt: Learnt | None = None
