"""What is changed, and by which tests a change is to be noticed."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Modules, and tests that need no server: they run once for each change.

    ``tables`` are modules whose data, outside of functions, is changed too. ``floor`` is the least
    share of changes, in per cent, that the tests have to notice.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    tables: tuple[str, ...] = ()
    floor: float = 90.0


_DECIDING: Final = (
    "tests/unit/test_breaker.py",
    "tests/unit/test_cancels.py",
    "tests/unit/test_cancels_told.py",
    "tests/unit/test_charges.py",
    "tests/unit/test_decisions.py",
    "tests/unit/test_differences.py",
    "tests/unit/test_disputes.py",
    "tests/unit/test_doubts_told.py",
    "tests/unit/test_moves.py",
    "tests/unit/test_parked_told.py",
    "tests/unit/test_replays.py",
    "tests/unit/test_requotes.py",
    "tests/unit/test_resolutions.py",
    "tests/unit/test_rules.py",
    "tests/properties/test_decisions.py",
    "tests/properties/test_differences.py",
)

AREAS: Final = (
    Area(
        name="lifecycle",
        modules=("worker/lifecycle.py",),
        tests=("tests/unit/test_lifecycle.py", "tests/unit/test_moves.py"),
        tables=("worker/lifecycle.py",),
    ),
    Area(
        name="policy",
        modules=("worker/policy.py",),
        tests=("tests/unit/test_policy.py",),
        tables=("worker/policy.py",),
    ),
    Area(
        name="signing",
        modules=("worker/delivery/signing.py",),
        tests=("tests/delivery/test_signing.py",),
        tables=("worker/delivery/signing.py",),
    ),
    Area(
        name="guard",
        modules=("worker/delivery/guard.py",),
        tests=("tests/delivery/test_guard.py",),
        tables=("worker/delivery/guard.py",),
    ),
    Area(
        name="decisions",
        modules=("worker/decisions/*.py",),
        tests=_DECIDING,
    ),
)
