"""``orderline accounts``, ``pause`` and ``resume``: who rests, why, and who says so."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.store import breakers
from worker.tallies import Counted

SetClock = Callable[[timedelta], None]

NAME: Final = "hyperteknoloji/default"
KEY: Final = ("hyperteknoloji", "default")
MINUTE: Final = timedelta(minutes=1)
KEYS: Final = {
    "provider", "account", "state", "since", "until", "why", "openings", "probes", "calls",
    "failed", "unfinished", "due", "as_of",
}  # fmt: skip


@pytest.fixture
async def due(world: World) -> World:
    """A world with an order that is due."""
    await world.accept(an_intent())
    return world


async def opened(world: World) -> None:
    await breakers.count(world.db, {KEY: [Counted(0.0, 12, 11)]}, MINUTE)
    await breakers.open_breaker(world.db, KEY, MINUTE, "11 of 12 calls failed within 60 s", {})


async def listed(orderline: Orderline) -> dict[str, Any]:
    [found] = json.loads((await orderline("accounts", "--json")).out)
    assert set(found) == KEYS
    return dict(found)


async def told(orderline: Orderline) -> list[str]:
    story = json.loads((await orderline("accounts", NAME, "--json")).out)
    return [event["type"] for event in story["events"]]


async def test_an_account_at_work_is_closed_and_its_orders_are_counted(
    due: World, orderline: Orderline
) -> None:
    found = await listed(orderline)
    assert (found["state"], found["unfinished"], found["due"]) == ("closed", 1, 1)
    assert found["calls"] is None
    await due.claim()
    assert (await listed(orderline))["due"] == 0
    assert "closed: it takes orders" in (await orderline("accounts", NAME)).out


async def test_an_open_breaker_says_since_when_until_when_and_why(
    due: World, orderline: Orderline, set_clock: SetClock
) -> None:
    await opened(due)
    found = await listed(orderline)
    assert (found["state"], found["calls"], found["failed"]) == ("open", 12, 11)
    assert found["why"] == "11 of 12 calls failed within 60 s"
    assert found["since"] < found["until"]
    plain = (await orderline("accounts")).out
    assert "11 of 12 calls failed" in plain
    set_clock(MINUTE)
    assert (await listed(orderline))["state"] == "probing"
    shown = (await orderline("accounts", NAME)).out
    assert "the probes are answered" in shown
    assert "account.opened" in shown


async def test_a_pause_is_told_with_who_and_why_and_ended_by_whom(
    due: World, orderline: Orderline
) -> None:
    ran = await orderline("pause", NAME, "--for", "30m", "--why", "moving", "--by", "ada")
    assert ran.code == 0
    assert "is paused until" in ran.out
    assert "1 order due" in ran.out
    found = await listed(orderline)
    assert (found["state"], found["why"]) == ("paused", "ada, moving")
    ran = await orderline("resume", NAME, "--by", "bea", "--json")
    assert (ran.code, json.loads(ran.out)["changed"]) == (0, True)
    again = await orderline("resume", NAME, "--by", "bea")
    assert (again.code, again.out) == (
        1,
        f"Account {NAME} was not paused: nothing to resume.\n",
    )
    assert await told(orderline) == ["account.resumed", "account.paused"]
    story = json.loads((await orderline("accounts", NAME, "--json")).out)
    assert [event["data"]["by"] for event in story["events"]] == ["bea", "ada"]
    await due.claim()


@pytest.mark.usefixtures("due")
async def test_a_pause_without_an_end_lasts_until_it_is_resumed(
    orderline: Orderline, set_clock: SetClock
) -> None:
    ran = await orderline("pause", NAME, "--by", "ada")
    assert "paused until it is resumed" in ran.out
    set_clock(timedelta(days=300))
    assert (await listed(orderline))["until"] is None
    shown = await orderline("show", "i-1")
    assert f"place waits: {NAME} rests until it is resumed (paused by ada)" in shown.out


async def test_resuming_leaves_the_breaker_unless_that_is_meant(
    due: World, orderline: Orderline
) -> None:
    await opened(due)
    ran = await orderline("resume", NAME)
    assert ran.code == 1
    assert "is not paused, but open since" in ran.out
    assert "--breaker" in ran.out
    ran = await orderline("resume", NAME, "--breaker", "--why", "they are back")
    assert (ran.code, ran.out) == (0, f"Account {NAME} takes orders again; 1 order due.\n")
    assert await told(orderline) == ["account.closed", "account.opened"]
    await due.claim()


async def test_an_order_says_that_it_waits_for_its_account(
    due: World, orderline: Orderline
) -> None:
    await opened(due)
    shown = (await orderline("show", "i-1")).out
    assert f"place waits: {NAME} rests until" in shown
    assert "its breaker is open: 11 of 12 calls failed within 60 s" in shown
    [row] = json.loads((await orderline("list", "--json")).out)
    assert row["rests_because"].startswith("its breaker is open")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pause", "hyperteknoloji"), "it is written provider/account"),
        (("pause", "gifthub/nobody"), "there is no account gifthub/nobody"),
        (("resume", "a/b/c"), "it is written provider/account"),
        (("accounts", "gifthub/nobody"), "there is no account gifthub/nobody"),
        (("pause", NAME, "--for", "soon"), "no time like 90m"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.usefixtures("due")
async def test_what_is_no_account_or_no_time_is_a_usage_error(
    orderline: Orderline, arguments: tuple[str, ...], said: str
) -> None:
    ran = await orderline(*arguments)
    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())


async def test_health_warns_of_what_rests_and_is_not_red_for_what_waits_there(
    due: World, orderline: Orderline, set_clock: SetClock
) -> None:
    await opened(due)
    set_clock(timedelta(minutes=30))
    await due.sweep()
    ran = await orderline("health", "--json")
    found = {each["check"]: each for each in json.loads(ran.out)["checks"]}
    assert ran.code == 0, ran.out
    assert found["resting accounts"]["level"] == "warn"
    assert found["resting accounts"]["said"] == f"1 account: {NAME}"
    assert found["overdue orders"]["level"] == "ok"
    doctor = (await orderline("doctor")).out
    assert f"{NAME} has rested for 30 min: its breaker is open" in doctor
    assert "and orders wait for it" in doctor
