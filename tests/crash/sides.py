"""The two sides of a commit, as a test's parameters."""

from typing import Any

import pytest

from tests.crash.moments import both_sides
from worker.store.session import Boundary, Side


def one_side(at: Boundary, *more: object, usual: Side = "after") -> list[Any]:
    """Before and after a commit, each followed by ``more``; one is usually tried, one is slow.

    After a commit is where a repeat might double something.
    """
    return [
        pytest.param(moment, *more, marks=[] if moment.side == usual else [pytest.mark.slow])
        for moment in both_sides(at)
    ]
