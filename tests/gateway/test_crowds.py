"""A producer with too many open orders is turned away before anything is put on its stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.builders import an_entry
from tests.gateway.conftest import NOWHERE, Door, Opener, until, until_known
from tests.stories.conftest import hyper
from worker.crypto import Vault
from worker.gateway.crowds import AGAIN, Crowds
from worker.steps.accept import accept_into
from worker.store import producers
from worker.store.open_orders import Room
from worker.store.session import Database


@pytest.fixture
async def small(a_gateway: Opener, api_key: str, db: Database) -> AsyncIterator[Door]:
    """A gateway, and a producer that may have two orders open and has both."""
    await producers.change(db, "shop", max_open=2)
    async with a_gateway(api_key) as door:
        await until_known(door)
        entries = [an_entry(hyper(name)) for name in ("a", "b")]
        await accept_into(db, door.vault, door.settings, entries)
        yield door


async def post(door: Door, *intents: Any) -> Any:
    return await door.ask("POST", "/v1/intents", content=json.dumps(intents).encode())


async def until_counted(door: Door) -> Any:
    """The first answer by which something new is turned away."""
    answers: list[Any] = []

    async def is_turned_away() -> bool:
        answers.append(await post(door, hyper("c")))
        return bool(answers[-1].status_code == 429)

    await until(is_turned_away)
    return answers[-1]


async def test_what_is_new_is_turned_away_while_too_many_orders_are_open(small: Door) -> None:
    answer = await until_counted(small)
    assert (answer.json()["error"]["code"], answer.headers["retry-after"]) == (
        "too_many_open",
        str(AGAIN),
    )
    assert "2 may be" in answer.json()["error"]["detail"]
    before = await small.put()
    assert (await post(small, hyper("d"), hyper("a"))).status_code == 429
    assert await small.put() == before


async def test_repeats_and_wishes_are_taken_all_the_same(small: Door) -> None:
    await until_counted(small)
    assert (await post(small, hyper("a"), hyper("b"))).status_code == 202
    assert (await small.ask("POST", "/v1/intents/a/cancel")).status_code == 202


async def test_once_there_is_room_intents_are_taken_again(small: Door, db: Database) -> None:
    await until_counted(small)
    await producers.change(db, "shop", max_open=100)

    async def is_taken() -> bool:
        return bool((await post(small, hyper("new"))).status_code == 202)

    await until(is_taken)


async def test_what_lies_on_the_stream_counts_and_what_was_put_since(
    db: Database, vault: Vault, redis_url: str
) -> None:
    await producers.add(
        db, vault, name="shop", notify_url="https://shop.example/h", secret="whsec_c2VjcmV0"
    )
    async with Redis.from_url(redis_url) as redis:
        crowds = Crowds(db, redis, 5, 1.0)
        assert crowds.room_of("shop") is None
        await redis.xadd("orderline:intents:shop", {"intent": "{}"})
        await crowds.refresh()
        assert crowds.room_of("shop") == Room(1, 5)
        crowds.put("shop", 4)
        room = crowds.room_of("shop")
        assert room == Room(5, 5)
        assert room.is_full
        await crowds.refresh()
        assert crowds.room_of("shop") == Room(1, 5)
        await redis.xadd("orderline:intents:shop", {"intent": "{}"})
        await crowds.refresh()  # it is far from its limit, and was counted just now
        assert crowds.room_of("shop") == Room(1, 5)


async def test_while_nobody_can_count_nobody_is_turned_away(db: Database) -> None:
    async with Redis.from_url(NOWHERE) as redis:
        crowds = Crowds(db, redis, 1, 1.0)
        crowds.room_of("shop")
        await asyncio.wait_for(crowds.refresh(), 5)
        assert crowds.room_of("shop") is None
