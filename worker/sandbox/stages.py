"""What becomes of an order as time passes: stages, each some paces after its beginning."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

Status = TypeVar("Status", str, int)


def reached(stages: Sequence[tuple[float, Status]], age: timedelta, pace: timedelta) -> Status:
    """The status of the last stage reached, in their order; the first's from the beginning."""
    status = stages[0][1]
    for paces, then in stages[1:]:
        if age >= paces * pace:
            status = then
    return status
