"""Redis's users for each role: each can do its job, and what is not its job is refused."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from tests.crash.promises import check_promises
from tests.crash.works import SHOP, Works
from tests.stories.conftest import adobe, gifthub, hyper
from worker.embedded.port import free_port
from worker.store import api_keys
from worker.streams.access import producer_rule, producer_user
from worker.streams.roles import BELLS, ROLES, user_line

WORKER: Final = ("-A", "tasks.app", "worker", "--hostname", "worker@%h")
PASSWORD: Final = "a-password-of-this-test"
STREAM: Final = f"orderline:intents:{SHOP}"
FORBIDDEN: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "worker": (("SCAN", "0"), ("CONFIG", "GET", "*"), ("XTRIM", STREAM, "MAXLEN", "0")),
    "gateway": (
        ("XREADGROUP", "GROUP", "orderline", "me", "STREAMS", STREAM, ">"),
        ("XDEL", STREAM, "1-1"),
        ("LPUSH", f"{BELLS}orders.gifthub", "{}"),
        ("BRPOP", f"{BELLS}submit", "1"),
        ("PUBLISH", f"{BELLS}/0.celery.pidbox", "{}"),
    ),
    "flower": (
        ("LPUSH", f"{BELLS}orders.gifthub", "{}"),
        ("XADD", STREAM, "*", "intent", "{}"),
        ("XRANGE", STREAM, "-", "+"),
        ("XRANGE", "orderline:callbacks", "-", "+"),
        ("DEL", STREAM),
        ("PUBLISH", "elsewhere", "{}"),
    ),
    "operator": (("XTRIM", STREAM, "MAXLEN", "0"),),
}
NOBODYS: Final = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("CONFIG", "SET", "maxmemory", "1"),
    ("ACL", "LIST"),
    ("SHUTDOWN", "NOSAVE"),
    ("DEBUG", "SLEEP", "0"),
    ("CLIENT", "KILL", "TYPE", "normal"),
    ("SET", "elsewhere", "1"),
)


async def say(client: Redis, *words: str) -> Any:
    return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it untyped


def url_of(redis_url: str, user: str) -> str:
    parts = urlsplit(redis_url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{PASSWORD}@{address}"))


@pytest.fixture
async def admin(redis_url: str) -> AsyncIterator[Redis]:
    """Redis with the users; they are gone afterwards."""
    async with Redis.from_url(redis_url) as client:
        for role in ROLES.values():
            await say(client, "ACL", "SETUSER", *user_line(role, PASSWORD).split()[1:])
        await say(client, *producer_rule(SHOP, PASSWORD).split())
        await say(client, "ACL", "LOG", "RESET")
        yield client
        for name in (*ROLES, producer_user(SHOP)):
            await client.acl_deluser(name)


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_what_is_not_its_job_is_refused(admin: Redis, redis_url: str, role: str) -> None:
    del admin
    forbidden = FORBIDDEN.get(role, FORBIDDEN["flower"])
    async with Redis.from_url(url_of(redis_url, role)) as client:
        assert await client.ping()
        for words in (*forbidden, *NOBODYS):
            with pytest.raises(NoPermissionError):
                await say(client, *words)


@pytest.mark.slow
async def test_each_role_does_its_job_and_asks_for_nothing_more(admin: Redis, works: Works) -> None:
    url = {name: url_of(works.system.servers.redis_url, name) for name in ROLES}
    accounts = {name: dict(named) for name, named in works.system.accounts.items()}
    accounts["gifthub"] = {"default": {**accounts["gifthub"]["default"], "rate": "50"}}
    works.system = replace(
        works.system, accounts=accounts, gateway_port=free_port(), flower_port=free_port()
    )
    works.system = replace(works.system, flower_login="orderline:x")
    own = {"ORDERLINE_REDIS_URL": url["worker"], "ORDERLINE_PUBLIC_URL": ""}
    works.run("worker", "celery", *WORKER, **own)
    works.run("beat", "celery", "-A", "tasks.app", "beat", "--pidfile", "", **own)
    watching = replace(works.system, overrides={"ORDERLINE_REDIS_URL": url["flower"]})
    answering = replace(
        works.system,
        overrides={**works.system.overrides, "ORDERLINE_REDIS_URL": url["gateway"]},
    )
    key = api_keys.new_key()
    await api_keys.add(works.db, SHOP, key)
    with watching.flower(), answering.gateway():
        await works.until_ready("worker")
        async with Redis.from_url(
            url_of(works.system.servers.redis_url, producer_user(SHOP))
        ) as shop:
            for body in (hyper("h1"), gifthub("g1")):
                works.asked[body["intent_id"]] = body
                await shop.xadd(STREAM, {"intent": json.dumps(body)})
        async with httpx.AsyncClient(timeout=10) as http:
            gateway = f"{works.system.gateway_url}"
            await works.until(lambda: serves(http, f"{gateway}/readyz"), "the gateway serves")
            by_http = adobe("a1")
            works.asked["a1"] = by_http
            taken = await http.post(
                f"{gateway}/v1/intents", json=by_http, headers={"Authorization": f"Bearer {key}"}
            )
            assert taken.status_code == 202, taken.text
            await works.until_at_rest()
            flower = f"http://orderline:x@127.0.0.1:{works.system.flower_port}"
            await works.until(lambda: serves(http, f"{flower}/healthcheck"), "Flower serves")
            workers = await http.get(f"{flower}/api/workers?refresh=true")
            lengths = await http.get(f"{flower}/api/queues/length")
        assert [name.partition("@")[0] for name in workers.json()] == ["worker"]
        assert lengths.status_code == 200
        doctor = works.run("doctor", "worker.cli", "doctor", ORDERLINE_REDIS_URL=url["operator"])
        await works.until(lambda: doctor.code is not None, "doctor is done")
        assert "NOPERM" not in works.log("doctor").read_text()
        health = works.run("health", "worker.cli", "health", ORDERLINE_REDIS_URL=url["worker"])
        await works.until(lambda: health.code is not None, "health is done")
        assert health.code == 0, works.log("health").read_text()
    refused: Any = await admin.acl_log()
    names_itself = "client"  # redis-py tells its version, and may be refused that
    assert not [
        (each["username"], each["object"]) for each in refused if each["object"] != names_itself
    ]
    await check_promises(works)


async def serves(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).status_code == 200
    except httpx.TransportError:
        return False
