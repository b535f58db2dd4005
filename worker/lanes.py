"""How many deliveries one process may have under way where, so that no endpoint starves another.

Pure: what is under way is told, and permits are only counted. An endpoint's lane is as wide as the
settings say while permits abound, and gets narrower as they run short: those that hang share what
they hold among themselves, and something is always left for the others. What fails is let in by
twos, only to see whether it still does.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

Lane = tuple[str, str]
"""A producer and the URL of its endpoint, without the query."""

FAILING_LANE: Final = 2
"""How many deliveries at once find out whether a failing endpoint still fails."""
FAILING_SHARE: Final = 4
"""All failing ones together get one in so many of the permits."""


def lane_of(producer: str, url: str) -> Lane:
    """Which lane a notification takes."""
    return producer, url.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How many are under way in a lane, and whether we saw it fail."""

    lane: Lane
    count: int
    failing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many may be claimed.

    ``each`` is the width of a lane, what is ``taken`` included; ``failing`` is what is left for all
    failing ones together.
    """

    each: int
    failing: int
    taken: tuple[Taken, ...] = ()


class Lanes:
    """What this process has under way at each endpoint, and which of them failed it last."""

    def __init__(self, permits: int, per_endpoint: int) -> None:
        self._permits = permits
        self._per_endpoint = min(per_endpoint, permits)
        self._taken: Counter[Lane] = Counter()
        self._failing: set[Lane] = set()
        self._full: dict[Lane, int] = {}
        """Lanes in which something may be left, with how few must be under way to look again."""
        self._narrow = False
        self._each, self._before = self._per_endpoint, Counter[Lane]()
        self._entered = Counter[Lane]()

    def width(self, free: int) -> int:
        """How many may be under way in one lane while so many permits are free.

        Alone, a lane reaches its whole width; n that hang leave one share of n + 1 to the others
        (with half the permits as the width; more, the narrower it is).
        """
        others = self._permits - self._per_endpoint
        if others == 0:
            return self._per_endpoint
        share = -(-self._per_endpoint * free // others)
        return max(1, min(self._per_endpoint, share))

    def may_enter(self, lane: Lane, wanted: int, free: int) -> bool:
        """Whether so many may go at once, without a look at what is due."""
        return lane not in self._failing and self._taken[lane] + wanted <= self.width(free)

    def enter(self, lane: Lane, count: int = 1) -> None:
        """So many are under way from now on."""
        self._taken[lane] += count
        self._entered[lane] += count

    def leave(self, lane: Lane, count: int = 1) -> bool:
        """So many have ended; whether that made room for what may have been left.

        Of a full lane a quarter has to be free again: a claim for each one that ends would cost
        more than the delivery.
        """
        self._taken[lane] -= count
        waited = self._narrow or self._taken[lane] <= self._full.get(lane, -1)
        if self._taken[lane] <= 0:
            del self._taken[lane]
            self._failing.discard(lane)  # whether it fails is in the database, for who comes next
        return waited

    def saw(self, lane: Lane, *, failing: bool) -> None:
        """It fails, or it does not any more."""
        if not failing:
            self._failing.discard(lane)
        elif self._taken[lane] > 0:
            self._failing.add(lane)

    def room(self, free: int) -> Room:
        """What may be claimed while so many permits are free."""
        self._each, self._before, self._entered = self.width(free), Counter(self._taken), Counter()
        return Room(
            each=self._each,
            failing=self._left_for_failing(),
            taken=tuple(
                Taken(lane=lane, count=count, failing=lane in self._failing)
                for lane, count in self._taken.items()
            ),
        )

    def again(self, free: int) -> bool:
        """Whether lanes that a claim has filled were left meanwhile, so that there is room now."""
        few = _enough(self.width(free))
        return any(self._taken[lane] <= few for lane in self._filled() - self._failing)

    def claimed(self, free: int, *, more: bool = False) -> None:
        """Note, after a claim that left so many permits free, where something may be left.

        With ``more``, something is: the next one that ends calls for another look.
        """
        width = self.width(free)
        shut = self._left_for_failing() <= 0
        filled = self._filled()
        self._full = {
            lane: count - 1 if lane in self._failing else min(count - 1, _enough(width))
            for lane, count in self._taken.items()
            if (lane in self._failing and (shut or count >= FAILING_LANE))
            or count >= width
            or lane in filled
        }
        short = width < self._per_endpoint and bool(self._full.keys() - self._failing)
        self._narrow = short or more

    def _filled(self) -> set[Lane]:
        """The lanes that the last claim found full or made so, whatever has left them since."""
        return {
            lane
            for lane in self._before.keys() | self._entered.keys()
            if self._before[lane] + self._entered[lane] >= self._each
        }

    def _left_for_failing(self) -> int:
        share = max(self._permits // FAILING_SHARE, 1)
        return share - sum(self._taken[lane] for lane in self._failing)


def _enough(width: int) -> int:
    """How few under way in a lane are worth another claim."""
    return 3 * width // 4
