"""Orderline stays ahead of what a good team would write with Celery: a ratio, not a time."""

from pathlib import Path
from statistics import median
from typing import Final

import pytest

from tests.bench.compare import Plan, compare
from tests.bench.ground import laid

OURS: Final = "orderline-2"
THEIRS: Final = "celery-prefork-16"
LEAD: Final = 6.7
"""How many times as many orders a second Orderline does on two quiet cores (``docs/bench``)."""
LEAD_IN_CPU: Final = 8.7
"""How many times as much of the workers' CPU an order takes there."""


@pytest.mark.slow
def test_orderline_keeps_at_least_half_its_lead_over_idiomatic_celery(tmp_path: Path) -> None:
    plan = Plan(
        systems=(OURS, THEIRS),
        rounds=3,
        latencies=(0.005,),
        seconds=4,
        steady_rate=50,
        steady_seconds=0,
    )
    with laid(tmp_path, lambda _: None) as ground:
        findings = compare(ground, plan, lambda _: None)
    assert not findings.failed
    assert not [fault for each in findings.drains for fault in each.faults]
    ours, theirs = (
        [each for each in findings.drains if each.system == name] for name in (OURS, THEIRS)
    )
    # Round by round, because both of a round met the same spell of the machine.
    rates = [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]
    costs = [b.cpu("workers") / a.cpu("workers") for a, b in zip(ours, theirs, strict=True)]
    assert median(rates) >= LEAD / 2
    assert median(costs) >= LEAD_IN_CPU / 2
