"""What counts. Prometheus's own instruments take a lock each time, which nobody needs here.

Only the process's loop counts, on one thread. Whoever reads on another thread sees, thanks to the
interpreter's lock, each number whole; of two that belong together one may be a moment ahead.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from worker.metrics.families import PREFIX, Family, Kind

Values = tuple[str, ...]
"""The values of a family's labels, in their order."""


class Count:
    """A number that grows, or is set."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, more: float = 1.0) -> None:
        """So many more."""
        self.value += more


class Spread:
    """How often something was at most each of some bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def saw(self, value: float) -> None:
        """It was so much this time."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """The sums up to each bound, as Prometheus wants them."""
        found, sum_ = [], 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            sum_ += count
            found.append(("+Inf" if bound == float("inf") else repr(float(bound)), float(sum_)))
        return found


Instrument = TypeVar("Instrument", Count, Spread)


class Meter(Generic[Instrument]):
    """A family's instruments, one for each combination of its labels' values.

    Ask for an instrument once, and keep it: that is what makes counting cheap.
    """

    def __init__(self, family: Family, make: Callable[[], Instrument]) -> None:
        self.family = family
        self._make: Callable[[], Instrument] = make
        self._of: dict[Values, Instrument] = {}
        if not family.labels:
            self.of()  # its one number is there from the start

    def of(self, *values: str) -> Instrument:
        """The instrument of these values."""
        found = self._of.get(values)
        if found is None:
            if len(values) != len(self.family.labels):
                raise ValueError(f"{self.family.name} has the labels {self.family.labels}")
            found = self._of[values] = self._make()
        return found

    def items(self) -> Sequence[tuple[Values, Instrument]]:
        """All that there are by now."""
        return list(self._of.items())


def counts(family: Family) -> Meter[Count]:
    """A meter of counters or gauges."""
    return Meter(family, Count)


def spreads(family: Family) -> Meter[Spread]:
    """A meter of histograms."""
    return Meter(family, partial(Spread, family.bounds))


def told(meter: Meter[Count] | Meter[Spread]) -> Metric:
    """A meter as Prometheus's library wants it."""
    metric = blank(meter.family)
    for values, instrument in meter.items():
        if isinstance(instrument, Spread):
            assert isinstance(metric, HistogramMetricFamily)  # noqa: S101 -- see ``blank``
            metric.add_metric(values, instrument.buckets(), instrument.total)
        else:
            assert isinstance(metric, CounterMetricFamily | GaugeMetricFamily)  # noqa: S101 -- as above
            metric.add_metric(values, instrument.value)
    return metric


def blank(family: Family) -> CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily:
    """A family without a single value."""
    name = f"{PREFIX}{family.name}"
    match family.kind:
        case Kind.COUNTER:
            return CounterMetricFamily(name, family.means, labels=family.labels)
        case Kind.GAUGE:
            return GaugeMetricFamily(name, family.means, labels=family.labels)
        case Kind.HISTOGRAM:
            return HistogramMetricFamily(name, family.means, labels=family.labels)
