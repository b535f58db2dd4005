"""What was measured, as values: pure, so that it can be tested."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from tests.bench.job import Orders, lines_of
from tests.bench.machine import Usage

SHOWN_FAULTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """One heap of orders, done. Seconds are those from the start of the clock to the last record.

    ``fill_seconds`` is what handing the heap over took before that. ``told_seconds`` ends with the
    arrival of the last webhook. ``faults`` is empty where everything was exact.
    """

    system: str
    latency: float
    orders: int
    seconds: float
    fill_seconds: float
    told_seconds: float
    usage: Usage
    most_in_flight: int
    faults: Sequence[str]

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / self.seconds

    def cpu(self, *parts: str) -> float:
        """CPU seconds of these parts for 1,000 orders."""
        return sum(self.usage.cpu[part] for part in parts) / self.orders * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """A load that was offered evenly: how long each order took to its last webhook, less L."""

    system: str
    latency: float
    offered: float
    sent: int
    waits: Sequence[float]
    """Seconds, one an order that was wholly told."""
    keeps_up: bool
    usage: Usage
    faults: Sequence[str]

    def wait(self, share: float) -> float:
        """The wait that this share of the orders did not exceed, in seconds."""
        return percentile(self.waits, share)

    def cpu(self, *parts: str) -> float:
        """CPU seconds of these parts for 1,000 orders."""
        return sum(self.usage.cpu[part] for part in parts) / self.sent * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All drains of one system at one latency, as medians."""

    system: str
    latency: float
    rounds: int
    rate: float
    slowest: float
    fastest: float
    workers_cpu: float
    postgres_cpu: float
    redis_cpu: float
    peak: float
    largest: float
    stolen: float
    others: float
    exact: bool

    @property
    def all_cpu(self) -> float:
        """CPU seconds of workers, PostgreSQL and Redis for 1,000 orders."""
        return self.workers_cpu + self.postgres_cpu + self.redis_cpu


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed (nearest rank)."""
    ranked = sorted(values)
    if not ranked:
        return float("nan")
    rank = -(-round(share * 1_000_000) * len(ranked) // 1_000_000)
    return ranked[max(0, rank - 1)]


def summary(drains: Sequence[Drain]) -> Summary:
    """Medians over the rounds of one system at one latency."""
    rates = [each.rate for each in drains]
    return Summary(
        system=drains[0].system,
        latency=drains[0].latency,
        rounds=len(drains),
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        workers_cpu=median(each.cpu("workers") for each in drains),
        postgres_cpu=median(each.cpu("postgres") for each in drains),
        redis_cpu=median(each.cpu("redis") for each in drains),
        peak=max(each.usage.peak for each in drains),
        largest=max(each.usage.largest for each in drains),
        stolen=median(each.usage.stolen for each in drains),
        others=median(each.usage.others for each in drains),
        exact=not any(each.faults for each in drains),
    )


def faults_of(
    orders: Orders, books: Mapping[str, Any], recorded_orders: int, recorded_lines: int
) -> list[str]:
    """What is not exact: each order called once, each line told once, each of both recorded.

    ``books`` are the remote's. A sentence for each kind of fault, with the first of its orders.
    """
    called, told = books["by_order"], books["by_line"]
    wanted_orders = {str(number) for number in orders.numbers}
    wanted_lines = {
        f"{number}-{index}" for number in orders.numbers for index in range(lines_of(number))
    }
    found = {
        "never called": wanted_orders - called.keys(),
        "called more than once": {name for name, (times, _) in called.items() if times > 1},
        "called without being asked": called.keys() - wanted_orders,
        "never told": wanted_lines - told.keys(),
        "told more than once": {name for name, (times, _) in told.items() if times > 1},
        "told without being asked": told.keys() - wanted_lines,
    }
    faults = [
        f"{len(names)} {fault}: {', '.join(sorted(names)[:SHOWN_FAULTS])}"
        for fault, names in found.items()
        if names
    ]
    if books["forged"]:
        faults.append(f"{books['forged']} webhooks with a wrong signature")
    if recorded_orders != orders.count:
        faults.append(f"{recorded_orders} of {orders.count} orders recorded")
    if recorded_lines != orders.lines:
        faults.append(f"{recorded_lines} of {orders.lines} deliveries recorded")
    return faults
