"""When a process dies: on one side of a commit, of whatever step or of a certain one.

Written ``order.settled/after@poll``, as a victim reads it in its environment.
"""

from dataclasses import dataclass
from typing import Self

from worker.lifecycle import Step
from worker.store.session import Boundary, Side

ANSWERED = "answered"
"""No boundary: a call has been answered, and the transaction that settles it is not begun."""
AGAIN = "again"
"""An attempt in doubt whose request is sent again as it was."""
LATE = "late"
"""What a worker commits after it has lost its lease, in place of a step's name."""
RUNG, HEARD = "rung", "heard"
"""What ``account.rung`` commits: that the sweep rang for something, and that it was heard."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment. ``about`` is the step that commits, or one of the words above; ``None``: any."""

    at: Boundary | str
    side: Side = "after"
    about: Step | str | None = None

    def __str__(self) -> str:
        return f"{self.at}/{self.side}" + (f"@{self.about}" if self.about else "")

    @classmethod
    def read(cls, written: str) -> Self:
        """The moment that is written so."""
        place, _, about = written.partition("@")
        at, _, side = place.partition("/")
        return cls(at, "before" if side == "before" else "after", about or None)


def both_sides(at: Boundary, *about: Step | str) -> list[Moment]:
    """Before and after a commit, for each step that makes it (or for any)."""
    sides: tuple[Side, Side] = ("before", "after")
    return [Moment(at, side, each) for each in about or (None,) for side in sides]
