"""Producers submit what is planned until it is acknowledged, no faster than it is worked off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from worker.chaos.line import Line
from worker.chaos.plan import Planned, Sort, plan
from worker.chaos.submitting import MOST_OPEN, Standing, Submitting
from worker.streams import stream_of


@dataclass
class Shops:
    """Producers whose installation stands as a test says."""

    redis: Any
    standing: Standing = field(default_factory=Standing)

    def __post_init__(self) -> None:
        self.submitting = Submitting(self.redis, lambda: self.standing, insist_every=0.0)


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[Line]:
    async with Line(redis_url) as line:
        yield line


@pytest.fixture
async def shops(line: Line) -> AsyncIterator[Shops]:
    retry = Retry(NoBackoff(), 0)
    async with Redis.from_url(line.url, retry=retry, socket_timeout=0.3) as redis:
        yield Shops(redis)


def an_entry(sort: Sort = Sort.FRESH, number: str = "1", *, patient: bool = False) -> Planned:
    body = {"intent_id": number}
    return Planned(
        sort=sort, number=number, producer="shop-eu", body=body, patient=patient, endless=patient
    )


async def raws(shops: Shops) -> list[bytes]:
    """What is on the stream, intents and wishes alike."""
    entries = await shops.redis.xrange(stream_of("shop-eu"))
    return [raw for _, fields in entries for raw in fields.values()]


async def test_everything_planned_is_put_on_its_stream_and_noted_by_its_id(shops: Shops) -> None:
    planned = [each for each in plan(7, 40) if not each.patient]
    await shops.submitting.run(planned, 0.0)
    assert shops.submitting.reached == len(shops.submitting.sent) == len(planned)
    for sent in shops.submitting.sent:
        ((_, fields),) = await shops.redis.xrange(sent.stream, sent.entry_id, sent.entry_id)
        assert fields == {sent.kind.value.encode(): sent.raw}


async def test_a_repeat_is_the_same_to_the_byte(shops: Shops) -> None:
    planned = [an_entry(), an_entry(Sort.REPEAT)]
    await shops.submitting.run(planned, 0.0)
    first, again = await raws(shops)
    assert first == again


async def test_nobody_submits_while_too_much_is_open(shops: Shops) -> None:
    shops.standing = Standing(open_orders=MOST_OPEN)
    running = asyncio.create_task(shops.submitting.run([an_entry()], 0.0))
    await asyncio.sleep(0.2)
    assert await raws(shops) == []
    shops.standing = Standing(open_orders=MOST_OPEN - 1)
    await running
    assert len(await raws(shops)) == 1


async def test_what_was_not_acknowledged_is_sent_again_and_remembered(
    shops: Shops, line: Line
) -> None:
    await shops.redis.ping()
    swallowing = asyncio.create_task(line.black_hole(0.1))
    await asyncio.sleep(0)
    await shops.submitting.run([an_entry()], 0.0)
    await swallowing
    assert len(shops.submitting.sent) == len(await raws(shops)) == 1
    assert len(shops.submitting.unsure) == 1


async def test_a_patient_wish_waits_for_its_order_and_insists_while_it_is_placed(
    shops: Shops,
) -> None:
    key = ("shop-eu", "1")
    await shops.submitting.run([an_entry(), an_entry(Sort.CANCEL, patient=True)], 0.0)
    assert (shops.submitting.held, len(await raws(shops))) == (1, 1)
    shops.standing = Standing(known={key})
    await shops.submitting.follow_up()
    assert (shops.submitting.held, len(await raws(shops))) == (0, 2)
    shops.standing = Standing(known={key}, placed={key})
    await shops.submitting.follow_up()
    assert len(await raws(shops)) == 3


async def test_nothing_is_put_on_a_stream_during_a_pause(shops: Shops) -> None:
    async with shops.submitting.pausing.pause():
        running = asyncio.create_task(shops.submitting.run([an_entry()], 0.0))
        await asyncio.sleep(0.1)
        assert await raws(shops) == []
    await running
    assert len(await raws(shops)) == 1
