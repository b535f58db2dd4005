"""One account's pace in one process: who waits in line goes first, and calls leave evenly."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest

from worker.outcome import NotSent
from worker.pace import Grant, Pace
from worker.rates import Bucket, Rates
from worker.supervisor import Supervisor

PATIENCE = timedelta(seconds=5)
PERMITS = 32


@pytest.fixture
async def rates(redis_url: str) -> AsyncIterator[Rates]:
    rates = Rates(redis_url, "a")
    yield rates
    await rates.aclose()


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


def a_pace(
    rates: Rates, supervisor: Supervisor, rate: float, patience: timedelta = PATIENCE
) -> Pace:
    return Pace(Bucket(rates, "gifthub/default", rate), supervisor, patience, PERMITS)


async def test_a_grant_is_waited_for_in_line(rates: Rates, supervisor: Supervisor) -> None:
    pace = a_pace(rates, supervisor, 4)
    began = time.monotonic()
    gone: list[int] = []

    async def go(number: int) -> None:
        assert await pace.wait() is None
        gone.append(number)

    await asyncio.gather(*(go(number) for number in range(3)))
    assert gone == [*range(3)]
    assert 0.45 <= time.monotonic() - began <= 1.5


async def test_a_wait_that_takes_too_long_is_given_up_with_its_reason(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 0.1, patience=timedelta(seconds=1))
    assert await pace.wait() is None
    late = await pace.wait()
    assert isinstance(late, NotSent)
    assert "rate" in late.reason
    await pace.take(1)  # nobody is left in line


async def test_nothing_is_claimed_while_somebody_waits_in_line(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 4)
    await pace.wait()
    waiting = asyncio.create_task(pace.wait())
    await asyncio.sleep(0)
    count, again_in = await pace.take(5)
    assert (count, again_in > 0) == (0, True)
    assert await waiting is None
    for _ in range(2):
        await pace.depart()
    await asyncio.sleep(0.3)
    assert (await pace.take(5))[0] == 1


async def test_no_more_is_claimed_while_there_is_enough_in_hand(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 100)
    assert await pace.take(10) == (10, 0.0)
    count, again_in = await pace.take(22)
    assert count == 0
    assert 0.005 <= again_in <= 0.05
    for _ in range(2):
        await pace.depart()
    assert (await pace.take(22))[0] > 0


async def test_a_grant_that_made_no_call_goes_back(rates: Rates, supervisor: Supervisor) -> None:
    pace = a_pace(rates, supervisor, 0.5)
    assert (await pace.take(1))[0] == 1
    grant = Grant(pace)
    assert await grant.ensure() is None
    grant.close()
    grant.close()
    await asyncio.sleep(0.05)
    await supervisor.settle(1)
    assert [(await pace.take(1))[0], (await pace.take(1))[0]] == [1, 0]


async def test_a_grant_that_was_held_for_long_does_not_go_back(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 0.5)
    assert (await pace.take(1))[0] == 1
    await asyncio.sleep(0.15)
    Grant(pace).close()
    await asyncio.sleep(0.05)
    await supervisor.settle(1)
    assert (await pace.take(1))[0] == 0


async def test_whoever_has_used_a_grant_waits_for_the_next_one(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 2)
    assert (await pace.take(1))[0] == 1
    grant = Grant(pace)
    await grant.depart()
    began = time.monotonic()
    assert await grant.ensure() is None
    assert await grant.ensure() is None
    assert 0.4 <= time.monotonic() - began <= 1.0


async def test_what_was_granted_and_never_used_holds_up_nobody(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 100)
    assert (await pace.take(19))[0] == 19
    async with asyncio.timeout(10):
        while not (await pace.take(32))[0]:
            await asyncio.sleep(0.1)


async def test_what_nothing_was_claimed_with_goes_back(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 50)
    assert (await pace.take(10))[0] == 10
    pace.leave(9)
    await asyncio.sleep(0.05)
    await supervisor.settle(1)
    await Grant(pace).depart()
    assert (await pace.take(10))[0] >= 9


async def test_what_was_granted_at_once_leaves_evenly(rates: Rates, supervisor: Supervisor) -> None:
    pace = a_pace(rates, supervisor, 100)
    left: list[float] = []

    async def leave() -> None:
        await pace.depart()
        left.append(time.monotonic())

    assert (await pace.take(10))[0] == 10
    await asyncio.gather(*(leave() for _ in range(10)))
    assert left[-1] - left[0] >= 0.08
    assert max(later - earlier for earlier, later in pairwise(left)) <= 0.05


async def test_what_was_held_up_leaves_by_new_grants_not_all_at_once(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 100)
    assert (await pace.take(10))[0] == 10
    held = [Grant(pace) for _ in range(10)]
    await asyncio.sleep(0.3)
    began = time.monotonic()
    assert await asyncio.gather(*(grant.depart() for grant in held)) == [None] * 10
    assert time.monotonic() - began >= 0.08


async def test_nobody_waits_long_to_leave_however_slow_the_account_is(
    rates: Rates, supervisor: Supervisor
) -> None:
    pace = a_pace(rates, supervisor, 0.01)
    began = time.monotonic()
    for _ in range(3):
        await pace.depart()
    assert time.monotonic() - began < 4.0
