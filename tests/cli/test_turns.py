"""Jobs of beat that fall silent or missed turns, and clocks that are off, as commands tell it."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.jobs import EXPIRE, PURGE, SWEEP
from schemas.orders import AccountLoad
from tests.cli.conftest import Orderline, Ran
from tests.cli.world import World
from worker.health.finding import Level
from worker.health.progress import Limits
from worker.health.setup import ahead_in_words, judge_clocks
from worker.health.turns import judge_missed, judge_turns
from worker.sandbox import Sandbox
from worker.skew import Ahead
from worker.store import accounts, upkeep
from worker.store.accounts import ProviderClock
from worker.store.upkeep import Turns

SetClock = Callable[[timedelta], None]

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL
LIMITS = Limits(overdue=60, intake=30, silence=15)
SECOND = timedelta(seconds=1)
EVERY = {SWEEP: SECOND, EXPIRE: 2 * SECOND, PURGE: timedelta(minutes=5)}
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_job(name: str = PURGE, every: float = 300, ago: float | None = 10, missed: int = 0) -> Turns:
    at = NOON if missed else None
    return Turns(name=name, every=every, ago=ago, missed=missed, missed_at=at)


def an_account(ahead: float | None, unsure: float | None = 0.5) -> AccountLoad:
    return AccountLoad(
        provider="gifthub", account="default", clock_ahead=ahead, clock_unsure=unsure
    )


# --- judgements --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("job", "level"),
    [
        (a_job(ago=0), OK),
        (a_job(ago=300 * 3 + 14.9), OK),
        (a_job(ago=300 * 3 + 15), FAIL),
        (a_job(EXPIRE, 2, 20.9), OK),
        (a_job(EXPIRE, 2, 21), FAIL),
        (a_job(ago=None), FAIL),
        (a_job(SWEEP, 1, 9999), OK),  # of the sweep another check tells
        (a_job(SWEEP, 1, None), OK),
        (a_job(ago=10, missed=12), OK),  # it is done in its time again
    ],
)
def test_a_job_is_red_once_it_was_silent_for_three_of_its_turns(job: Turns, level: Level) -> None:
    finding = judge_turns([a_job("upkeep.other", 60, 1), job], LIMITS)
    assert finding.level is level
    assert bool(finding.advice) == (level is FAIL)


def test_every_job_that_is_late_is_named_and_the_latest_is_measured() -> None:
    finding = judge_turns([a_job(EXPIRE, 2, 40), a_job(ago=None), a_job("x", 60, 200)], LIMITS)
    assert finding.said == (
        "upkeep.expire ran 40 s ago, is due every 2 s,"
        " upkeep.purge never ran, is due every 5 min,"
        " x ran 3 min 20 s ago, is due every 1 min"
    )
    assert (finding.value, finding.limit) == (40, 21)


def test_a_job_that_never_ran_has_no_age_and_a_limit_all_the_same() -> None:
    finding = judge_turns([a_job(ago=None)], LIMITS)
    assert (finding.value, finding.limit) == (None, 915)


def test_where_nothing_is_expected_nothing_is_late() -> None:
    assert (judge_turns([], LIMITS).level, judge_turns([], LIMITS).said) == (OK, "-")
    assert judge_turns([a_job()], LIMITS).said == "1 job of beat, each in its time"


def test_turns_that_were_missed_are_told_with_their_end() -> None:
    assert judge_missed([a_job(), a_job(EXPIRE, 2)]) == []
    [told] = judge_missed([a_job(missed=11), a_job(EXPIRE, 2)])
    assert told.level is WARN
    assert told.said.startswith("upkeep.purge missed 11 turns in a row until 2026-11-22")
    assert "done since" in told.advice
    [once] = judge_missed([a_job(missed=1)])
    assert "missed 1 turn in a row" in once.said


@pytest.mark.parametrize(
    ("ahead", "unsure", "level"),
    [(0.4, 0.5, OK), (-2.4, 0.5, OK), (2.6, 0.5, WARN), (-2.6, 0.5, WARN), (2.6, 1.0, OK)],
)
def test_a_providers_clock_is_warned_of_where_it_is_surely_off(
    ahead: float, unsure: float, level: Level
) -> None:
    [finding] = judge_clocks([an_account(ahead, unsure), an_account(None)], 2 * SECOND)
    assert finding.level is level


def test_of_clocks_that_nobody_saw_nothing_is_said() -> None:
    assert judge_clocks([an_account(None, None)], 2 * SECOND) == []
    assert judge_clocks([], 2 * SECOND) == []


def test_a_clock_that_is_off_is_told_in_words() -> None:
    assert ahead_in_words(an_account(30.04)) == "30.0 s ahead of"
    assert ahead_in_words(an_account(-3.21)) == "3.2 s behind"


# --- the commands ------------------------------------------------------------------------


def doctors(ran: Ran) -> Mapping[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for finding in json.loads(ran.out)["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    return found


async def healths(orderline: Orderline) -> Mapping[str, Any]:
    ran = await orderline("health", "--json")
    told = {each["check"]: each for each in json.loads(ran.out)["checks"]}["jobs"]
    assert (ran.code == 0) == (told["level"] == "ok")
    return {"jobs": told}


async def all_jobs_run(world: World) -> None:
    await world.sweep()
    for job in (EXPIRE, PURGE):
        await upkeep.note(world.db, job)


async def test_a_job_that_falls_silent_turns_health_red_and_doctor_too(
    world: World, orderline: Orderline, set_clock: SetClock
) -> None:
    await upkeep.expect(world.db, EVERY)
    await all_jobs_run(world)
    assert (await healths(orderline))["jobs"]["level"] == "ok"
    set_clock(timedelta(minutes=2))
    await world.sweep()
    await upkeep.note(world.db, PURGE)
    told = (await healths(orderline))["jobs"]
    assert told["level"] == "FAIL"
    assert told["said"].startswith("upkeep.expire ran 2 min ago, is due every 2 s")
    assert "upkeep.purge" not in told["said"]
    assert told["limit"] == 21
    ran = await orderline("doctor", "--json")
    [same] = doctors(ran)["jobs"]
    assert ran.code == 1
    assert (same["level"], same["limit"]) == ("FAIL", 21)
    assert "start beat" in same["advice"]


async def test_a_job_that_never_ran_is_red_once_a_worker_expects_it(
    world: World, orderline: Orderline
) -> None:
    await world.sweep()
    assert (await healths(orderline))["jobs"]["level"] == "ok"
    await upkeep.expect(world.db, EVERY)
    told = (await healths(orderline))["jobs"]
    assert told["level"] == "FAIL"
    assert "upkeep.expire never ran, is due every 2 s" in told["said"]
    await all_jobs_run(world)
    assert (await healths(orderline))["jobs"]["level"] == "ok"


async def test_after_an_hours_pause_doctor_warns_of_it_and_nothing_is_red(
    world: World, orderline: Orderline, set_clock: SetClock
) -> None:
    await upkeep.expect(world.db, EVERY)
    await all_jobs_run(world)
    set_clock(timedelta(hours=1))
    await all_jobs_run(world)
    set_clock(timedelta(hours=1, seconds=2))
    found = doctors(await orderline("doctor", "--json"))
    assert [each["level"] for each in found["jobs"]] == ["ok"]
    missed = {each["said"].split()[0]: each for each in found["missed turns"]}
    assert set(missed) == set(EVERY)
    assert {each["level"] for each in missed.values()} == {"warn"}
    assert "missed 11 turns in a row until" in missed[PURGE]["said"]
    assert (await healths(orderline))["jobs"]["level"] == "ok"


async def note_clock(world: World, ahead: float) -> None:
    by = ahead * SECOND
    span = Ahead(by - SECOND / 4, by + SECOND / 4)
    await accounts.note_clocks(world.db, [ProviderClock("gifthub", "default", span)])


@pytest.mark.parametrize(("ahead", "said"), [(30, "30.0 s ahead of"), (-7, "7.0 s behind")])
async def test_doctor_warns_of_a_providers_clock_and_providers_shows_it(
    world: World, orderline: Orderline, ahead: float, said: str
) -> None:
    await note_clock(world, ahead)
    await world.sweep()
    ran = await orderline("doctor", "--json")
    [finding] = doctors(ran)["providers' clocks"]
    assert (ran.code, finding["level"]) == (0, "warn")
    assert finding["said"] == f"that of gifthub/default is {said} the database's"
    shown = {each["provider"]: each for each in json.loads((await shows(orderline, "--json")).out)}
    [account] = shown["gifthub"]["accounts"]
    assert (account["clock_ahead"], account["clock_unsure"]) == (ahead, 0.25)
    assert account["clock_seen_at"]
    assert f"{ahead:+.1f} s ±0.2" in (await shows(orderline)).out


async def shows(orderline: Orderline, *arguments: str) -> Ran:
    return await orderline("providers", *arguments)


async def test_a_clock_that_agrees_is_no_more_than_noted(
    world: World, orderline: Orderline
) -> None:
    await note_clock(world, 0.3)
    [finding] = doctors(await orderline("doctor", "--json"))["providers' clocks"]
    assert (finding["level"], finding["said"]) == ("ok", "agree with the database's")


async def test_an_account_that_is_asked_shows_its_clock_at_once(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    del world
    async with Sandbox(clock=lambda: datetime.now(UTC) + 30 * SECOND) as sandbox:
        for field, value in sandbox.account_settings()["gifthub"]["default"].items():
            monkeypatch.setenv(f"ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__{field}".upper(), value)
        with capture_logs() as logs:  # the installed command sends them to standard error
            ran = await shows(orderline, "--check", "--json")
    assert [each["event"] for each in logs] == ["clock_skewed"]
    described = {each["provider"]: each for each in json.loads(ran.out)}
    [account] = described["gifthub"]["accounts"]
    assert account["lets_us_in"]
    assert abs(account["clock_ahead"] - 30) <= account["clock_unsure"] < 1
