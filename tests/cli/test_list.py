"""``orderline list``: which orders there are, how they stand, what comes next."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.outcome import InDoubt, RefusalCode, Refused

SetClock = Callable[[timedelta], None]


@pytest.fixture
async def three(world: World) -> World:
    """The newest waits to be placed, the one before is in doubt, the oldest was refused."""
    await world.accept(an_intent("d-1", intent_id="i-1"))
    await world.place(Refused(RefusalCode.OUT_OF_STOCK, "sold out\x1b[2J"))
    await world.accept(an_intent("d-2", intent_id="i-2"))
    await world.place(InDoubt("no answer"))
    quote = {"quoted_at": "2026-01-01T00:00:00Z", "expires_at": "2999-01-01T00:00:00Z"}
    await world.accept(an_intent("d-3", "d-4", intent_id="i-3", quote=quote, priority="high"))
    return world


@pytest.mark.usefixtures("three")
async def test_orders_are_listed_newest_first_in_aligned_columns(orderline: Orderline) -> None:
    ran = await orderline("list")
    assert ran.code == 0
    head, *rows = ran.out.splitlines()
    starts = [head.index(name) for name in ("intent", "state", "next")]
    assert [[row[start:].split()[0] for start in starts] for row in rows] == [
        ["i-3", "accepted", "place"],
        ["i-2", "in_doubt", "reconcile"],
        ["i-1", "refused", "finished"],
    ]
    assert "0/2" in rows[0]
    assert "\x1b" not in ran.out


@pytest.mark.usefixtures("three")
async def test_json_says_the_same_and_what_comes_next_in_a_sentence(orderline: Orderline) -> None:
    ran = await orderline("list", "--json")
    newest, doubtful, refused = json.loads(ran.out)
    assert (newest["lines"], newest["expires_at"]) == (2, "2999-01-01T00:00:00Z")
    assert (newest["priority"], doubtful["priority"]) == ("high", "normal")
    assert "no worker has taken it yet" in newest["next"]
    assert doubtful["next"].startswith("reconcile ")
    assert refused["next"].startswith("finished ")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--state", "refused", "--state", "in_doubt"], ["i-2", "i-1"]),
        (["--producer", "nobody"], []),
        (["--provider", "hyperteknoloji", "--limit", "2"], ["i-3", "i-2"]),
        (["--overdue"], ["i-3"]),
    ],
)
@pytest.mark.usefixtures("three")
async def test_a_listing_can_be_narrowed(
    orderline: Orderline, options: list[str], found: list[str]
) -> None:
    ran = await orderline("list", "--json", *options)
    assert [order["intent_id"] for order in json.loads(ran.out)] == found


@pytest.mark.usefixtures("three")
async def test_a_doubt_that_nobody_settles_becomes_overdue(
    orderline: Orderline, set_clock: SetClock
) -> None:
    set_clock(timedelta(hours=1))
    ran = await orderline("list", "--overdue", "--state", "in_doubt", "--json")
    assert [order["intent_id"] for order in json.loads(ran.out)] == ["i-2"]


async def test_an_empty_listing_says_so(orderline: Orderline) -> None:
    assert (await orderline("list")).out == "There are no such orders.\n"
    assert json.loads((await orderline("list", "--json")).out) == []


async def test_an_unknown_state_is_a_usage_error_that_names_the_known_ones(
    orderline: Orderline,
) -> None:
    ran = await orderline("list", "--state", "lost")
    assert ran.code == 2
    assert "in_doubt" in ran.err
