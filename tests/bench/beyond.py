"""Beyond one machine: what many workers would come to, simulated from what one order costs. Pure.

Each worker process has one CPU, and in each step of an order a writer as ``worker.store.batch``
has: while its commit is under way, the next rows gather. All share PostgreSQL, which has so many
cores, and Redis, which has one thread. What an order and what a commit cost is measured (``make
bench ARGS=growth``). Assumed are that neither gets dearer with more of them beside it, and how long
a commit takes to be on disk. The simulation uses no chance: it says the same every time.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

STEPS: Final = ("intake", "claim", "attempt", "settle", "delivery")
"""The commits of an order that is bought in one call. The provider is called after the third."""
_CALLS_AFTER: Final = 2
_BATCH: Final = 256
_ON_DISK: Final = 0.001
"""Seconds from the end of a commit's work to its answer: a write-through disk, assumed."""
_WARMED_UP: Final = 0.5
"""Of the time that is simulated, what is not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """CPU seconds that an order and a commit take, and the bytes of log that an order writes."""

    worker_order: float
    worker_commit: float
    postgres_order: float
    postgres_commit: float
    redis_order: float
    log_bytes: float

    @classmethod
    def between(cls, heap: Mapping[str, float], steady: Mapping[str, float]) -> "Costs":
        """Taken apart by two measurements, for 1,000 orders each: many and few orders a commit.

        What the difference of their CPU is to the difference of their commits is one commit's.
        """
        commits = steady["commits"] - heap["commits"]
        if commits <= 0:
            raise ValueError("a steady load commits more often than a heap: measure again")
        each = {
            part: max(0.0, (steady[part] - heap[part]) / commits)
            for part in ("workers", "postgres")
        }
        left = {part: max(0.0, heap[part] - each[part] * heap["commits"]) for part in each}
        return cls(
            worker_order=left["workers"] / 1000,
            worker_commit=each["workers"],
            postgres_order=left["postgres"] / 1000,
            postgres_commit=each["postgres"],
            redis_order=heap["redis"] / 1000,
            log_bytes=heap["log_bytes"] / 1000,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What so many workers came to. Shares are of the time: 1 is always busy."""

    workers: int
    cores: int
    rate: float
    worker_busy: float
    postgres_busy: float
    redis_busy: float
    log_bytes: float
    """A second."""

    @property
    def gives_out(self) -> str:
        """What is busiest."""
        busy = {
            "the workers": self.worker_busy,
            "PostgreSQL": self.postgres_busy,
            "Redis": self.redis_busy,
        }
        return max(busy, key=lambda name: busy[name])


@dataclass(slots=True)
class _Server:
    """So many cores that take jobs in the order in which they come."""

    events: "_Events"
    cores: int = 1
    busy: float = 0.0
    _free: int = field(init=False)
    _waiting: deque[tuple[float, Callable[[], None]]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._free = self.cores

    def take(self, seconds: float, then: Callable[[], None]) -> None:
        self._waiting.append((seconds, then))
        self._begin()

    def _begin(self) -> None:
        while self._free and self._waiting:
            seconds, then = self._waiting.popleft()
            self._free -= 1
            self.busy += seconds
            self.events.after(seconds, partial(self._done, then))

    def _done(self, then: Callable[[], None]) -> None:
        self._free += 1
        then()
        self._begin()


class _Events:
    """What happens when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        heappush(self._heap, (self.now + seconds, next(self._number), what))

    def run(self, until: float) -> None:
        while self._heap and self._heap[0][0] <= until:
            self.now, _, what = heappop(self._heap)
            what()
        self.now = until


class _Worker:
    """One process: orders go through its writers, as many at once as it has permits."""

    def __init__(self, world: "_World", permits: int) -> None:
        self._world = world
        self.cpu = _Server(world.events)
        self._waiting = [0] * len(STEPS)
        self._writing = [False] * len(STEPS)
        self._arrive(0, permits)

    def _arrive(self, step: int, rows: int) -> None:
        self._waiting[step] += rows
        if not self._writing[step]:
            self._write(step)

    def _write(self, step: int) -> None:
        rows = min(self._waiting[step], _BATCH)
        self._waiting[step] -= rows
        self._writing[step] = rows > 0
        if not rows:
            return
        costs, world = self._world.costs, self._world
        ours = costs.worker_commit + rows * costs.worker_order / len(STEPS)
        theirs = costs.postgres_commit + rows * costs.postgres_order / len(STEPS)
        on_disk = partial(world.events.after, _ON_DISK, partial(self._written, step, rows))
        commit = partial(world.postgres.take, theirs, on_disk)
        if step == 0:
            self.cpu.take(ours, partial(world.redis.take, rows * costs.redis_order, commit))
        else:
            self.cpu.take(ours, commit)

    def _written(self, step: int, rows: int) -> None:
        if step == _CALLS_AFTER:
            self._world.events.after(self._world.latency, partial(self._arrive, step + 1, rows))
        elif step + 1 < len(STEPS):
            self._arrive(step + 1, rows)
        else:
            self._world.done += rows
            self._arrive(0, rows)
        self._write(step)


class _World:
    """All that is simulated."""

    def __init__(self, costs: Costs, cores: int, latency: float) -> None:
        self.costs, self.latency = costs, latency
        self.events = _Events()
        self.postgres, self.redis = _Server(self.events, cores), _Server(self.events)
        self.done = 0


def simulate(
    costs: Costs,
    *,
    workers: int,
    cores: int,
    latency: float = 0.2,
    permits: int = 1000,
    seconds: float = 60.0,
) -> Simulated:
    """So many worker processes at a heap of orders, with a PostgreSQL of so many cores."""
    world = _World(costs, cores, latency)
    crew = [_Worker(world, permits) for _ in range(workers)]
    servers = [world.postgres, world.redis, *(each.cpu for each in crew)]
    world.events.run(seconds * _WARMED_UP)
    done, busy = world.done, [each.busy for each in servers]
    world.events.run(seconds)
    counted = seconds * (1 - _WARMED_UP)
    postgres, redis, *ours = (
        (each.busy - before) / counted for each, before in zip(servers, busy, strict=True)
    )
    rate = (world.done - done) / counted
    return Simulated(
        workers=workers,
        cores=cores,
        rate=rate,
        worker_busy=min(1.0, sum(ours) / workers),
        postgres_busy=min(1.0, postgres / cores),
        redis_busy=min(1.0, redis),
        log_bytes=rate * costs.log_bytes,
    )


WORKERS: Final = (1, 10, 100)
CORES: Final = (4, 16, 64)


def every(costs: Costs) -> Iterator[Simulated]:
    """One, ten and a hundred workers, each with a small, a middling and a large PostgreSQL."""
    for workers in WORKERS:
        for cores in CORES:
            yield simulate(costs, workers=workers, cores=cores)


HEAD: Final = (
    "workers",
    "PostgreSQL's cores",
    "orders/s",
    "log",
    "busy: workers, PostgreSQL, Redis",
)


def told(found: Iterable[Simulated]) -> list[Sequence[str]]:
    """A row each, in words."""
    return [
        (
            f"{each.workers}",
            f"{each.cores}",
            f"{each.rate:,.0f}",
            f"{each.log_bytes / 1e6:,.0f} MB/s",
            f"{each.worker_busy:.0%}, {each.postgres_busy:.0%}, {each.redis_busy:.0%}",
        )
        for each in found
    ]


def costs_of(growth: Mapping[str, Any]) -> Costs:
    """The costs that ``growth`` wrote down."""
    return Costs.between(growth["costs"]["heap"], growth["costs"]["steady"])
