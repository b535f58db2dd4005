"""``orderline producers acl``, on a real Redis: a producer may add to its stream, and no more."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from tests.cli.conftest import Orderline
from worker.crypto import Vault
from worker.delivery.signing import new_secret
from worker.store import producers
from worker.store.session import Database
from worker.streams.access import producer_rule

OWN, OTHER = "orderline:intents:shop-eu", "orderline:intents:shop-us"


async def users(client: Redis) -> list[str]:
    return [str(user) for user in await client.acl_users()]


async def say(client: Redis, *words: str) -> Any:
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


@pytest.fixture
async def admin(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client
        for user in set(await users(client)) - {"default"}:
            await client.acl_deluser(user)


@pytest.fixture
async def registered(db: Database, vault: Vault) -> None:
    for name in ("shop-eu", "shop-us"):
        await producers.add(
            db, vault, name=name, notify_url="https://shop.example/h", secret=new_secret()
        )


@pytest.fixture
async def shop(
    redis_url: str, admin: Redis, orderline: Orderline, registered: None
) -> AsyncIterator[Redis]:
    """Redis, as the producer sees it."""
    del registered
    ran = await orderline("producers", "acl", "shop-eu", "--generate", "--json")
    [told] = json.loads(ran.out)
    assert told["password"] not in told["acl"]
    await say(admin, *told["acl"].split())
    parts = urlsplit(redis_url)
    address = parts.netloc.rpartition("@")[2]
    user = f"{told['user']}:{told['password']}"
    url = urlunsplit(parts._replace(netloc=f"{user}@{address}"))
    async with Redis.from_url(url) as client:
        yield client


async def test_a_producer_adds_to_its_own_stream(shop: Redis, admin: Redis) -> None:
    assert await shop.ping()
    entry_id = await shop.xadd(OWN, {"intent": "{}"})
    [(found, _)] = await admin.xrange(OWN) or [(None, None)]
    assert found == entry_id


FORBIDDEN = [
    ("XADD", OTHER, "*", "intent", "{}"),
    ("XADD", "orderline:callbacks", "*", "sealed", "x"),
    ("XRANGE", OWN, "-", "+"),
    ("XREADGROUP", "GROUP", "orderline", "me", "STREAMS", OWN, ">"),
    ("XDEL", OWN, "1-1"),
    ("XTRIM", OWN, "MAXLEN", "0"),
    ("XGROUP", "CREATE", OWN, "another", "0"),
    ("XINFO", "STREAM", OWN),
    ("DEL", OWN),
    ("RENAME", OWN, OTHER),
    ("EXPIRE", OWN, "1"),
    ("LPUSH", "orders.gifthub", "{}"),
    ("PUBLISH", "orderline", "x"),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("CONFIG", "GET", "*"),
    ("INFO",),
    ("EVAL", "return redis.call('DEL', KEYS[1])", "1", OWN),
    ("MULTI",),
    ("ACL", "WHOAMI"),
    ("FLUSHALL",),
]


async def test_and_nothing_else(shop: Redis) -> None:
    for words in FORBIDDEN:
        with pytest.raises(NoPermissionError):
            await say(shop, *words)


async def test_its_own_waiting_entries_it_can_throw_away_as_the_documents_say(
    shop: Redis, admin: Redis
) -> None:
    await shop.xadd(OWN, {"intent": "{}"})
    await shop.xadd(OWN, {"intent": "{}"}, maxlen=1, approximate=False)
    assert await admin.xlen(OWN) == 1


async def test_a_line_without_a_password_is_refused_by_redis(
    admin: Redis, orderline: Orderline, registered: None
) -> None:
    del registered
    ran = await orderline("producers", "acl")
    lines = ran.out.splitlines()
    assert [line.split()[2] for line in lines] == ["producer-shop-eu", "producer-shop-us"]
    assert "SHA-256" in ran.err
    with pytest.raises(ResponseError):
        await say(admin, *lines[0].split())
    assert await users(admin) == ["default"]


async def test_a_disabled_producers_user_is_off(
    admin: Redis, orderline: Orderline, db: Database, registered: None
) -> None:
    del registered
    await producers.set_disabled(db, "shop-eu", disabled=True)
    ran = await orderline("producers", "acl", "shop-eu", "--generate")
    await say(admin, *ran.out.split())
    found: Any = await admin.acl_getuser("producer-shop-eu")
    assert "off" in found["flags"]
    assert "password" in ran.err


def test_another_database_has_to_be_selected() -> None:
    assert "+select" not in producer_rule("shop", None)
    assert producer_rule("shop", None, 3).endswith("+select")
