"""``orderline endpoints``: how they stand, and how people switch them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.health import endpoints as health
from worker.health.endpoints import Troubled
from worker.health.finding import Level
from worker.health.progress import read_progress
from worker.outcome import Confirmed
from worker.store import producers

SetClock = Callable[[timedelta], None]

URL = "https://shop.example/hooks"
WHY = ("--why", "they moved", "--by", "ada")

KEYS = {
    "producer", "url", "state", "failing_since", "failed_at", "failures", "rests_until",
    "disabled_at", "disabled_because", "waiting", "oldest_at", "delivered_at", "created_at",
    "as_of",
}  # fmt: skip


@pytest.fixture
async def owing(world: World) -> World:
    """A world in which one notification is owed."""
    await world.accept(an_intent())
    await world.place(Confirmed("their-id"))
    return world


async def listed(orderline: Orderline, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((await orderline("endpoints", *arguments)).out)
    return found


@pytest.mark.parametrize("command", [(), ("list",)])
async def test_a_listing_says_how_each_stands(
    owing: World, orderline: Orderline, command: tuple[str, ...]
) -> None:
    await owing.tell(code=500)
    [found] = await listed(orderline, *command, "--json")
    assert set(found) == KEYS
    assert (found["url"], found["state"], found["failures"]) == (URL, "failing", 1)
    assert found["waiting"] == 1
    ran = await orderline("endpoints", *command)
    assert "failing" in ran.out
    assert "hidden-in-the-query" not in ran.out
    assert await listed(orderline, *command, "--state", "ok", "--json") == []
    assert "no such endpoint" in (await orderline("endpoints", *command, "--producer", "x")).out


async def test_disabled_nothing_is_sent_and_enabled_it_is(
    owing: World, orderline: Orderline
) -> None:
    ran = await orderline("endpoints", "disable", URL, *WHY)
    assert (ran.code, ran.out) == (
        0,
        f"Endpoint {URL} of shop is disabled; 1 notification held back\n",
    )
    again = await orderline("endpoints", "disable", URL, *WHY)
    assert again.code == 1
    assert "already" in again.out
    await owing.tell()
    [found] = await listed(orderline, "--json")
    assert (found["state"], found["disabled_because"], found["waiting"]) == (
        "disabled",
        "operator",
        1,
    )
    ran = await orderline("endpoints", "enable", URL[:20], *WHY, "--json")
    told = json.loads(ran.out)
    assert (ran.code, told["changed"], told["endpoint"]["state"]) == (0, True, "ok")
    await owing.tell()
    [found] = await listed(orderline, "--json")
    assert (found["waiting"], found["delivered_at"] is None) == (0, False)
    again = await orderline("endpoints", "enable", URL, *WHY)
    assert (again.code, "nothing to enable" in again.out) == (1, True)


async def test_an_endpoints_story_is_told(owing: World, orderline: Orderline) -> None:
    await owing.tell(code=500)
    await orderline("endpoints", "disable", URL, *WHY)
    ran = await orderline("endpoints", "show", URL)
    for said in ("disabled", "they moved", "ada", "HTTP 500", "endpoints enable"):
        assert said in ran.out
    story = json.loads((await orderline("endpoints", "show", URL, "--json")).out)
    assert set(story) == {"endpoint", "events", "deliveries"}


async def test_what_is_meant_must_be_one(owing: World, orderline: Orderline) -> None:
    nobody = await orderline("endpoints", "show", "https://nowhere.example")
    assert (nobody.code, "There is no endpoint" in nobody.err) == (1, True)
    await producers.add(
        owing.db, owing.vault, name="other", notify_url=URL, secret="whsec_c2VjcmV0"
    )
    both = await orderline("endpoints", "show", URL)
    assert (both.code, "--producer" in both.err) == (1, True)
    assert (await orderline("endpoints", "show", URL, "--producer", "other")).code == 0


async def test_the_doctor_names_who_is_disabled_and_what_to_do(
    owing: World, orderline: Orderline
) -> None:
    await orderline("endpoints", "disable", URL, *WHY)
    findings = json.loads((await orderline("doctor", "--json")).out)["findings"]
    [found] = [each for each in findings if each["check"] == "endpoints"]
    assert found["level"] == "warn"
    assert "owed 1 notification" in found["said"]
    assert "endpoints enable" in found["advice"]
    assert (await read_progress(owing.db)).notification_age is None


def test_endpoints_that_take_what_they_are_sent_are_well() -> None:
    [fine] = health.judge_endpoints([])
    assert fine.level is Level.OK
    failing = Troubled(producer="shop", url=URL, disabled_because=None, age=7200, waiting=3)
    [found] = health.judge_endpoints([failing])
    assert found.level is Level.WARN
    assert "2 h" in found.said


async def test_what_rests_or_is_being_tried_is_not_overdue(
    owing: World, set_clock: SetClock
) -> None:
    async def age() -> float | None:
        return (await read_progress(owing.db)).notification_age

    await owing.tell(code=500)
    set_clock(timedelta(hours=1))
    assert await age() == pytest.approx(3593, abs=3)
    await owing.execute(
        "UPDATE endpoints SET rests_until = orderline_now() + interval '1 min',"
        " failed_at = orderline_now()"
    )
    assert await age() is None
    set_clock(timedelta(hours=1, minutes=2))
    assert await age() == pytest.approx(60, abs=3)
