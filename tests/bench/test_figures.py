"""The benchmark's own arithmetic: percentiles, exactness, stacks."""

from typing import Any

import pytest

from tests.bench.figures import Drain, faults_of, percentile, summary
from tests.bench.job import Orders, encoded, lines_of
from tests.bench.machine import Usage
from tests.bench.stacks import OTHER, by_layer, by_library, parsed

ORDERS = Orders(first=10, count=3)


def exact_books() -> dict[str, Any]:
    lines = {f"{n}-{i}": [1, 0.5] for n in ORDERS.numbers for i in range(lines_of(n))}
    return {"by_order": {str(n): [1, 0.1] for n in ORDERS.numbers}, "by_line": lines, "forged": 0}


def test_a_percentile_is_a_value_that_was_measured() -> None:
    waits = [float(number) for number in range(1, 101)]
    assert percentile(waits, 0.5) == 50
    assert percentile(waits, 0.99) == 99
    assert percentile(waits, 1) == 100
    assert percentile([7.0], 0.01) == 7
    assert percentile([], 0.5) != percentile([], 0.5)


def test_a_run_is_exact_when_all_was_done_once_and_recorded() -> None:
    assert not faults_of(ORDERS, exact_books(), 3, ORDERS.lines)


@pytest.mark.parametrize(
    ("heard", "name", "times", "fault"),
    [
        ("by_order", "10", 2, "1 called more than once: 10"),
        ("by_order", "99", 1, "1 called without being asked: 99"),
        ("by_line", "11-0", 2, "1 told more than once: 11-0"),
        ("by_line", "99-0", 1, "1 told without being asked: 99-0"),
    ],
)
def test_what_was_done_too_often_is_named(heard: str, name: str, times: int, fault: str) -> None:
    books = exact_books()
    books[heard][name] = [times, 0.1]
    assert faults_of(ORDERS, books, 3, ORDERS.lines) == [fault]


def test_what_was_not_done_is_named() -> None:
    books = exact_books()
    del books["by_order"]["12"], books["by_line"]["12-0"]
    assert faults_of(ORDERS, books, 2, ORDERS.lines) == [
        "1 never called: 12",
        "1 never told: 12-0",
        "2 of 3 orders recorded",
    ]


def test_a_forged_webhook_is_a_fault() -> None:
    assert faults_of(ORDERS, exact_books() | {"forged": 1}, 3, ORDERS.lines)


def test_medians_are_those_of_the_rounds() -> None:
    drains = [a_drain(seconds=seconds) for seconds in (1.0, 2.0, 4.0)]
    found = summary(drains)
    assert (found.rate, found.slowest, found.fastest) == (50, 25, 100)
    assert found.all_cpu == pytest.approx(35)
    assert found.exact


def test_one_round_with_a_fault_makes_all_of_them_inexact() -> None:
    assert not summary([a_drain(), a_drain(faults=["1 called more than once: 10"])]).exact


def a_drain(*, seconds: float = 1.0, faults: list[str] | None = None) -> Drain:
    cpu = {"workers": 2.0, "postgres": 1.0, "redis": 0.5, "remote": 9.0, "harness": 9.0}
    usage = Usage(seconds=seconds, cpu=cpu, others=0, stolen=0, peak=300, largest=150)
    return Drain(
        system="some",
        latency=0.005,
        orders=100,
        seconds=seconds,
        fill_seconds=0,
        told_seconds=seconds,
        usage=usage,
        most_in_flight=1,
        faults=faults or [],
    )


def test_an_intent_has_about_a_kilobyte() -> None:
    sizes = [len(encoded(number)) for number in range(1_000_000, 1_000_003)]
    assert 900 < sum(sizes) / 3 < 1_200


def test_stacks_are_summed_up_by_step_and_by_whose_code_ran() -> None:
    stacks = parsed(
        [
            "run (uvloop/__init__.py:92);claim (worker/store/claims.py:12);send (psycopg/a.py:3) 5",
            "EngineThread._main (tasks/engine.py:9);place (worker/providers/x/wire.py:4) 2",
            "Connection.execute (sqlalchemy/engine/base.py:1);dumps (json/__init__.py:2) 1",
            "Hub.run (kombu/hub.py:1);epoll.poll (kombu/utils/eventio.py:83) 50",
            "Runner.run (asyncio/runners.py:118) 3",
        ]
    )
    assert by_layer(stacks) == {
        "claim": 5,
        "call": 2,
        "SQLAlchemy, of any step": 1,
        OTHER: 3,
    }
    assert by_library(stacks) == {
        "psycopg": 5,
        "ours: worker/providers": 2,
        "json": 1,
        "asyncio": 3,
    }
