"""What goes wrong in a run, and when, is a pure function of its seed."""

from collections.abc import Collection
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.chaos.products import PROVIDERS
from worker.chaos.schedule import (
    GAP,
    LASTING,
    TO_A_PROVIDER,
    TO_A_WORKER,
    Kind,
    Trouble,
    schedule,
)

WORKERS = ("worker1", "worker2", "worker3")

seeds = st.integers(0, 10**9)
lengths = st.floats(0, 300)
some_kinds = st.sets(st.sampled_from(Kind))


def of(seed: int, seconds: float, kinds: Collection[Kind] = tuple(Kind)) -> tuple[Trouble, ...]:
    return schedule(seed, seconds, workers=WORKERS, providers=PROVIDERS, kinds=kinds)


@given(seeds, lengths, some_kinds)
def test_the_same_seed_is_the_same_schedule(seed: int, seconds: float, kinds: set[Kind]) -> None:
    assert of(seed, seconds, kinds) == of(seed, seconds, kinds)
    assert of(seed, seconds, kinds) == of(seed, seconds, sorted(kinds))


@given(seeds)
def test_another_seed_is_another_schedule(seed: int) -> None:
    assert of(seed, 200) != of(seed + 1, 200)


@given(seeds, lengths, some_kinds)
def test_nothing_goes_on_after_the_end(seed: int, seconds: float, kinds: set[Kind]) -> None:
    for trouble in of(seed, seconds, kinds):
        assert 0 < trouble.at <= trouble.ends <= seconds


@given(seeds, lengths, some_kinds)
def test_only_what_was_wanted_goes_wrong(seed: int, seconds: float, kinds: set[Kind]) -> None:
    assert {trouble.kind for trouble in of(seed, seconds, kinds)} <= kinds


@given(seeds, lengths)
def test_troubles_come_in_order_with_time_between_them(seed: int, seconds: float) -> None:
    begun = [trouble.at for trouble in of(seed, seconds)]
    pauses = [later - earlier for earlier, later in pairwise(begun)]
    assert all(pause > GAP[0] - 0.11 for pause in pauses)  # moments are rounded


@given(seeds, some_kinds.filter(bool))
def test_in_a_long_run_everything_goes_wrong_that_can(seed: int, kinds: set[Kind]) -> None:
    longest = max(latest for _, latest in LASTING.values())
    long = len(kinds) * GAP[1] + longest + 2
    assert {trouble.kind for trouble in of(seed, long, kinds)} == kinds


@given(seeds, lengths)
def test_a_stopped_worker_is_always_resumed_before_the_end(seed: int, seconds: float) -> None:
    stops = [t for t in of(seed, seconds) if t.kind is Kind.STOP_WORKER]
    assert all(t.target in WORKERS and t.lasts >= 5 and t.ends <= seconds for t in stops)


@given(seeds)
def test_each_trouble_has_the_target_it_needs(seed: int) -> None:
    for trouble in of(seed, 200):
        possible = {""}
        if trouble.kind in TO_A_WORKER:
            possible = set(WORKERS)
        if trouble.kind in TO_A_PROVIDER:
            possible = set(PROVIDERS)
        assert trouble.target in possible


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(at=1, kind=Kind.WIPE_REDIS), "wipe-redis"),
        (
            Trouble(at=1, kind=Kind.STOP_WORKER, lasts=5.25, target="worker1"),
            "stop-worker worker1 for 5.2 s",
        ),
    ],
)
def test_a_trouble_is_told_in_a_few_words(trouble: Trouble, said: str) -> None:
    assert str(trouble) == said
