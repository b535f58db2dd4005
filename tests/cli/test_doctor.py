"""``orderline doctor``: what is well, what is not, and what to do about it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from redis.asyncio import Redis

from tests.builders import an_intent
from tests.cli.conftest import Orderline, Ran
from tests.cli.world import World
from worker.cli.output import verdict
from worker.crypto import Vault
from worker.embedded import Servers
from worker.health import broker, database, progress, setup, work
from worker.health.broker import RedisFacts
from worker.health.finding import Finding, Level
from worker.health.progress import Limits, Overdue
from worker.health.work import WorkFacts
from worker.settings import Settings
from worker.store import migrations
from worker.streams import IntentStreams, Memory, put

pytestmark = pytest.mark.usefixtures("world")

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL
LIMITS = Limits(overdue=60, intake=30, silence=15)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


def found(ran: Ran) -> dict[str, dict[str, str]]:
    """The findings of ``doctor --json``, the worst of each check."""
    worse = [level.value for level in Level]
    by_check: dict[str, dict[str, str]] = {}
    for finding in json.loads(ran.out)["findings"]:
        known = by_check.get(finding["check"])
        if known is None or worse.index(finding["level"]) > worse.index(known["level"]):
            by_check[finding["check"]] = finding
    return by_check


def levels(findings: list[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


# --- the command -------------------------------------------------------------------------


async def test_a_sound_installation_has_no_failure_and_every_line_says_its_level(
    orderline: Orderline, world: World
) -> None:
    await world.sweep()
    ran = await orderline("doctor")
    assert ran.code == 0, ran.out
    assert {line.split()[0] for line in ran.out.splitlines()} == {"ok", "warn"}
    assert f"revision {migrations.newest()}" in ran.out
    assert "PostgreSQL 1" in ran.out
    assert "opens all 1 stored secrets" in ran.out


async def test_development_hosts_are_red_and_no_failure(
    orderline: Orderline, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.sweep()
    monkeypatch.setenv("ORDERLINE_DEVELOPMENT_HOSTS", "localhost:8400")
    ran = await orderline("doctor", "--json")
    assert (ran.code, found(ran)["settings"]["level"]) == (0, "UNSAFE")
    assert "localhost:8400" in found(ran)["settings"]["said"]
    assert verdict(Level.UNSAFE).style == verdict(Level.FAIL).style == "bold red"


async def test_settings_under_which_a_crash_loses_something_are_warned_of(
    orderline: Orderline, servers: Servers
) -> None:
    with psycopg.connect(servers.database_url) as connection:
        [durable] = connection.execute("SELECT current_setting('fsync')").fetchone() or ["?"]
    checks = found(await orderline("doctor", "--json"))
    assert (checks["durability"]["level"] == "warn") == (durable == "off")
    assert checks["workers"]["level"] == "warn"


async def test_how_full_redis_is_is_told_and_that_it_has_no_limit(
    orderline: Orderline, redis: Redis
) -> None:
    room = found(await orderline("doctor", "--json"))["redis room"]
    assert (room["level"], room["said"][:23]) == ("ok", "no maxmemory is set; 0%")
    used = int((await redis.info("memory"))["used_memory"])
    for share, level in ((0.80, "warn"), (0.95, "FAIL")):
        try:
            await redis.config_set("maxmemory", int(used / share))
            ran = await orderline("doctor", "--json")
            healthy = json.loads((await orderline("health", "--json")).out)["checks"]
        finally:
            await redis.config_set("maxmemory", 0)
        [same] = [each for each in healthy if each["check"] == "redis room"]
        assert (found(ran)["redis room"]["level"], same["level"]) == (level, level)
        assert "of its maxmemory is used" in same["said"]


async def test_a_redis_that_evicts_fails(orderline: Orderline, redis: Redis) -> None:
    before: dict[Any, Any] = await redis.config_get("maxmemory*")
    try:
        await redis.config_set("maxmemory", "200mb")
        await redis.config_set("maxmemory-policy", "allkeys-lru")
        ran = await orderline("doctor", "--json")
    finally:
        await redis.config_set("maxmemory", before["maxmemory"])
        await redis.config_set("maxmemory-policy", before["maxmemory-policy"])
    assert ran.code == 1
    memory = found(ran)["redis memory"]
    assert memory["level"] == "FAIL"
    assert "allkeys-lru" in memory["said"]
    assert memory["advice"] == "set maxmemory-policy noeviction"


async def test_wrong_settings_are_one_line_each_and_end_with_2(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", "mysql://user:hidden-password@host/db")
    monkeypatch.setenv("ORDERLINE_DELIVERY_CONCURRENCY", "many")
    ran = await orderline("doctor")
    assert ran.code == 2
    assert [line.split()[:3] for line in ran.out.splitlines()] == [
        ["FAIL", "settings", "ORDERLINE_DATABASE_URL:"],
        ["FAIL", "settings", "ORDERLINE_DELIVERY_CONCURRENCY:"],
    ]
    assert "hidden-password" not in ran.out + ran.err


async def test_wrong_keys_and_wrong_accounts_are_told_together(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_ENCRYPTION_KEYS", "too-short")
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__NOBODY__DEFAULT__TOKEN", "hidden-token")
    ran = await orderline("doctor")
    assert ran.code == 2
    assert len(ran.out.splitlines()) == 2
    assert "ORDERLINE_ACCOUNTS__NOBODY" in ran.out
    assert "hidden-token" not in ran.out


async def test_servers_that_do_not_answer_fail_without_their_passwords(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", "postgresql://user:hidden@127.0.0.1:1/db")
    monkeypatch.setenv("ORDERLINE_REDIS_URL", "redis://:hidden@127.0.0.1:1/0")
    ran = await orderline("doctor", "--json")
    assert ran.code == 1
    assert [found(ran)[check]["level"] for check in ("database", "redis")] == ["FAIL", "FAIL"]
    assert "hidden" not in ran.out


@pytest.fixture
def empty_database(
    servers: Servers, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    del settings  # ours go over theirs
    name = f"empty_{uuid4().hex}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{name}"))
        monkeypatch.setenv("ORDERLINE_DATABASE_URL", url)
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.usefixtures("empty_database")
async def test_an_empty_database_is_told_how_to_become_one_of_ours(orderline: Orderline) -> None:
    ran = await orderline("doctor", "--json")
    assert ran.code == 1
    assert found(ran)["schema"]["advice"] == "run `orderline migrate`"


async def test_a_clock_that_was_replaced_fails(
    orderline: Orderline, set_clock: Callable[[timedelta], None]
) -> None:
    set_clock(timedelta(hours=1))
    ran = await orderline("doctor", "--json")
    assert ran.code == 1
    assert "3600 s ahead" in found(ran)["orderline_now()"]["said"]


async def test_a_key_that_opens_nothing_fails_and_names_whose_secrets(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_ENCRYPTION_KEYS", Vault.new_key())
    ran = await orderline("doctor", "--json")
    assert ran.code == 1
    assert found(ran)["encryption"]["said"].endswith("producer shop")


async def test_orders_of_an_account_that_nobody_configured_fail(
    orderline: Orderline, world: World
) -> None:
    await world.accept(an_intent())
    ran = await orderline("doctor", "--json")
    assert ran.code == 1
    accounts_found = found(ran)["accounts"]
    assert accounts_found["said"].startswith("1 unfinished orders of hyperteknoloji/default")
    assert "ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__" in accounts_found["advice"]


async def test_what_health_is_red_for_fails_here_by_the_same_rule(
    orderline: Orderline, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.accept(an_intent())
    monkeypatch.setenv("ORDERLINE_HEALTH_OVERDUE", "0")
    told, asked = await orderline("doctor", "--json"), await orderline("health", "--json")
    red = {each["check"]: each for each in json.loads(asked.out)["checks"] if each["advice"]}
    assert set(red) == {"overdue orders", "sweep"}
    for check, finding in red.items():
        same = ("level", "advice", "limit")
        assert [found(told)[check][key] for key in same] == [finding[key] for key in same]


async def test_a_quarantined_intent_waits_for_a_person(orderline: Orderline, world: World) -> None:
    await world.accept({"nonsense": True})
    waiting = found(await orderline("doctor", "--json"))["quarantine"]
    assert (waiting["level"], waiting["said"]) == ("warn", "1 intent")
    assert "`quarantine replay`" in waiting["advice"]
    await orderline("quarantine", "drop", "--producer", "shop", "--yes", "--why", "a test")
    assert found(await orderline("doctor", "--json"))["quarantine"]["level"] == "ok"


async def test_streams_are_told_of_those_that_wait_and_those_nobody_reads(
    orderline: Orderline, world: World, redis: Redis
) -> None:
    await world.sweep()
    await put(redis, "shop", b"{}")
    await put(redis, "stranger", b"{}")
    ran = await orderline("doctor")
    assert ran.code == 0
    assert "1 intent of shop, the oldest for" in ran.out
    assert "run `orderline producers add stranger --notify-url URL`" in ran.out


# --- who works ---------------------------------------------------------------------------


async def test_a_worker_is_seen_while_it_reads_the_streams(redis: Redis, redis_url: str) -> None:
    assert await work.count_workers(redis) == 0
    async with Redis.from_url(redis_url) as other:
        reading = asyncio.create_task(
            IntentStreams(other, "host:1").read(["shop"], count=1, block_ms=30_000)
        )
        async with asyncio.timeout(30):
            while await work.count_workers(redis) != 1:
                await asyncio.sleep(0.02)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def test_what_a_silent_consumer_holds_is_counted(redis: Redis) -> None:
    await put(redis, "shop", b"{}")
    await IntentStreams(redis, "host:1").read(["shop"], count=1, block_ms=1000)
    assert await work.forgotten(redis, ["shop", "other"], idle=timedelta(hours=1)) == 0
    assert await work.forgotten(redis, ["shop"], idle=timedelta(milliseconds=-1)) == 1


# --- judgements --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (database.judge_version("13.4", 13, 0.001), FAIL),
        (database.judge_version("14.0", 14, 0.001), OK),
        (database.judge_writable(read_only=True), FAIL),
        (database.judge_durability(("synchronous_commit",)), WARN),
        (database.judge_durability(()), OK),
        (database.judge_skew(0.2, timedelta(seconds=60)), OK),
        (database.judge_skew(-1.5, timedelta(seconds=60)), WARN),
        (database.judge_skew(61, timedelta(seconds=60)), FAIL),
        (database.judge_schema(None, "0002"), FAIL),
        (database.judge_schema("0001", "0002"), FAIL),
        (database.judge_schema("0003", "0002"), FAIL),
        (database.judge_schema("0002", "0002"), OK),
        (broker.judge_version("6.0.16"), FAIL),
        (broker.judge_version("6.2.0"), OK),
        (broker.judge_version("10.0.1"), OK),
        (broker.judge_role("slave"), FAIL),
        (broker.judge_memory(1, "volatile-ttl"), FAIL),
        (broker.judge_memory(0, "allkeys-lru"), WARN),
        (broker.judge_memory(1, "noeviction"), OK),
        (broker.judge_room(Memory(74, 100, 1)), OK),
        (broker.judge_room(Memory(75, 100, 1000)), WARN),
        (broker.judge_room(Memory(90, 100, 1000)), FAIL),
        (broker.judge_room(Memory(75, 0, 100)), WARN),
        (broker.judge_room(Memory(10, 0, 0)), OK),
        (setup.judge_development_hosts("localhost"), Level.UNSAFE),
        (setup.judge_seals(3, ["producer shop"]), FAIL),
        (work.judge_workers(0, 1), WARN),
        (work.judge_workers(None, 1), WARN),
        (work.judge_workers(2, 1), OK),
        (work.judge_workers(2, 0), WARN),
        (progress.judge_orders([], LIMITS), OK),
        (progress.judge_orders([Overdue("gifthub", "default", 9)], LIMITS), OK),
        (progress.judge_orders([Overdue("gifthub", "default", 11)], LIMITS), WARN),
        (progress.judge_orders([Overdue("gifthub", "default", 60)], LIMITS), FAIL),
        (progress.judge_notifications(None, LIMITS), OK),
        (progress.judge_notifications(11, LIMITS), WARN),
        (progress.judge_notifications(60, LIMITS), FAIL),
        (progress.judge_sweep(None, LIMITS), FAIL),
        (progress.judge_sweep(1, LIMITS), OK),
        (progress.judge_sweep(11, LIMITS), WARN),
        (progress.judge_sweep(15, LIMITS), FAIL),
    ],
)
def test_values_are_judged(finding: Finding, level: Level) -> None:
    assert finding.level is level
    assert bool(finding.advice) == (level is not OK)


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        ({"appendonly": True, "appendfsync": "always"}, OK, "always"),
        ({"appendonly": True, "appendfsync": "everysec"}, OK, "last second"),
        ({"appendonly": True, "appendfsync": "no"}, WARN, "would be lost"),
        ({"appendonly": True, "appendfsync": None}, WARN, "not to be seen"),
        ({"snapshots": "3600 1"}, WARN, "snapshots only"),
        ({}, WARN, "would be lost"),
        ({"appendonly": True, "appendfsync": "always", "write_failed": True}, FAIL, "failed"),
    ],
)
def test_what_a_crash_of_redis_would_cost_is_said(
    changes: dict[str, Any], level: Level, says: str
) -> None:
    values: dict[str, Any] = {
        "version": "7.2.0",
        "role": "master",
        "maxmemory": 0,
        "policy": "noeviction",
        "appendonly": False,
        "appendfsync": None,
        "snapshots": "",
        "write_failed": False,
        "memory": Memory(0, 0, 0),
    }
    finding = broker.judge_persistence(RedisFacts(**values | changes))
    assert finding.level is level
    assert says in finding.said


def test_an_intake_that_lags_gets_worse_with_its_age() -> None:
    waiting = {"a": (1, 2.0), "b": (5, 29.0), "c": (9, 30.0)}
    assert levels(progress.judge_intake(waiting, LIMITS)) == [OK, WARN, FAIL]
    assert levels(progress.judge_intake({}, LIMITS)) == [OK]


def test_what_waits_for_a_person_is_counted() -> None:
    facts = WorkFacts(exhausted=2, quarantined=0)
    said = {each.check: each for each in work.judge_standing([], facts)}
    assert said["undelivered"].said == "2 notifications"
    assert said["undelivered"].level is WARN
    assert said["quarantine"].level is OK
