"""The stream door on a real Redis: whatever is still in a stream is unprocessed, and is found."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from schemas.ids import OrderId, new_uuid
from worker.crypto import Vault
from worker.store.intake import Entry
from worker.streams import (
    CALLBACKS,
    GROUP,
    CallbackStream,
    IntentStreams,
    put,
    put_callback,
    put_unread,
    strangers,
    stream_of,
    waiting,
)

SHOP = ["shop"]
STREAM = "orderline:intents:shop"
SOON = 10
"""Milliseconds to wait for what is there already."""


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
async def redis(redis_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, protocol=request.param) as client:
        yield client


def a_consumer(redis: Redis, name: str = "host:1") -> IntentStreams:
    return IntentStreams(redis, name)


async def read(consumer: IntentStreams, count: int = 100) -> list[Entry]:
    return await consumer.read(SHOP, count=count, block_ms=SOON)


async def old_ones(consumer: IntentStreams, producers: list[str] = SHOP) -> list[Entry]:
    return await consumer.left_behind(producers, older_than_ms=0, count=100)


def texts(entries: list[Entry]) -> list[bytes]:
    return [entry.raw for entry in entries]


async def test_what_was_put_before_anybody_listened_is_read(redis: Redis) -> None:
    entry_id = await put(redis, "shop", b"{}")
    (entry,) = await read(a_consumer(redis))
    assert (entry.producer, entry.stream, entry.entry_id, entry.raw) == (
        "shop",
        STREAM,
        entry_id,
        b"{}",
    )


async def test_each_entry_is_given_to_one_consumer(redis: Redis) -> None:
    for number in range(10):
        await put(redis, "shop", str(number))
    one, other = a_consumer(redis), a_consumer(redis, "host:2")
    got = [await read(each, count=5) for each in (one, other, one)]
    assert [len(entries) for entries in got] == [5, 5, 0]
    assert sorted(texts(got[0] + got[1])) == [str(n).encode() for n in range(10)]


async def test_several_producers_are_read_at_once_each_up_to_its_share(redis: Redis) -> None:
    for number in range(5):
        await put(redis, "shop", f"s{number}")
        await put(redis, "other", f"o{number}")
    entries = await a_consumer(redis).read(["shop", "other"], count=2, block_ms=SOON)
    assert sorted((entry.producer, entry.raw) for entry in entries) == [
        ("other", b"o0"),
        ("other", b"o1"),
        ("shop", b"s0"),
        ("shop", b"s1"),
    ]


async def test_a_reader_wakes_up_for_the_first_entry(redis: Redis) -> None:
    consumer = a_consumer(redis)
    await read(consumer)
    reading = asyncio.create_task(consumer.read(SHOP, count=10, block_ms=5000))
    await asyncio.sleep(0.05)
    await put(redis, "shop", b"{}")
    async with asyncio.timeout(4):
        assert texts(await reading) == [b"{}"]


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff\xfe", os.urandom(2**20)], ids=["empty", "binary", "a megabyte"]
)
async def test_an_entry_comes_out_as_it_went_in(redis: Redis, raw: bytes) -> None:
    await put(redis, "shop", raw)
    assert texts(await read(a_consumer(redis))) == [raw]


async def test_an_entry_without_an_intent_is_read_whole_to_be_set_aside(redis: Redis) -> None:
    await redis.xadd(STREAM, {b"itnent": b"{}"})
    assert texts(await read(a_consumer(redis))) == [b"itnent={}"]


async def test_nothing_is_ever_trimmed(redis: Redis) -> None:
    async with watching(redis) as commands:
        for _ in range(3):
            await put(redis, "shop", b"{}")
        await put_unread(redis, "{}")
        await a_consumer(redis).done(await read(a_consumer(redis)))
    assert any(command.startswith("XADD") for command in commands)
    assert not any(word in command for command in commands for word in ("MAXLEN", "MINID", "XTRIM"))


# --- done ------------------------------------------------------------------------------------


async def test_what_is_done_is_gone_from_the_stream_and_from_the_list(redis: Redis) -> None:
    for producer in ("shop", "other"):
        await put(redis, producer, b"{}")
    consumer = a_consumer(redis)
    entries = await consumer.read(["shop", "other"], count=10, block_ms=SOON)
    await consumer.done(entries)
    for producer in ("shop", "other"):
        assert await redis.xlen(stream_of(producer)) == 0
        assert (await redis.xpending(stream_of(producer), GROUP))["pending"] == 0


async def test_done_is_one_transaction(redis: Redis) -> None:
    for producer in ("shop", "other"):
        await put(redis, producer, b"{}")
    consumer = a_consumer(redis)
    entries = await consumer.read(["shop", "other"], count=10, block_ms=SOON)
    async with watching(redis) as commands:
        await consumer.done(entries)
    assert [command.split()[0] for command in commands] == [
        "MULTI",
        *["XACK", "XDEL"] * 2,
        "EXEC",
    ]


async def test_done_with_nothing_asks_redis_nothing(redis: Redis) -> None:
    async with watching(redis) as commands:
        await a_consumer(redis).done([])
    assert commands == []


async def test_done_twice_does_no_harm(redis: Redis) -> None:
    await put(redis, "shop", b"{}")
    consumer = a_consumer(redis)
    entries = await read(consumer)
    for _ in range(2):
        await consumer.done(entries)
    assert await read(consumer) == []


# --- what was left behind ----------------------------------------------------------------------


async def test_the_entries_of_a_dead_consumer_are_found_by_another_one(redis: Redis) -> None:
    await put(redis, "shop", b"read, never done")
    await read(a_consumer(redis, "dead:1"))
    consumer = a_consumer(redis)
    assert await read(consumer) == []
    found = await old_ones(consumer)
    assert texts(found) == [b"read, never done"]
    await consumer.done(found)
    assert await old_ones(consumer) == []


async def test_what_nobody_was_given_yet_was_not_left_behind(redis: Redis) -> None:
    consumer = a_consumer(redis)
    assert await old_ones(consumer) == []
    await put(redis, "shop", b"new")
    assert await old_ones(consumer) == []
    await read(consumer)
    await put(redis, "shop", b"newer")
    assert texts(await old_ones(consumer)) == [b"new"]


async def test_what_was_given_a_moment_ago_is_left_to_whoever_has_it(redis: Redis) -> None:
    await put(redis, "shop", b"{}")
    consumer = a_consumer(redis)
    await read(consumer)
    assert await consumer.left_behind(SHOP, older_than_ms=60_000, count=10) == []


async def test_entries_are_found_although_their_list_was_lost(redis: Redis) -> None:
    """A group made again where the last one ended knows of nothing that is pending."""
    await put(redis, "shop", b"{}")
    await read(a_consumer(redis, "dead:1"))
    await redis.xgroup_destroy(STREAM, GROUP)
    await redis.xgroup_create(STREAM, GROUP, id="$")
    consumer = a_consumer(redis)
    assert await read(consumer) == []
    assert texts(await old_ones(consumer)) == [b"{}"]


async def test_a_producer_without_a_stream_left_nothing_behind(redis: Redis) -> None:
    assert await old_ones(a_consumer(redis), ["nobody"]) == []


# --- a Redis that forgets ----------------------------------------------------------------------


async def test_a_wiped_redis_is_read_from_the_start_again(redis: Redis) -> None:
    consumer = a_consumer(redis)
    await read(consumer)
    await redis.flushall()
    await put(redis, "shop", b"after the wipe")
    assert await read(consumer) == []  # learns that its group is gone
    assert texts(await read(consumer)) == [b"after the wipe"]


async def test_an_entry_put_after_a_wipe_while_a_reader_waits_is_not_lost(redis: Redis) -> None:
    consumer = a_consumer(redis)
    await read(consumer)
    reading = asyncio.create_task(consumer.read(SHOP, count=10, block_ms=1000))
    await asyncio.sleep(0.05)
    await redis.flushall()
    await put(redis, "shop", b"{}")
    found = await reading
    found += await read(consumer)
    found += await read(consumer)
    assert texts(found) == [b"{}"]


async def test_consumers_that_make_the_group_together_make_it_once(redis: Redis) -> None:
    await put(redis, "shop", b"{}")
    got = await asyncio.gather(*(read(a_consumer(redis, f"host:{n}")) for n in range(5)))
    assert sorted(map(len, got)) == [0, 0, 0, 0, 1]


async def test_a_key_that_is_no_stream_is_said_aloud(redis: Redis) -> None:
    await redis.set(STREAM, "a string")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await read(a_consumer(redis))


# --- leaving -----------------------------------------------------------------------------------


async def consumers(redis: Redis) -> set[bytes]:
    return {each["name"] for each in await redis.xinfo_consumers(STREAM, GROUP)}


async def test_a_consumer_that_leaves_with_clean_hands_is_forgotten(redis: Redis) -> None:
    await put(redis, "shop", b"{}")
    consumer = a_consumer(redis)
    await consumer.done(await read(consumer))
    assert await consumers(redis) == {b"host:1"}
    await consumer.leave()
    assert await consumers(redis) == set()


async def test_a_consumer_with_entries_pending_stays_known(redis: Redis) -> None:
    await put(redis, "shop", b"{}")
    consumer = a_consumer(redis)
    await read(consumer)
    await consumer.leave()
    assert await consumers(redis) == {b"host:1"}
    assert (await redis.xpending(STREAM, GROUP))["pending"] == 1


async def test_leaving_a_wiped_redis_is_no_trouble(redis: Redis) -> None:
    consumer = a_consumer(redis)
    await read(consumer)
    await redis.flushall()
    await consumer.leave()


# --- what people ask ---------------------------------------------------------------------------


async def test_the_lag_of_a_producer_is_the_age_of_its_oldest_entry(redis: Redis) -> None:
    await redis.xadd(STREAM, {b"intent": b"{}"}, id="1000-0")
    await put(redis, "shop", b"{}")
    await read(a_consumer(redis))
    await a_consumer(redis).read(["idle"], count=1, block_ms=SOON)
    lags = await waiting(redis, ["shop", "idle", "nobody"])
    assert list(lags) == ["shop"]
    number, age = lags["shop"]
    assert number == 2
    assert age > 365 * 24 * 3600


async def test_a_stream_from_the_future_has_no_negative_age(redis: Redis) -> None:
    await redis.xadd(STREAM, {b"intent": b"{}"}, id=f"{2**43}-0")
    assert (await waiting(redis, SHOP))["shop"] == (1, 0.0)


async def test_streams_that_nobody_owns_are_found(redis: Redis) -> None:
    for producer in ("shop", "typo", "unnamed"):
        await put(redis, producer, b"{}")
    await redis.set("orderline:other", "1")
    assert await strangers(redis, SHOP) == ["orderline:intents:typo", "orderline:intents:unnamed"]


# --- the other door ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intent", "producer"),
    [
        ({"producer": "shop", "lines": []}, "shop"),
        ('{"producer": "shop", "lines": []}', "shop"),
        ('{"producer": "Sh*op"}', "unnamed"),
        ('{"producer": ["shop"]}', "unnamed"),
        ('{"producer": "shop:intents"}', "unnamed"),
        ('{"producer": ""}', "unnamed"),
        ({"lines": []}, "unnamed"),
        ("[1]", "unnamed"),
        ("not json", "unnamed"),
        ("[" * 100_000, "unnamed"),
    ],
)
async def test_an_intent_by_the_other_door_comes_to_its_producers_stream_unread(
    redis: Redis, intent: dict[str, Any] | str, producer: str
) -> None:
    await put_unread(redis, intent)
    found = await redis.xrange(stream_of(producer)) or []
    ((_, fields),) = found
    sent = intent if isinstance(intent, str) else json.dumps(intent)
    assert fields == {b"intent": sent.encode()}


# --- callbacks ---------------------------------------------------------------------------------


async def test_a_callback_lies_there_encrypted_until_its_commit(redis: Redis) -> None:
    vault = Vault([Vault.new_key()])
    entry_id = await put_callback(
        redis, vault, provider="gifthub", account="default", body=b"card-4711"
    )
    stream = CallbackStream(redis, "host:1")
    (callback,) = await stream.read(count=10, block_ms=SOON)
    assert (callback.stream, callback.entry_id) == (CALLBACKS, entry_id)
    assert (callback.provider, callback.account) == ("gifthub", "default")
    assert vault.unseal(callback.sealed) == b"card-4711"
    assert b"card-4711" not in str(await redis.xrange(CALLBACKS)).encode()

    heir = CallbackStream(redis, "host:2")
    assert await heir.read(count=10, block_ms=SOON) == []
    assert await heir.left_behind(older_than_ms=0, count=10) == [callback]
    await heir.done([callback])
    assert await redis.xlen(CALLBACKS) == 0
    await stream.leave()


async def test_a_callback_at_an_orders_own_url_names_its_order(redis: Redis) -> None:
    vault, order_id = Vault([Vault.new_key()]), OrderId(new_uuid())
    for number, of in enumerate((order_id, None)):
        account = f"a{number}"
        await put_callback(
            redis, vault, provider="gifthub", account=account, body=b"{}", order_id=of
        )
    callbacks = await CallbackStream(redis, "host:1").read(count=10, block_ms=SOON)
    assert [(each.account, each.order) for each in callbacks] == [("a0", order_id.hex), ("a1", "")]


async def test_a_callback_of_no_known_shape_is_read_as_one_that_says_nothing(redis: Redis) -> None:
    await redis.xadd(CALLBACKS, {b"what": b"\xff"})
    (callback,) = await CallbackStream(redis, "host:1").read(count=10, block_ms=SOON)
    assert (callback.provider, callback.account, callback.sealed) == ("", "", b"")


async def test_what_the_database_could_not_take_stops_no_other_callback(redis: Redis) -> None:
    vault = Vault([Vault.new_key()])
    await put_callback(redis, vault, provider="gifthub", account="de\0fault", body=b"{}")
    (callback,) = await CallbackStream(redis, "host:1").read(count=10, block_ms=SOON)
    assert "\0" not in callback.account


# --- helpers -----------------------------------------------------------------------------------


@asynccontextmanager
async def watching(redis: Redis) -> AsyncIterator[list[str]]:
    """The commands that reach the server meanwhile."""
    commands: list[str] = []
    await asyncio.gather(redis.ping(), redis.ping())  # two connections, their greetings over
    async with redis.monitor() as monitor:

        async def listen() -> None:
            async for command in monitor.listen():
                if command["command"] == "ECHO over":
                    return
                commands.append(command["command"])

        listening = asyncio.create_task(listen())
        yield commands
        await redis.echo("over")
        async with asyncio.timeout(10):
            await listening
