"""Rates on a real Redis: all workers together have no more than their account allows."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from worker.chaos.line import Line
from worker.rates import MARGIN, UNKNOWN, WORKERS, Bucket, Rates

ACCOUNT = "gifthub/default"
Opened = Callable[[str], Rates]


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[Line]:
    async with Line(redis_url) as line:
        yield line


@pytest.fixture
async def opened(line: Line) -> AsyncIterator[Opened]:
    """Opens a worker process's side, by its name."""
    async with AsyncExitStack() as stack:

        def open_one(worker: str) -> Rates:
            rates = Rates(line.url, worker)
            stack.push_async_callback(rates.aclose)
            return rates

        yield open_one


async def drain(bucket: Bucket, seconds: float) -> list[float]:
    """Take whatever there is for so long; the moment of each grant."""
    moments: list[float] = []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        taken = await bucket.take(32)
        now = time.monotonic()
        moments += [now + wait for wait in taken.waits]
        await asyncio.sleep(taken.again_in)
    return moments


async def count(bucket: Bucket, most: int) -> int:
    return len((await bucket.take(most)).waits)


def most_in_a_second(moments: list[float]) -> int:
    ordered = sorted(moments)
    return max(sum(at <= each < at + 1 for each in ordered) for at in ordered)


async def test_grants_that_are_taken_together_have_their_moments_one_after_the_other(
    opened: Opened,
) -> None:
    bucket = Bucket(opened("a"), ACCOUNT, 100)
    taken = await bucket.take(10)
    gap = 1 / (100 * MARGIN)
    assert taken.waits == pytest.approx([n * gap for n in range(10)], abs=0.001)
    assert taken.again_in == 0
    further = await bucket.take(5)
    assert 5 * gap <= further.waits[0] <= 10 * gap


async def test_only_so_much_is_given_beforehand_and_then_it_is_said_when_to_come_again(
    opened: Opened,
) -> None:
    bucket = Bucket(opened("a"), ACCOUNT, 100)
    taken = await bucket.take(32)
    assert (bucket.ahead, len(taken.waits)) == (19, 19)
    assert 0.05 <= taken.again_in <= 0.11
    nothing = await bucket.take(32)
    assert (len(nothing.waits), nothing.again_in > 0) in {(0, True), (1, True)}


async def test_what_is_there_is_taken_where_more_was_wanted(opened: Opened) -> None:
    bucket = Bucket(opened("a"), ACCOUNT, 1)
    assert [await count(bucket, 3), await count(bucket, 1)] == [1, 0]
    many = Bucket(opened("a"), "many/default", 50)
    assert await count(many, 7) == 7
    assert await count(many, 7) in {3, 4}  # or one more came meanwhile


async def test_two_workers_have_no_more_than_the_rate_together(opened: Opened) -> None:
    both = [Bucket(opened(name), ACCOUNT, 200) for name in ("a", "b")]
    began = time.monotonic()
    one, other = await asyncio.gather(*(drain(bucket, 3) for bucket in both))
    most = 200 * MARGIN * (time.monotonic() - began) + both[0].ahead
    assert 200 * 1.5 <= len(one) + len(other) <= most
    assert min(len(one), len(other)) >= 20


async def test_a_grant_that_was_not_used_can_be_taken_at_once_by_somebody_else(
    opened: Opened,
) -> None:
    one, other = (Bucket(opened(name), ACCOUNT, 0.5) for name in ("a", "b"))
    assert await count(one, 1) == 1
    assert await count(other, 1) == 0
    await one.put_back(1)
    assert [await count(other, 1), await count(one, 1)] == [1, 0]


async def test_more_is_never_there_however_much_was_put_back(opened: Opened) -> None:
    bucket = Bucket(opened("a"), ACCOUNT, 20)
    for _ in range(5):
        await bucket.put_back(5)
    assert [await count(bucket, 32), await count(bucket, 32)] == [4, 0]


async def test_the_library_keeps_its_value_where_grants_are_put_back(
    opened: Opened, redis_url: str
) -> None:
    await Bucket(opened("a"), ACCOUNT, 1).take(1)
    async with Redis.from_url(redis_url) as redis:
        assert await redis.keys() == [f"orderline:rate:v1:gcra:{ACCOUNT}".encode()]


async def test_while_redis_is_away_each_has_its_share_and_says_so_once(
    opened: Opened, line: Line
) -> None:
    both = [opened(name) for name in ("a", "b")]
    for rates in (*both, *both):
        await rates.beat()
    assert [rates.workers for rates in both] == [2, 2]
    buckets = [Bucket(rates, ACCOUNT, 100) for rates in both]
    with capture_logs() as said:
        await line.cut()
        one, other = await asyncio.gather(*(drain(bucket, 2.2) for bucket in buckets))
        assert most_in_a_second([*one, *other]) <= 100 * 1.05 + 2 * buckets[0].ahead
        assert 50 <= min(len(one), len(other)) <= max(len(one), len(other)) <= 50 * 2.5 + 10
        await line.mend()
        for rates in both:
            await rates.beat()
    events = [entry["event"] for entry in said]
    assert events == ["rates_alone"] * 2 + ["rates_shared_again"] * 2


async def test_who_never_saw_how_many_workers_there_are_takes_little(
    opened: Opened, line: Line
) -> None:
    await line.cut()
    bucket = Bucket(opened("a"), ACCOUNT, 100)
    assert len(await drain(bucket, 1.0)) <= 1.2 * 100 / UNKNOWN + 1


async def test_a_redis_that_says_nothing_holds_up_one_claim_for_a_moment_and_no_other(
    opened: Opened, line: Line
) -> None:
    rates = opened("a")
    bucket = Bucket(rates, ACCOUNT, 100)
    await rates.beat()
    await bucket.take(1)
    line.mute_after = 0
    line.go_dark()
    began = time.monotonic()
    assert await count(bucket, 1) == 1
    assert time.monotonic() - began < 1.5
    began = time.monotonic()
    await drain(bucket, 0.3)
    assert time.monotonic() - began < 0.5


async def test_workers_that_are_gone_are_not_counted(opened: Opened, redis_url: str) -> None:
    rates, stopping = opened("a"), asyncio.Event()
    async with Redis.from_url(redis_url) as redis:
        (now, _) = await redis.time()
        await redis.zadd(WORKERS, {"killed": now - 60, "alive": now})
        await rates.beat()
        assert rates.workers == 2
        stopping.set()
        await rates.beat_until(stopping)
        assert await redis.zrange(WORKERS, 0, -1) == [b"alive"]


async def test_what_is_closed_asks_nobody(opened: Opened, redis_url: str) -> None:
    rates = opened("a")
    await rates.aclose()
    await rates.beat()
    await Bucket(rates, ACCOUNT, 1).put_back(1)
    async with Redis.from_url(redis_url) as redis:
        assert await redis.keys() == []
