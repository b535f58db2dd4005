"""Every commit there is has a crash test that dies just before it and just after it.

Which ones do is read off the crash tests themselves: their parameters hold the moments.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from tests.crash.moments import Moment
from tests.house.conftest import ROOT
from worker.lifecycle import Step
from worker.store.session import Boundary

SIDES = ("before", "after")
CALLING = (Step.PLACE, Step.CONFIRM, Step.CANCEL)
"""The steps whose call is written down as an attempt first."""


@cache
def moments() -> frozenset[Moment]:
    """The moments at which the crash tests kill."""
    found: set[Moment] = set()
    for path in (ROOT / "tests" / "crash").glob("test_*.py"):
        module = import_module(f"tests.crash.{path.stem}")
        for test in vars(module).values():
            for mark in getattr(test, "pytestmark", ()):
                found |= {*_moments_in(mark.args)}
    return frozenset(found)


def _moments_in(value: Any) -> Iterator[Moment]:
    match value:
        case Moment():
            yield value
        case Mapping():
            yield from _moments_in([*value.values()])
        case str():
            return
        case tuple() | list():
            for each in getattr(value, "values", value):  # a ParameterSet is a tuple, too
                yield from _moments_in(each)
        case _ if hasattr(value, "__iter__"):
            yield from _moments_in([*value])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("boundary", Boundary)
def test_a_worker_is_killed_at_every_boundary(boundary: Boundary, side: str) -> None:
    assert any((moment.at, moment.side) == (boundary, side) for moment in moments())


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("boundary", "step"),
    [
        *((boundary, step) for boundary in (Boundary.CLAIM, Boundary.SETTLE) for step in Step),
        *((Boundary.ATTEMPT, step) for step in CALLING),
    ],
)
def test_a_worker_is_killed_at_each_commit_of_every_step(
    boundary: Boundary, step: Step, side: str
) -> None:
    assert any(
        (moment.at, moment.side, moment.about) == (boundary, side, step) for moment in moments()
    )
