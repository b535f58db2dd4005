"""Every metric that a process counts itself, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PREFIX: Final = "orderline_"

LABELS: Final = frozenset(
    {
        "account", "batch", "code", "currency", "kind", "method", "outcome", "provider", "reason",
        "result", "route", "server", "state", "status", "step", "stream", "task", "version", "work",
    }
)  # fmt: skip
"""Every label there may be. None is named after a person, a producer, an order or an address."""

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds for what takes as long as a network does."""
LONG: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0, 259200.0)
"""Bounds for what may take days."""
SHORT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Bounds for what should take no time."""
ROWS: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
"""Bounds for how many go together."""


class Kind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    """It only grows, and begins at 0 with its process."""
    GAUGE = "gauge"
    """It is what it is now."""
    HISTOGRAM = "histogram"
    """How often something was at most so much."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: ``name`` without the prefix, and for a counter without ``_total``."""

    name: str
    kind: Kind
    means: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def exposed(self) -> str:
        """The name as Prometheus knows it."""
        return f"{PREFIX}{self.name}{'_total' if self.kind is Kind.COUNTER else ''}"


def counter(name: str, means: str, *labels: str) -> Family:
    """A counter with these labels."""
    return Family(name, Kind.COUNTER, means, labels)


def gauge(name: str, means: str, *labels: str) -> Family:
    """A gauge with these labels."""
    return Family(name, Kind.GAUGE, means, labels)


def histogram(name: str, means: str, bounds: tuple[float, ...], *labels: str) -> Family:
    """A histogram with these bounds and labels."""
    return Family(name, Kind.HISTOGRAM, means, labels, bounds)


ACCOUNT: Final = ("provider", "account")

ATTEMPTS: Final = counter(
    "attempts",
    "Calls that buy or call off (place, confirm, cancel), by what each came to",
    *ACCOUNT,
    "step",
    "outcome",
)
QUESTIONS: Final = counter(
    "questions",
    "Calls that change nothing at the provider (poll, reconcile, books, check), by their answer",
    *ACCOUNT,
    "step",
    "outcome",
)
CALL_SECONDS: Final = histogram(
    "call_seconds",
    "From a call's leaving to its whole answer, or to the end of waiting for one",
    SECONDS,
    *ACCOUNT,
    "step",
)
RATE_WAIT: Final = histogram(
    "rate_wait_seconds",
    "How long a call waited because of its account's rate; only of accounts that have one",
    SECONDS,
    *ACCOUNT,
)
UNDER_WAY: Final = gauge("orders_under_way", "Orders that this process works on now", *ACCOUNT)
PERMITS: Final = gauge("permits", "How many orders it may work on at once", *ACCOUNT)
DELIVERIES_UNDER_WAY: Final = gauge(
    "deliveries_under_way", "Notifications that this process delivers now"
)

INTAKE_ENTRIES: Final = counter(
    "intake_entries", "Stream entries that were taken in, by what became of each", "result"
)
INTAKE_BATCH: Final = histogram("intake_batch_entries", "Stream entries in one commit", ROWS)
INTAKE_LAG: Final = histogram(
    "intake_lag_seconds", "From an entry's being put on its stream to its commit", SECONDS
)

DELIVERIES: Final = counter("deliveries", "Webhooks sent, by what each came to", "result")
DELIVERY_SECONDS: Final = histogram("delivery_seconds", "How long one webhook took", SECONDS)
TOLD_SECONDS: Final = histogram(
    "told_seconds", "From an event to its acknowledgement by the receiver", LONG
)
EXHAUSTED: Final = counter(
    "notifications_exhausted", "Notifications that were given up after their last try"
)

CLAIMED: Final = histogram(
    "claimed_rows", "Rows that one claim brought (orders, notifications)", ROWS, "work"
)
COMMIT_ROWS: Final = histogram("commit_rows", "Rows that were written in one commit", ROWS, "batch")
COMMIT_SECONDS: Final = histogram("commit_seconds", "How long such a commit took", SHORT, "batch")

LOOP_LAG: Final = histogram(
    "loop_lag_seconds", "How late the process's loop wakes up whoever sleeps", SHORT
)
TASKS_FAILED: Final = counter("tasks_failed", "Work that ended by an unexpected error")
RATES_ALONE: Final = gauge(
    "rates_alone", "1 while this process keeps to its share of the rates because Redis is away"
)
BUILD: Final = gauge("build_info", "Always 1; which version runs", "version")

WORKER: Final[Sequence[Family]] = (
    ATTEMPTS, QUESTIONS, CALL_SECONDS, RATE_WAIT, UNDER_WAY, PERMITS, DELIVERIES_UNDER_WAY,
    INTAKE_ENTRIES, INTAKE_BATCH, INTAKE_LAG, DELIVERIES, DELIVERY_SECONDS, TOLD_SECONDS, EXHAUSTED,
    CLAIMED, COMMIT_ROWS, COMMIT_SECONDS, LOOP_LAG, TASKS_FAILED, RATES_ALONE, BUILD,
)  # fmt: skip
"""What a worker process counts."""

REQUESTS: Final = counter(
    "gateway_requests",
    "Requests at the gateway, by route (a template, never a path)",
    "route",
    "method",
    "status",
)
REQUEST_SECONDS: Final = histogram(
    "gateway_request_seconds", "How long the gateway took to answer one", SECONDS, "route"
)

GATEWAY: Final[Sequence[Family]] = (REQUESTS, REQUEST_SECONDS, LOOP_LAG, BUILD)
"""What a gateway process counts."""
