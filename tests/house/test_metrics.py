"""No metric can tell of anybody: its labels are few, and each has its words."""

import re

import pytest

from tests.house.conftest import sources
from worker.metrics.families import GATEWAY, LABELS, WORKER, Family, Kind
from worker.metrics.standing import STANDING

ALL = {family.name: family for family in (*WORKER, *GATEWAY, *STANDING)}

PERSONAL = re.compile(
    r"producer|order_id|intent|deliver|line|event|url|host|address|email|name|key|token|reference|ref$"
)


def test_every_label_is_declared_and_none_is_anybodys() -> None:
    used = {label for family in ALL.values() for label in family.labels}
    assert used == LABELS
    assert not [label for label in LABELS if PERSONAL.search(label)]


@pytest.mark.parametrize("family", ALL.values(), ids=lambda family: family.name)
def test_a_metric_is_named_and_told_as_it_should_be(family: Family) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", family.name)
    assert not family.name.endswith(("_total", "_count", "_sum", "_bucket"))
    assert family.means[0].isupper() or family.means[0].isdigit()
    assert not family.means.endswith(".")
    assert (family.kind is Kind.HISTOGRAM) == bool(family.bounds)


def test_a_name_stands_for_one_metric() -> None:
    for families in (WORKER, GATEWAY, STANDING):
        assert len({family.name for family in families}) == len(families)
    assert {family.name for family in STANDING}.isdisjoint(
        family.name for family in (*WORKER, *GATEWAY)
    )


def test_only_two_rooms_know_prometheus_and_none_its_global_registry() -> None:
    using = {
        str(source): source.text
        for source in sources("worker", "tasks", "schemas")
        if "prometheus_client" in source.text
    }
    assert all(name.startswith(("worker/metrics/", "worker/gateway/")) for name in using)
    imports = re.compile(
        r"from prometheus_client import [^\n]*\b(REGISTRY|Counter|Gauge|Histogram)"
    )
    assert not [name for name, text in using.items() if imports.search(text)]
