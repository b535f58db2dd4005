"""``orderline demo``: the real thing, in a pipe and in a terminal; and its verdict can fail."""

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from redis.asyncio import Redis

from tests.cli.program import (
    PATIENCE,
    PROGRAM,
    Terminal,
    clean,
    eventually,
    relatives,
    workers_among,
)
from worker.crypto import Vault
from worker.demo.books import Books
from worker.demo.crew import Crew, ProcessEnded
from worker.demo.eavesdropper import Eavesdropper
from worker.demo.leaks import Search, search
from worker.demo.receiver import Received
from worker.demo.scenario import TR, Case
from worker.demo.verdict import Verdict, Witnesses, judge
from worker.embedded import Servers
from worker.embedded.system import System
from worker.lifecycle import OrderState
from worker.sandbox import Sandbox

KEPT = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "stories"]


def assert_clean(verdict: dict[str, Any]) -> None:
    assert verdict["broken"] == []
    assert [each["name"] for each in verdict["promises"] if each["kept"]] == KEPT
    assert verdict["intents"] == verdict["orders"] + verdict["quarantined"] + verdict["repeats"]
    assert verdict["orders"] >= 38
    assert verdict["quarantined"] == 4
    assert verdict["provider_orders"] >= 28
    assert verdict["duplicate_provider_orders"] == verdict["lost"] == verdict["leaks"] == 0
    assert verdict["notifications_expected"] > 80
    assert (
        verdict["notifications_expected"]
        == verdict["notifications_received"]
        == verdict["signatures_verified"]
    )
    assert verdict["callbacks_heard"] > 10
    assert verdict["seconds"] < 60


# --- the real thing ------------------------------------------------------------------------


def test_in_a_pipe_the_last_line_is_a_verdict_that_every_promise_was_kept(tmp_path: Path) -> None:
    environment = clean(ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__BASE_URL="https://real.example")
    (tmp_path / ".env").write_text("ORDERLINE_LOOK_UP_WAITS=nonsense\n")
    ran = subprocess.run(  # noqa: S603 -- our own program
        [PROGRAM, "demo", "--json", "--keep-logs", "kept"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert_clean(json.loads(ran.stdout.splitlines()[-1]))
    assert "bought, then the line was cut: looked up" in ran.stderr
    assert "\x1b" not in ran.stderr
    assert {each.name for each in (tmp_path / "kept").iterdir()} == {
        "beat.log",
        "gateway.log",
        "worker1.log",
        "worker2.log",
    }
    assert relatives(environment) == []


@pytest.mark.slow
def test_in_a_terminal_with_chaos_the_table_fits_and_the_promises_hold(tmp_path: Path) -> None:
    with closing(Terminal("demo", "--chaos", cwd=tmp_path, env=clean(), rows=24)) as terminal:
        assert terminal.read_all() == 0, terminal.printed[-2000:]
    printed = terminal.printed.decode()
    assert "Redis is wiped and a worker killed" in printed
    assert "Every promise was kept." in printed
    assert "not shown" in printed  # there were more under way than the terminal has rows
    redrawn = [found.group().count("1A") for found in re.finditer(r"(\x1b\[1A\x1b\[2K)+", printed)]
    assert 10 < max(redrawn) < 24


def test_ctrl_c_stops_everything_and_ends_with_130(tmp_path: Path) -> None:
    environment = clean()
    with closing(Terminal("demo", cwd=tmp_path, env=environment)) as terminal:
        assert terminal.read_until(b"delivered at once"), terminal.printed
        terminal.press(b"\x03")
        assert terminal.read_all() == 130
    assert b"Traceback" not in terminal.printed
    assert b"everything was stopped" in terminal.printed
    assert eventually(lambda: not relatives(environment))


# --- servers of somebody else's --------------------------------------------------------------


@pytest.fixture
def empty_database(servers: Servers) -> Iterator[str]:
    name = f"demo_{uuid4().hex}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{name}"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def other_redis(servers: Servers) -> AsyncIterator[Redis]:
    """A Redis database that nobody else uses, empty."""
    url = urlunsplit(urlsplit(servers.redis_url)._replace(path="/9"))
    async with Redis.from_url(url) as client:
        await client.flushdb()
        yield client
        await client.flushdb()


def url_of(redis: Redis) -> str:
    arguments = redis.connection_pool.connection_kwargs
    return f"redis://:{arguments['password']}@127.0.0.1:{arguments['port']}/{arguments['db']}"


async def demo(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        lambda: subprocess.run(  # noqa: S603 -- our own program
            [PROGRAM, "demo", *arguments],
            cwd=cwd,
            env=clean(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
    )


@pytest.mark.slow
async def test_given_empty_servers_it_uses_them_and_leaves_redis_as_it_was(
    empty_database: str, other_redis: Redis, tmp_path: Path
) -> None:
    given = {
        "ORDERLINE_DATABASE_URL": empty_database,
        "ORDERLINE_REDIS_URL": url_of(other_redis),
    }
    ran = await demo("--json", cwd=tmp_path, **given)
    assert ran.returncode == 0, ran.stderr
    assert_clean(json.loads(ran.stdout.splitlines()[-1]))
    assert await other_redis.dbsize() == 0
    again = await demo("--json", cwd=tmp_path, **given)
    assert again.returncode == 1
    assert "needs an empty database; this one holds producers or orders" in again.stderr


async def test_a_database_with_tables_of_something_else_is_not_touched(
    empty_database: str, other_redis: Redis, tmp_path: Path
) -> None:
    with psycopg.connect(empty_database) as connection:
        connection.execute("CREATE TABLE theirs ()")
    ran = await demo(
        cwd=tmp_path,
        ORDERLINE_DATABASE_URL=empty_database,
        ORDERLINE_REDIS_URL=url_of(other_redis),
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith("orderline: ORDERLINE_DATABASE_URL: the demo needs an empty")
    with psycopg.connect(empty_database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == [("theirs",)]


async def test_a_redis_that_holds_keys_is_not_touched(
    empty_database: str, other_redis: Redis, tmp_path: Path
) -> None:
    await other_redis.set("theirs", "a value")
    ran = await demo(
        cwd=tmp_path,
        ORDERLINE_DATABASE_URL=empty_database,
        ORDERLINE_REDIS_URL=url_of(other_redis),
    )
    assert ran.returncode == 1
    assert "holds 1 keys" in ran.stderr
    assert await other_redis.keys() == [b"theirs"]


async def test_chaos_is_refused_with_a_redis_of_somebody_elses(tmp_path: Path) -> None:
    ran = await demo("--chaos", cwd=tmp_path, ORDERLINE_REDIS_URL="redis://127.0.0.1:1/0")
    assert ran.returncode == 2
    assert "it wipes Redis" in ran.stderr


# --- what can go wrong -----------------------------------------------------------------------


async def test_a_process_that_ends_by_itself_is_named_with_the_end_of_its_log(
    servers: Servers, tmp_path: Path
) -> None:
    system = System(
        home=tmp_path,
        servers=servers,
        encryption_key=Vault.new_key(),
        accounts={},
        overrides={"ORDERLINE_LOG_LEVEL": "loud"},
    )
    async with Crew(system) as crew:
        await crew.start("worker1")
        with pytest.raises(ProcessEnded) as ended:
            await watched(crew)
    said = str(ended.value)
    assert said.startswith("worker1 ended with code 2. The end of its log:")
    assert "ORDERLINE_LOG_LEVEL" in said


async def watched(crew: Crew) -> None:
    """Check a crew until it has a loss to tell of."""
    async with asyncio.timeout(PATIENCE):
        while True:
            crew.check()
            await asyncio.sleep(0.05)


@pytest.mark.slow
def test_a_worker_that_dies_ends_the_demo_with_its_name_and_no_traceback(tmp_path: Path) -> None:
    environment = clean()
    with closing(Terminal("demo", cwd=tmp_path, env=environment)) as terminal:
        assert terminal.read_until(b"delivered at once"), terminal.printed
        os.kill(workers_among(relatives(environment))[0], signal.SIGKILL)
        assert terminal.read_all() == 1
    assert b"was killed (SIGKILL). The end of its log:" in terminal.printed
    assert b"Traceback" not in terminal.printed
    assert eventually(lambda: not relatives(environment))


async def test_a_secret_is_found_in_logs_in_every_kind_of_key_and_inside_celery_messages(
    other_redis: Redis, tmp_path: Path
) -> None:
    secret = "player-of-1"
    clean_log, leaking_log = tmp_path / "clean.log", tmp_path / "leaking.log"
    clean_log.write_text("nothing to see\n")
    leaking_log.write_text(f'{{"error": "no such user {secret}"}}\n')
    body = base64.b64encode(json.dumps([["a", secret], {}]).encode()).decode()
    await other_redis.lpush("a-queue", json.dumps({"body": body}))
    await other_redis.hset("a-hash", "field", secret)
    await other_redis.xadd("a-stream", {"intent": secret})
    await other_redis.set("harmless", "value")
    await other_redis.xadd("orderline:intents:shop", {"intent": secret})  # not yet taken in
    said = {"an event": body.encode(), "another": b"{}"}
    found = await search([secret], [clean_log, leaking_log], other_redis, said)
    assert (found.values, found.searched) == (1, 8)
    assert set(found.places) == {
        "an event",
        "leaking.log",
        "Redis key a-queue",
        "Redis key a-hash",
        "Redis key a-stream",
    }


async def test_what_celery_publishes_is_heard(other_redis: Redis) -> None:
    async with Eavesdropper(other_redis) as eavesdropper, asyncio.timeout(PATIENCE):
        await other_redis.publish("theirs", "of somebody else")
        await other_redis.publish("orderline:celery:/0.celeryev/task.sent", "an event")
        while not eavesdropper.heard:
            await asyncio.sleep(0.01)
    assert eavesdropper.heard == [b"an event"]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


def verdict_of(
    sandbox: Sandbox,
    *states: OrderState,
    chaos: bool = False,
    ends: OrderState = OrderState.REFUSED,
    leaks: tuple[str, ...] = (),
    acknowledged: int = 0,
) -> Verdict:
    """The verdict on one intent that has become orders in these states."""
    return judge(
        Witnesses(
            cases=[Case(TR, b'{"intent_id": "1"}', ends, "a story")],
            books=Books(
                states={(TR, str(number)): state for number, state in enumerate(states, start=1)},
                refs={(TR, "1"): ("a-line-ref",)},
                free=frozenset(),
                called_back=0,
                wishes=0,
                quarantined=0,
                notifications=acknowledged,
                acknowledged=acknowledged,
                purchases=0,
                late=0,
            ),
            sandbox=sandbox,
            received=Received(),
            search=Search(1, 1, leaks),
            left_in_redis=0,
            chaos=chaos,
            seconds=1.0,
        )
    )


async def test_the_verdict_names_the_promise_that_was_broken(sandbox: Sandbox) -> None:
    assert verdict_of(sandbox, OrderState.REFUSED).broken == ()
    assert verdict_of(sandbox).broken == ("P1", "P5", "stories")
    assert verdict_of(sandbox, OrderState.REFUSED, OrderState.REFUSED).broken == ("P1",)
    assert verdict_of(sandbox, OrderState.PLACING).broken == ("P5", "P6", "stories")
    assert verdict_of(sandbox, OrderState.REFUSED, leaks=("a.log",)).broken == ("P7",)
    assert verdict_of(sandbox, OrderState.REFUSED, acknowledged=1).broken == ("P4",)


async def test_an_order_may_end_parked_instead_only_where_a_worker_was_killed(
    sandbox: Sandbox,
) -> None:
    parked, failed = OrderState.PARKED, OrderState.FAILED
    assert verdict_of(sandbox, parked).broken == ("stories",)
    assert verdict_of(sandbox, parked, chaos=True).broken == ()
    assert verdict_of(sandbox, failed, chaos=True).broken == ("stories",)


async def test_an_order_that_no_provider_has_cannot_count_as_fulfilled(sandbox: Sandbox) -> None:
    fulfilled = OrderState.FULFILLED
    assert verdict_of(sandbox, fulfilled, ends=fulfilled).broken == ("stories",)
