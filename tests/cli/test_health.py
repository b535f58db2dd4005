"""``orderline health``: green while due work moves, red with a sentence where it does not."""

import asyncio
import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from tests.builders import an_intent
from tests.cli.conftest import Orderline, Ran
from tests.cli.program import PROGRAM
from tests.cli.world import World
from worker.chaos.line import Line
from worker.engine import MAIL, pump_of
from worker.health.finding import Finding, Level
from worker.health.progress import Limits, Overdue, Progress
from worker.health.pulses import judge_loops, judge_pulses
from worker.outcome import Confirmed, InDoubt
from worker.pulse import Pulse, PumpPulse
from worker.settings import Settings
from worker.store.session import Boundary
from worker.streams import CALLBACKS, put, put_callback

SetClock = Callable[[timedelta], None]

CHECKS = [
    "database", "schema", "redis", "redis room", "intake", "callbacks", "overdue orders",
    "overdue notifications", "resting accounts", "sweep", "jobs",
]  # fmt: skip
LONG_AGO = timedelta(seconds=61)
PATIENCE = 60.0


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


def checks(ran: Ran) -> dict[str, dict[str, Any]]:
    told = json.loads(ran.out)
    assert told["healthy"] == (ran.code == 0)
    return {each["check"]: each for each in told["checks"]}


def red(ran: Ran) -> set[str]:
    return {check for check, each in checks(ran).items() if each["level"] == "FAIL"}


# --- an installation -----------------------------------------------------------------------------


async def test_a_sound_installation_is_green_and_each_check_has_its_value_and_its_limit(
    world: World, orderline: Orderline
) -> None:
    await world.sweep()
    plain, told = await orderline("health"), await orderline("health", "--json")
    assert (plain.code, told.code) == (0, 0), plain.out
    assert list(checks(told)) == CHECKS
    limits = {check: each["limit"] for check, each in checks(told).items()}
    assert limits == {
        "database": None,
        "schema": None,
        "redis": None,
        "redis room": None,
        "intake": 30,
        "callbacks": 30,
        "overdue orders": 60,
        "overdue notifications": 60,
        "resting accounts": None,
        "sweep": 15,
        "jobs": None,
    }
    head, *rows = plain.out.splitlines()
    assert head.split() == ["check", "found", "limit", "verdict"]
    assert [row.split("  ")[0] for row in rows] == CHECKS
    assert {row.split()[-1] for row in rows} == {"ok"}


async def test_quiet_is_an_exit_code_and_nothing_else(world: World, orderline: Orderline) -> None:
    red = await orderline("health", "--quiet", "--json")
    assert (red.code, red.out, red.err) == (1, "", "")
    await world.sweep()
    green = await orderline("health", "--quiet")
    assert (green.code, green.out, green.err) == (0, "", "")


async def test_an_order_that_nobody_takes_is_red_and_its_account_is_named(
    world: World, orderline: Orderline, set_clock: SetClock
) -> None:
    await world.accept(an_intent())
    set_clock(LONG_AGO)
    await world.sweep()
    told = await orderline("health", "--json")
    assert red(told) == {"overdue orders"}
    assert 61 <= checks(told)["overdue orders"]["value"] < 100
    plain = await orderline("health")
    assert plain.code == 1
    advice = plain.out.splitlines()[-1]
    assert advice.startswith("overdue orders: is hyperteknoloji/default configured")
    assert "ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__" in advice


async def test_an_order_that_a_worker_holds_is_not_overdue(
    world: World, orderline: Orderline, set_clock: SetClock
) -> None:
    await world.accept(an_intent())
    set_clock(LONG_AGO)
    await world.claim()
    await world.sweep()
    assert red(await orderline("health", "--json")) == set()


async def test_a_notification_is_overdue_unless_it_rightly_waits_for_an_earlier_one(
    world: World, orderline: Orderline, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_HEALTH_OVERDUE", "5")

    async def overdue() -> dict[str, Any]:
        return checks(await orderline("health", "--json"))["overdue notifications"]

    await world.accept(an_intent())
    await world.place(InDoubt("reset"))
    set_clock(timedelta(seconds=60))
    await world.settle(await world.claim(), Confirmed("their-id"))
    assert (await overdue())["level"] == "FAIL"
    await world.tell(code=500)  # to be told again in seven seconds; the second one waits behind it
    set_clock(timedelta(seconds=66))
    assert (await overdue())["level"] == "ok"
    set_clock(timedelta(seconds=73))
    told = await overdue()
    assert told["level"] == "FAIL"
    assert 5 <= told["value"] < 12


async def test_an_intent_that_nobody_takes_in_is_red_and_its_producer_is_named(
    world: World, orderline: Orderline, redis: Redis
) -> None:
    await world.sweep()
    await put(redis, "shop", b"{}")
    await redis.xadd("orderline:intents:stranger", {b"intent": b"{}"}, id="1000-0")
    assert red(await orderline("health", "--json")) == set()
    await world.register("slow")
    await redis.xadd("orderline:intents:slow", {b"intent": b"{}"}, id="1000-0")
    told = await orderline("health", "--json")
    assert red(told) == {"intake"}
    assert checks(told)["intake"]["said"].startswith("1 intent of slow, ")


async def test_callbacks_that_nobody_reads_are_red(
    world: World, orderline: Orderline, redis: Redis
) -> None:
    await world.sweep()
    await put_callback(redis, world.vault, provider="gifthub", account="default", body=b"{}")
    assert red(await orderline("health", "--json")) == set()
    await redis.delete(CALLBACKS)
    await redis.xadd(CALLBACKS, {b"provider": b"gifthub"}, id="1000-0")
    assert red(await orderline("health", "--json")) == {"callbacks"}


@pytest.mark.parametrize("question", [[], ["--beat"]])
async def test_a_beat_that_never_rang_or_fell_silent_is_red(
    world: World, orderline: Orderline, set_clock: SetClock, question: list[str]
) -> None:
    assert red(await orderline("health", *question, "--json")) == {"sweep"}
    await world.sweep()
    assert red(await orderline("health", *question, "--json")) == set()
    set_clock(timedelta(seconds=16))
    assert red(await orderline("health", *question, "--json")) == {"sweep"}


async def test_of_beat_only_what_concerns_it_is_asked(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch, set_clock: SetClock
) -> None:
    await world.accept(an_intent())
    set_clock(LONG_AGO)
    await world.sweep()
    monkeypatch.setenv("ORDERLINE_REDIS_URL", "redis://127.0.0.1:1/0")
    assert list(checks(await orderline("health", "--beat", "--json"))) == [
        "database", "schema", "sweep",
    ]  # fmt: skip


async def test_what_cannot_be_read_is_red_and_no_traceback(
    world: World, orderline: Orderline
) -> None:
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("DROP TABLE jobs"))
    told = await orderline("health", "--json")
    assert checks(told)["database"]["said"] == "cannot be read: ProgrammingError"
    assert checks(told)["sweep"]["said"] == "not known"


@pytest.mark.usefixtures("world")
async def test_a_schema_that_is_not_ours_is_red_and_says_what_to_run(
    orderline: Orderline, db_without_schema: None
) -> None:
    del db_without_schema
    told = await orderline("health", "--json")
    assert red(told) == {*CHECKS} - {"database", "redis", "redis room", "callbacks"}
    assert checks(told)["schema"]["advice"] == "run `orderline migrate`"


@pytest.fixture
async def db_without_schema(world: World) -> None:
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("DELETE FROM alembic_version"))


async def test_two_questions_at_once_and_wrong_settings_are_no_verdict(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    for two in (("--worker", "--beat"), ("--worker", "--loop"), ("--loop", "--beat")):
        assert (await orderline("health", *two)).code == 2
    monkeypatch.setenv("ORDERLINE_HEALTH_SILENCE", "1")
    ran = await orderline("health")
    assert ran.code == 2
    assert "ORDERLINE_HEALTH_SILENCE" in ran.err


# --- servers that are away -----------------------------------------------------------------------


async def test_a_database_that_is_away_leaves_nothing_known_but_redis(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", "postgresql://user:hidden@127.0.0.1:1/db")
    told = await orderline("health", "--json")
    assert red(told) == {*CHECKS} - {"redis", "redis room", "callbacks"}
    assert "hidden" not in told.out


async def test_a_redis_that_is_away_leaves_the_rows_known(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.sweep()
    monkeypatch.setenv("ORDERLINE_REDIS_URL", "redis://:hidden@127.0.0.1:1/0")
    told = await orderline("health", "--json")
    assert red(told) == {"redis", "redis room", "intake", "callbacks"}
    assert "hidden" not in told.out


@contextmanager
def black_hole() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def probe(*arguments: str) -> tuple[Ran, float]:
    """The program as a probe runs it, and how long it took."""
    begun = time.monotonic()
    ended = await asyncio.to_thread(
        subprocess.run,
        [PROGRAM, "health", "--json", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=dict(os.environ),
    )
    return Ran(ended.returncode, ended.stdout, ended.stderr), time.monotonic() - begun


UNHURRIED = 8.0
"""Seconds more than a probe takes that is answered, on a machine as busy: less than psycopg's own
ten for taking back a question that nobody answers."""


@pytest.mark.parametrize("away", ["database", "redis"])
async def test_a_server_that_never_answers_is_not_waited_for_and_hides_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    await world.sweep()
    _, answered = await probe()
    with black_hole() as address:
        url = f"postgresql://user@{address}/db" if away == "database" else f"redis://{address}/0"
        monkeypatch.setenv(f"ORDERLINE_{away.upper()}_URL", url)
        ran, took = await probe("--timeout", "3")
    assert ran.code == 1
    assert ran.err == ""
    known = {"database", "redis"} - {away}
    assert checks(ran)[away]["said"] == "no answer within 3 s"
    assert checks(ran)[known.pop()]["level"] == "ok"
    assert took < answered + UNHURRIED


async def test_a_database_that_falls_silent_in_the_middle_is_not_waited_for(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.sweep()
    _, answered = await probe()
    url = settings.database_url.get_secret_value()
    async with Line(url, mute_after=600) as line:
        monkeypatch.setenv("ORDERLINE_DATABASE_URL", line.url)
        ran, took = await probe("--timeout", "2")
    assert ran.code == 1
    assert checks(ran)["database"]["said"] == "no answer within 2 s"
    assert took < answered + UNHURRIED


async def test_a_database_that_falls_silent_is_no_fault_of_a_worker_but_of_none_that_runs(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    del settings
    _, answered = await probe()
    with black_hole() as address:
        monkeypatch.setenv("ORDERLINE_DATABASE_URL", f"postgresql://user@{address}/db")
        ran, took = await probe("--worker", "--timeout", "1")
    assert checks(ran)["worker"]["said"] == "none runs on this host"
    assert took < answered + UNHURRIED


async def test_of_loops_no_server_is_asked(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    del settings
    with black_hole() as address:
        monkeypatch.setenv("ORDERLINE_DATABASE_URL", f"postgresql://user@{address}/db")
        monkeypatch.setenv("ORDERLINE_REDIS_URL", f"redis://{address}/0")
        ran, took = await probe("--loop", "--timeout", "30")
    assert list(checks(ran)) == ["worker"]
    assert took < 30


# --- what a pulse tells --------------------------------------------------------------------------

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL
LIMITS = Limits(overdue=60, intake=30, silence=15)
GIFTHUB = pump_of("gifthub", "default")
NOTHING_DUE = Progress(orders=[], notification_age=None, swept=0.5)
ORDERS_DUE = replace(NOTHING_DUE, orders=[Overdue("gifthub", "default", 61)])
MAIL_DUE = replace(NOTHING_DUE, notification_age=61)
NOW = 1000.0


def a_pulse(
    *, beat: float = NOW - 1, doors: float = 1, silent: float = 3600, may: float = 0
) -> Pulse:
    return Pulse(
        worker="host:1",
        pid=1,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        beat=beat,
        doors={"intake": 0.5, "callbacks": doors},
        pumps={
            MAIL: PumpPulse(silent=silent, may=may),
            GIFTHUB: PumpPulse(silent=silent, may=may),
        },
    )


def judged(pulse: Pulse, progress: Progress | None) -> dict[str, Finding]:
    return {each.check: each for each in judge_pulses([pulse], progress, NOW, LIMITS)}


@pytest.mark.parametrize(
    ("pulse", "progress", "levels"),
    [
        (a_pulse(), NOTHING_DUE, (OK, OK, OK)),  # idle, for as long as it likes
        (a_pulse(), None, (OK, OK, OK)),  # what is due is not known: it speaks for itself
        (a_pulse(beat=NOW - 7), NOTHING_DUE, (WARN, OK, OK)),
        (a_pulse(beat=NOW - 15), NOTHING_DUE, (FAIL, WARN, OK)),
        (a_pulse(beat=NOW + 5), NOTHING_DUE, (OK, OK, OK)),
        (a_pulse(doors=29), NOTHING_DUE, (OK, FAIL, OK)),
        (a_pulse(silent=59), ORDERS_DUE, (OK, OK, FAIL)),
        (a_pulse(silent=57), ORDERS_DUE, (OK, OK, OK)),  # a backlog, being worked on
        (a_pulse(silent=100, may=50), ORDERS_DUE, (OK, OK, OK)),  # all permits at long calls
        (a_pulse(silent=110, may=50), ORDERS_DUE, (OK, OK, FAIL)),
        (a_pulse(), MAIL_DUE, (OK, OK, FAIL)),
        (replace(a_pulse(), pumps={}), ORDERS_DUE, (OK, OK, OK)),  # another worker's account
        (a_pulse(), replace(ORDERS_DUE, orders=[Overdue("gifthub", "default", 59)]), (OK, OK, OK)),
    ],
)
def test_a_pulse_is_judged(
    pulse: Pulse, progress: Progress | None, levels: tuple[Level, ...]
) -> None:
    found = judged(pulse, progress)
    assert list(found) == ["loop", "doors", "pumps"]
    assert tuple(each.level for each in found.values()) == levels


def test_the_pump_that_stands_still_is_named() -> None:
    said = judged(a_pulse(), ORDERS_DUE)["pumps"].said
    assert said == "of host:1: order:gifthub/default has overdue work, and moved 1 h ago"


def test_the_door_that_is_cut_off_is_named() -> None:
    said = judged(a_pulse(doors=59), NOTHING_DUE)["doors"].said
    assert said == "of host:1: callbacks got through 1 min ago"


def test_where_no_worker_runs_that_is_red() -> None:
    (found,) = judge_pulses([], NOTHING_DUE, NOW, LIMITS)
    assert found.level is FAIL
    assert judge_loops([], NOW, LIMITS) == [found]


def test_a_loop_that_turns_is_well_whatever_the_worker_cannot_reach() -> None:
    (turns,) = judge_loops([a_pulse(doors=3600)], NOW, LIMITS)
    (stands,) = judge_loops([a_pulse(beat=NOW - 15)], NOW, LIMITS)
    assert (turns.check, turns.level, stands.check, stands.level) == ("loop", OK, "loop", FAIL)


def test_each_worker_of_the_host_is_judged() -> None:
    pulses = [a_pulse(), a_pulse(beat=NOW - 100)]
    found = judge_pulses(pulses, NOTHING_DUE, NOW, LIMITS)
    assert [each.level for each in found if each.check == "loop"] == [OK, FAIL]
