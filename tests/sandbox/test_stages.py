"""What becomes of a simulated order as time passes."""

from datetime import timedelta

import pytest

from worker.sandbox.stages import reached

PACE = timedelta(seconds=2)


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, "taken"), (1.9, "taken"), (2, "made"), (5.9, "made"), (6, "sent"), (10**6, "sent")],
)
def test_an_order_is_where_its_last_stage_put_it(seconds: float, status: str) -> None:
    stages = ((0, "taken"), (1, "made"), (3, "sent"))
    assert reached(stages, timedelta(seconds=seconds), PACE) == status
