"""``orderline enqueue``: every intent is told apart, and only good ones are sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis

from tests.builders import an_intent, raw
from tests.cli.conftest import Orderline
from tests.cli.world import World, take_in, until

PLAYER = "5512341234"

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


@asynccontextmanager
async def intake(world: World, redis: Redis) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(take_in(world, redis, stop, "shop"))
    try:
        yield
    finally:
        stop.set()
        await running


async def sent(redis: Redis) -> dict[str, bytes]:
    """The intents on the shop's stream, by entry."""
    entries: Any = await redis.xrange("orderline:intents:shop")
    return {entry_id.decode(): fields[b"intent"] for entry_id, fields in entries}


def a_file(*bodies: Any) -> str:
    """A file of intents, one a line, in the working directory."""
    Path("orders.jsonl").write_bytes(b"\n".join(raw(body) for body in bodies))
    return "orders.jsonl"


def said(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


async def test_without_a_worker_an_intent_is_queued_byte_for_byte(
    redis: Redis, orderline: Orderline
) -> None:
    text = json.dumps(an_intent(producer="shop"), indent=3)
    ran = await orderline("enqueue", "-", "--wait", "0.2", stdin=text)
    [(entry_id, kept)] = (await sent(redis)).items()
    assert ran.code == 0
    assert "queued" in ran.out
    assert f"entry {entry_id}; no worker took it in within 0.2 s" in ran.out
    assert kept == text.encode()


async def test_an_accepted_intent_is_named_by_its_order_and_a_repeat_by_the_same_one(
    world: World, redis: Redis, orderline: Orderline
) -> None:
    path = a_file(an_intent(producer="shop"))
    async with intake(world, redis):
        [first] = said((await orderline("enqueue", path, "--json", "--wait", "20")).out)
        again = await orderline("enqueue", path, "--json")
    assert first["verdict"] == "accepted"
    [second] = said(again.out)
    assert (again.code, second["verdict"]) == (0, "repeated")
    assert UUID(second["order_id"]) == UUID(first["order_id"])
    assert await sent(redis) == {}


async def test_a_refused_intent_is_not_sent_and_says_exactly_where(
    redis: Redis, orderline: Orderline
) -> None:
    bad = an_intent("d-2", intent_id="i-2", producer="shop")
    bad["lines"][0]["quantity"] = 0
    path = a_file(an_intent(producer="shop"), bad)
    ran = await orderline("enqueue", path, "--no-wait")
    assert ran.code == 1
    queued, refused = ran.out.splitlines()
    assert queued.startswith("queued")
    assert refused.startswith("refused   orders.jsonl:2")
    assert "lines[0].quantity: " in refused
    assert "(out_of_range)" in refused
    assert len(await sent(redis)) == 1


async def test_what_the_database_would_refuse_is_refused_before_it_is_sent(
    world: World, redis: Redis, orderline: Orderline
) -> None:
    await world.accept(an_intent(producer="shop"))
    changed = an_intent("other", producer="shop")
    taken = an_intent(producer="shop", intent_id="i-2")
    ran = await orderline("enqueue", a_file(changed, taken), "--json")
    assert ran.code == 1
    assert [(each["path"], each["code"]) for each in said(ran.out)] == [
        ("intent_id", "repeated_with_other_content"),
        ("lines[0].deliver_id", "deliver_id_taken"),
    ]
    assert await sent(redis) == {}


async def test_what_only_the_intake_could_refuse_is_heard_from_quarantine(
    world: World, redis: Redis, orderline: Orderline
) -> None:
    await orderline("enqueue", a_file(an_intent(producer="shop")), "--no-wait")
    late = asyncio.create_task(
        orderline("enqueue", a_file(an_intent("x", producer="shop")), "--json", "--wait", "20")
    )

    async def both_are_sent() -> bool:
        return late.done() or len(await sent(redis)) == 2

    await until(both_are_sent)
    async with intake(world, redis):
        ran = await late
    [refused] = said(ran.out)
    assert ran.code == 1
    assert (refused["verdict"], refused["path"]) == ("refused", "intent_id")
    assert refused["entry_id"]


async def test_an_intent_that_stands_twice_in_a_file_is_sent_once(
    redis: Redis, orderline: Orderline
) -> None:
    body = an_intent(producer="shop")
    ran = await orderline("enqueue", a_file(body, body), "--no-wait")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["queued", "repeated"]
    assert len(await sent(redis)) == 1


async def test_the_producer_may_be_named_beside_the_file_but_not_against_it(
    orderline: Orderline,
) -> None:
    ran = await orderline(
        "enqueue",
        a_file(an_intent(), an_intent("d-2", intent_id="i-2", producer="other")),
        "--producer",
        "shop",
        "--no-wait",
        "--json",
    )
    assert [each["verdict"] for each in said(ran.out)] == ["queued", "refused"]
    assert said(ran.out)[1]["code"] == "foreign_producer"


async def test_an_unregistered_producer_is_refused_with_the_command_that_registers_it(
    redis: Redis, orderline: Orderline
) -> None:
    ran = await orderline("enqueue", a_file(an_intent(producer="shop-eu")), "--no-wait")
    assert ran.code == 1
    assert "`orderline producers add shop-eu --notify-url" in ran.out
    assert await redis.exists("orderline:intents:shop-eu") == 0


async def test_no_personal_value_is_printed(orderline: Orderline) -> None:
    good = an_intent(producer="shop")
    good["lines"][0]["require_data"] = [{"product_require_id": 1, "value": PLAYER}]
    bad = json.loads(json.dumps(good)) | {"intent_id": "i-2"}
    bad["lines"][0]["require_data"][0][PLAYER] = PLAYER
    ran = await orderline("enqueue", a_file(good, bad), "--no-wait", "--json")
    assert [each["verdict"] for each in said(ran.out)] == ["queued", "refused"]
    assert PLAYER not in ran.out + ran.err


async def test_a_missing_file_is_one_line(orderline: Orderline) -> None:
    ran = await orderline("enqueue", "nowhere.json")
    assert (ran.code, ran.err) == (1, "orderline: nowhere.json: No such file or directory\n")
