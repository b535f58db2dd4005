"""What doctor says of a failover: the gap, by name."""

import pytest

from worker.health.finding import Level
from worker.health.replicas import Replicas, judge_replicas


def standing(
    *, count: int = 1, behind: int = 0, silent: float = 0, refuses_alone: bool = True
) -> Replicas:
    return Replicas(count=count, behind=behind, silent=silent, refuses_alone=refuses_alone)


@pytest.mark.parametrize(
    ("replicas", "failing_over", "level", "said"),
    [
        (standing(count=0), False, Level.OK, "no replica"),
        (standing(count=0), True, Level.FAIL, "no replica is connected"),
        (standing(behind=120), True, Level.OK, "120 bytes"),
        (standing(silent=30), True, Level.WARN, "30 s"),
        (standing(refuses_alone=False), True, Level.WARN, "WAIT 1"),
        (standing(behind=-5), False, Level.OK, "0 bytes"),
    ],
)
def test_the_gap_is_named(
    replicas: Replicas, failing_over: object, level: Level, said: str
) -> None:
    found = judge_replicas(replicas, failing_over=bool(failing_over))
    assert (found.level, found.check) == (level, "redis failover")
    assert said in found.said
    assert bool(found.advice) is (level is not Level.OK)
