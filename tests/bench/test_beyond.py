"""The simulation of many workers: it conserves work, and what has no room left gives out."""

from dataclasses import replace

import pytest

from tests.bench.beyond import Costs, simulate

COSTS = Costs(
    worker_order=0.0012,
    worker_commit=0.003,
    postgres_order=0.0004,
    postgres_commit=0.0013,
    redis_order=0.00002,
    log_bytes=20_000,
)
SECONDS = 20.0


def test_one_worker_does_what_its_cpu_allows() -> None:
    found = simulate(COSTS, workers=1, cores=16, seconds=SECONDS)
    assert 0.9 / COSTS.worker_order < found.rate <= 1 / COSTS.worker_order
    assert found.gives_out == "the workers"


def test_ten_workers_do_ten_times_as_much_while_postgresql_has_room() -> None:
    one, ten = (simulate(COSTS, workers=n, cores=64, seconds=SECONDS) for n in (1, 10))
    assert ten.rate == pytest.approx(10 * one.rate, rel=0.05)
    assert ten.log_bytes == pytest.approx(ten.rate * COSTS.log_bytes)


def test_too_many_workers_get_from_postgresql_what_its_cores_have() -> None:
    found = simulate(COSTS, workers=60, cores=4, seconds=60)
    assert found.gives_out == "PostgreSQL"
    assert 0.8 * 4 / COSTS.postgres_order < found.rate <= 4 / COSTS.postgres_order


def test_where_redis_is_slow_redis_gives_out() -> None:
    slow = replace(COSTS, redis_order=0.002)
    found = simulate(slow, workers=4, cores=16, seconds=SECONDS)
    assert found.gives_out == "Redis"
    assert found.rate == pytest.approx(1 / slow.redis_order, rel=0.1)


def test_costs_are_taken_apart_by_two_measurements() -> None:
    heap = {"workers": 2.0, "postgres": 0.8, "redis": 0.02, "commits": 200.0, "log_bytes": 2e7}
    steady = {"workers": 10.0, "postgres": 3.2, "redis": 0.2, "commits": 2200.0, "log_bytes": 3e7}
    found = Costs.between(heap, steady)
    assert found.worker_commit == pytest.approx(0.004)
    assert found.worker_order == pytest.approx(0.0012)
    assert found.postgres_order == pytest.approx(0.00056)
    assert found.log_bytes == 20_000
    with pytest.raises(ValueError, match="measure again"):
        Costs.between(steady, heap)
