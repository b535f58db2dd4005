"""What must be reached, held beside what was measured. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.figures import Steady, Summary, percentile
from tests.bench.systems import IDIOMATIC

Key = tuple[str, float]
"""A system and a latency."""

TWO: Final = ("orderline-2-wide", "orderline-2")
ONE: Final = ("orderline-1",)


@dataclass(frozen=True, slots=True)
class Target:
    """One ratio of orders a second that must be reached; of several systems the best counts."""

    what: str
    ours: Sequence[str]
    theirs: Sequence[str]
    least: float


RATIOS: Final = (
    Target("best idiomatic Celery", TWO, IDIOMATIC, 10),
    Target("lean Celery", TWO, ("celery-lean",), 3),
    Target("lean taskiq", TWO, ("taskiq-1", "taskiq-2"), 2),
    Target("DBOS Transact", TWO, ("dbos-2",), 20),
    Target("the ceiling, one process", ONE, ("ceiling",), 0.4),
)
ALL_CPU: Final = 3.0
"""CPU seconds of workers, PostgreSQL and Redis for 1,000 orders, at most."""
CPU_SHARE: Final = 1 / 8
"""Of the best idiomatic Celery's CPU an order, at most (at 5 ms)."""
P50: Final = 0.015
P99: Final = 0.060


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target beside its figure."""

    what: str
    wanted: str
    found: str
    reached: bool


def best(found: Mapping[Key, Summary], names: Sequence[str], latency: float) -> Summary | None:
    """The fastest of these systems at a latency, of those that were measured."""
    known = [found[name, latency] for name in names if (name, latency) in found]
    return max(known, key=lambda each: each.rate, default=None)


def verdicts(found: Mapping[Key, Summary], steady: Mapping[Key, Sequence[Steady]]) -> list[Verdict]:
    """Every target that something was measured for."""
    latencies = sorted({latency for _, latency in found})
    return [
        *(each for latency in latencies for each in _ratios(found, latency)),
        *_costs(found, latencies),
        *_waits(steady),
    ]


def _ratios(found: Mapping[Key, Summary], latency: float) -> list[Verdict]:
    told = []
    for target in RATIOS:
        ours, theirs = best(found, target.ours, latency), best(found, target.theirs, latency)
        if ours is None or theirs is None:
            continue
        ratio = ours.rate / theirs.rate
        what = f"{ours.system} / {theirs.system} at {latency * 1000:.0f} ms ({target.what})"
        reached = ratio >= target.least and ours.exact
        told.append(Verdict(what, f"≥ {target.least:g}", f"{ratio:.2f}", reached))
    return told


def _costs(found: Mapping[Key, Summary], latencies: Sequence[float]) -> list[Verdict]:
    told = []
    for latency in latencies:
        ours, plain = best(found, TWO, latency), best(found, IDIOMATIC, latency)
        if ours is None:
            continue
        at = f"at {latency * 1000:.0f} ms"
        wanted, cost = f"≤ {ALL_CPU:g} s", ours.all_cpu
        what = f"CPU of {ours.system}, PostgreSQL and Redis for 1,000 orders {at}"
        told.append(Verdict(what, wanted, f"{cost:.2f} s", cost <= ALL_CPU))
        if plain is not None and latency == latencies[0]:
            share = ours.workers_cpu / plain.workers_cpu
            what = f"worker CPU an order, {ours.system} / {plain.system} {at}"
            told.append(Verdict(what, "≤ 1/8", f"1/{1 / share:.1f}", share <= CPU_SHARE))
    return told


def _waits(steady: Mapping[Key, Sequence[Steady]]) -> list[Verdict]:
    told = []
    for (name, latency), runs in steady.items():
        if not name.startswith("orderline"):
            continue
        limits = {0.5: (P50, "p50"), 0.99: (P99, "p99")}
        for share, (limit, word) in limits.items():
            wait, plain = _wait(runs, share), _plain_wait(steady, latency, share)
            what = f"{word} from XADD to webhook, less L = {latency * 1000:.0f} ms, {name}"
            wanted = f"≤ {limit * 1000:.0f} ms"
            if plain is not None:
                wanted += f", and Celery's {plain * 1000:.1f}"
            reached = wait <= min(limit, limit if plain is None else plain)
            told.append(Verdict(what, wanted, f"{wait * 1000:.1f} ms", reached))
    return told


def _wait(runs: Sequence[Steady], share: float) -> float:
    return percentile((wait for run in runs for wait in run.waits), share)


def _plain_wait(
    steady: Mapping[Key, Sequence[Steady]], latency: float, share: float
) -> float | None:
    """The shortest that a pool of idiomatic Celery reached that kept up."""
    waits = [
        _wait(runs, share)
        for (name, at), runs in steady.items()
        if name in IDIOMATIC and at == latency and all(run.keeps_up for run in runs)
    ]
    return min(waits, default=None)
