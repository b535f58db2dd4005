"""What a worker process sees of its own work, counted as it happens.

One for each runtime, so that two in one process (as in tests) count apart.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence, Sized
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import Any, Final, Protocol, TypeVar

from prometheus_client.core import HistogramMetricFamily, Metric

from worker.metrics import families
from worker.metrics.families import Family
from worker.metrics.instruments import (
    Count,
    Instrument,
    Meter,
    Spread,
    blank,
    counts,
    spreads,
    told,
)
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    NotSent,
    OutcomeName,
    Pending,
    Refused,
    name_of,
)
from worker.rests import AccountKey

Given = TypeVar("Given")
Result = TypeVar("Result")
Rows = TypeVar("Rows", bound=Sized)


class Call(StrEnum):
    """What a provider is called for."""

    PLACE = "place"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    POLL = "poll"
    RECONCILE = "reconcile"
    BOOKS = "books"
    CHECK = "check"


ATTEMPTED: Final = frozenset({Call.PLACE, Call.CONFIRM, Call.CANCEL})
"""Those that are attempts; the others are questions."""

ABSENT: Final = "absent"
"""What a look-up came to that did not find the order."""
ANSWERED: Final = "answered"
"""What a question came to whose answer is no outcome: a page of books, an account's balances."""

LOOP_EVERY: Final = 0.5
"""Seconds between two looks at how late the loop is."""


class Taken(StrEnum):
    """What became of a stream entry."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    TO_CANCEL = "to_cancel"
    QUARANTINED = "quarantined"
    EARLY = "early"


class Work(StrEnum):
    """What is claimed."""

    ORDERS = "orders"
    NOTIFICATIONS = "notifications"


class Busy(Protocol):
    """Whatever works on rows: a pump."""

    @property
    def working(self) -> int:
        """How many it works on now."""


class CallMeter:
    """How the calls of one account go."""

    def __init__(
        self,
        key: AccountKey,
        attempts: Meter[Count],
        questions: Meter[Count],
        seconds: Meter[Spread],
        rate_wait: Meter[Spread],
    ) -> None:
        self._key = key
        self._questions = questions
        self._seconds = seconds
        self._rate_wait = rate_wait
        self._ended: dict[tuple[Call, str], Count] = {
            (call, outcome): attempts.of(*key, call, outcome)
            for call in ATTEMPTED
            for outcome in OutcomeName
        }
        self._took: dict[Call, Spread] = {}
        self._waited: Spread | None = None

    def ended(self, call: Call, said: Any, seconds: float) -> None:
        """A call has ended, with this outcome or answer, after so long."""
        ended = (call, _word(said))
        if (count := self._ended.get(ended)) is None:
            count = self._ended[ended] = self._questions.of(*self._key, *ended)
        count.add()
        if (took := self._took.get(call)) is None:
            took = self._took[call] = self._seconds.of(*self._key, call)
        took.saw(seconds)

    def waited(self, seconds: float) -> None:
        """A call waited so long for its account's rate."""
        if self._waited is None:
            self._waited = self._rate_wait.of(*self._key)
        self._waited.saw(seconds)


class Meters:
    """What happens in one process; all but ``collect`` is for its loop's thread only.

    ``accounts`` are those that it may call, ``results`` what may become of a delivery: their
    counters are there from the start, at 0, and nothing else can make another one.
    """

    def __init__(self, accounts: Iterable[AccountKey] = (), results: Iterable[str] = ()) -> None:
        self._meters: list[Meter[Count] | Meter[Spread]] = []
        self._read: list[tuple[Family, tuple[str, ...], Callable[[], float]]] = []
        ways = (
            self._counts(families.ATTEMPTS),
            self._counts(families.QUESTIONS),
            self._spreads(families.CALL_SECONDS),
            self._spreads(families.RATE_WAIT),
        )
        self.calls: Mapping[AccountKey, CallMeter] = {
            key: CallMeter(key, *ways) for key in accounts
        }
        intake, deliveries = (
            self._counts(families.INTAKE_ENTRIES),
            self._counts(families.DELIVERIES),
        )
        self.taken: Mapping[Taken, Count] = {each: intake.of(each) for each in Taken}
        self.batch = self._spreads(families.INTAKE_BATCH).of()
        self.lag = self._spreads(families.INTAKE_LAG).of()
        self._deliveries = {result: deliveries.of(result) for result in results}
        self._delivery = self._spreads(families.DELIVERY_SECONDS).of()
        self.told = self._spreads(families.TOLD_SECONDS).of()
        self.exhausted = self._counts(families.EXHAUSTED).of()
        self._claimed = self._spreads(families.CLAIMED)
        self._rows = self._spreads(families.COMMIT_ROWS)
        self._commits = self._spreads(families.COMMIT_SECONDS)
        self._loop_lag = self._spreads(families.LOOP_LAG).of()
        self.read(families.BUILD, lambda: 1.0, version("orderline"))

    def delivered(self, result: str, seconds: float) -> None:
        """A webhook was sent, and took so long."""
        self._deliveries[result].add()
        self._delivery.saw(seconds)

    def read(self, family: Family, now: Callable[[], float], *labels: str) -> None:
        """From now on the family tells what ``now`` gives, whenever somebody asks."""
        self._read.append((family, labels, now))

    def watch_pumps(
        self, mail: Busy, orders: Mapping[AccountKey, Busy], permits: Mapping[AccountKey, int]
    ) -> None:
        """From now on tell what the pumps have at work, and how much they may have."""
        self.read(families.DELIVERIES_UNDER_WAY, partial(_working, mail))
        for key, pump in orders.items():
            self.read(families.UNDER_WAY, partial(_working, pump), *key)
            self.read(families.PERMITS, partial(float, permits[key]), *key)

    def claiming(
        self, work: Work, claim: Callable[[int], Awaitable[Rows]]
    ) -> Callable[[int], Awaitable[Rows]]:
        """The same claim, with what it brings counted."""
        return partial(_claimed, self._claimed.of(work), claim)

    def committing(
        self, batch: str, write: Callable[[Sequence[Given]], Awaitable[Sequence[Result]]]
    ) -> Callable[[Sequence[Given]], Awaitable[Sequence[Result]]]:
        """The same commit, with its rows and its time noted; ``batch`` is a word of ours."""
        return partial(_committed, self._rows.of(batch), self._commits.of(batch), write)

    async def watch_loop(self, stopping: asyncio.Event) -> None:
        """See again and again how late the loop is, until ``stopping``."""
        await watch_loop(self._loop_lag, stopping)

    def collect(self) -> Iterator[Metric]:
        """Everything, for Prometheus's library. From any thread."""
        yield from map(told, self._meters)
        metrics = {family.name: blank(family) for family, _, _ in self._read}
        for family, labels, now in list(self._read):
            metric = metrics[family.name]
            assert not isinstance(metric, HistogramMetricFamily)  # noqa: S101 -- none is read
            metric.add_metric(labels, now())
        yield from metrics.values()

    def _counts(self, family: Family) -> Meter[Count]:
        return self._with(counts(family))

    def _spreads(self, family: Family) -> Meter[Spread]:
        return self._with(spreads(family))

    def _with(self, meter: Meter[Instrument]) -> Meter[Instrument]:
        self._meters.append(meter)
        return meter


async def watch_loop(lag: Spread, stopping: asyncio.Event) -> None:
    """Wait a little, again and again, and note how much too long that was."""
    loop = asyncio.get_running_loop()
    while not stopping.is_set():
        due = loop.time() + LOOP_EVERY
        try:
            async with asyncio.timeout_at(due):
                await stopping.wait()
        except TimeoutError:
            lag.saw(max(loop.time() - due, 0.0))


def _working(pump: Busy) -> float:
    return pump.working


async def _claimed(brought: Spread, claim: Callable[[int], Awaitable[Rows]], free: int) -> Rows:
    rows = await claim(free)
    brought.saw(len(rows))
    return rows


async def _committed(
    rows: Spread,
    took: Spread,
    write: Callable[[Sequence[Given]], Awaitable[Sequence[Result]]],
    batch: Sequence[Given],
) -> Sequence[Result]:
    began = perf_counter()
    results = await write(batch)
    rows.saw(len(batch))
    took.saw(perf_counter() - began)
    return results


def _word(said: Any) -> str:
    match said:
        case Confirmed() | Refused() | Pending() | NotSent() | InDoubt():
            return name_of(said)
        case Absent():
            return ABSENT
        case _:
            return ANSWERED
