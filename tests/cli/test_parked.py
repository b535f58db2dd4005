"""``orderline parked`` and ``orderline resolve``: what waits for a person, and what they say."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.program import PROGRAM
from tests.cli.world import World
from worker.capabilities import Capabilities, Doubt
from worker.outcome import Confirmed, Evidence, InDoubt
from worker.sandbox import Sandbox
from worker.store import attempts
from worker.store.claimed import peek
from worker.store.session import Boundary

NO_WAY = Capabilities(after_place=Doubt.NONE)
CUT = InDoubt("the line was cut", Evidence(504, "ref-at-theirs", '{"message": "Bad gateway"}'))


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """The provider, and the settings of our account with it."""
    async with Sandbox() as running:
        for name, value in running.account_settings()["hyperteknoloji"]["default"].items():
            variable = f"ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__{name.upper()}"
            monkeypatch.setenv(variable, value)
        yield running


async def _park(world: World, intent_id: str = "i-1", *, ago: str = "1 hour") -> None:
    """An order whose call was cut, so long ago."""
    await world.accept(an_intent(f"{intent_id}-1", intent_id=intent_id))
    await world.place(CUT, NO_WAY)
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(
            text("UPDATE attempts SET sent_at = sent_at - CAST(:ago AS interval)"), {"ago": ago}
        )


async def _surplus(world: World, ref: str) -> None:
    """A late yes for the newest order's attempt, after it had gone on."""
    [order_id] = (await _rows(world, "SELECT id FROM orders ORDER BY id DESC LIMIT 1"))[0]
    [claimed] = await peek(world.db, world.vault, [order_id])
    assert claimed.attempt is not None
    await attempts.note_late(world.db, claimed.attempt, Confirmed(ref), "late", None)


async def _rows(world: World, sql: str) -> list[Any]:
    async with world.db.reading() as connection:
        return list((await connection.execute(text(sql))).all())


async def test_nothing_waits_at_first(world: World, orderline: Orderline) -> None:
    del world
    ran = await orderline("parked")
    assert (ran.code, ran.out) == (0, "Nothing waits for a person.\n")


@pytest.mark.usefixtures("sandbox")
async def test_the_reason_the_evidence_and_the_decisions_are_told(
    world: World, orderline: Orderline
) -> None:
    await _park(world)
    ran = await orderline("parked")
    assert ran.code == 0
    for part in (
        "unknown outcome, and no way to ask: the line was cut",
        "i-1 of shop",
        "hyperteknoloji/default",
        "#1 place, sent",
        "in_doubt",
        "ref-at-theirs (ours)",
        'HTTP 504 {"message": "Bad gateway"}',
        "--as placed",
        "--as refused",
        "--as resend",
        "--as cancelled",
    ):
        assert part in ran.out
    [told] = json.loads((await orderline("parked", "i-1", "--json")).out)
    assert [choice["decision"] for choice in told["choices"]] == [
        "placed",
        "refused",
        "resend",
        "cancelled",
    ]
    assert told["attempt"]["status"] == 504
    assert (await orderline("parked", "--provider", "gifthub")).out.startswith("Nothing waits")


async def test_without_the_accounts_settings_it_says_so(world: World, orderline: Orderline) -> None:
    await _park(world)
    ran = await orderline("parked")
    assert "not configured here" in ran.out
    ran = await orderline("resolve", "i-1", "--as", "refused", "--why", "seen")
    assert (ran.code, ran.out) == (1, "")
    assert "not configured here" in ran.err


@pytest.mark.usefixtures("sandbox")
async def test_a_decision_is_recorded_with_who_when_and_why_and_made_once(
    world: World, orderline: Orderline
) -> None:
    await _park(world)
    why = ("--why", "not in their panel, and the balance is as it was")
    ran = await orderline("resolve", "i-1", "--as", "refused", *why, "--by", "ada")
    assert ran.code == 0
    assert "is recorded as refused by ada" in ran.out
    shown = json.loads((await orderline("show", "i-1", "--json")).out)
    [event] = [event for event in shown["events"] if event["type"] == "order.resolved"]
    assert event["data"] == {"as": "refused", "by": "ada", "why": why[1]}
    assert event["at"]
    assert shown["order"]["state"] == "refused"

    again = await orderline("resolve", "i-1", "--as", "resend", *why)
    assert again.code == 1
    assert "stays refused: it is not parked" in again.err
    assert "It was recorded as refused by ada." in again.err


@pytest.mark.usefixtures("sandbox")
async def test_nobody_says_that_it_is_not_there_while_it_may_still_arrive(
    world: World, orderline: Orderline
) -> None:
    await _park(world, ago="9 minutes")
    for decision in ("refused", "resend"):
        ran = await orderline("resolve", "i-1", "--as", decision, "--why", "not in their panel")
        assert ran.code == 1
        assert "its call may still come through, for another" in ran.err


@pytest.mark.usefixtures("sandbox")
async def test_resend_makes_the_order_due_at_once(world: World, orderline: Orderline) -> None:
    await _park(world)
    ran = await orderline("resolve", "i-1", "--as", "resend", "--why", "no", "--json")
    told = json.loads(ran.out)
    assert (told["decision"], told["order"]["step"]) == ("resend", "place")
    assert "@" in told["by"]  # somebody, at some host
    claimed = await world.claim()
    assert claimed.attempt_outcome == "not_sent"


async def test_placed_wants_the_ids_and_asks_the_provider_whether_it_has_it(
    world: World, orderline: Orderline, sandbox: Sandbox
) -> None:
    await _park(world)
    say = ("resolve", "i-1", "--as", "placed", "--why", "seen")
    ran = await orderline(*say)
    assert "--ref ID" in ran.err
    ran = await orderline(*say, "--ref", "9")
    assert "--line i-1-1=ID" in ran.err
    ran = await orderline(*say, "--ref", "9", "--line", "nobody=1")
    assert "has no DeliverID nobody" in ran.err
    ran = await orderline(*say, "--ref", "9", "--line", "i-1-1=55501")
    assert ran.code == 1
    assert "the provider does not confirm it" in ran.err
    assert sandbox.hits("hyperteknoloji", "detail") == 1
    ran = await orderline(*say, "--ref", "9", "--line", "i-1-1=55501", "--unchecked")
    assert ran.code == 0
    assert "poll" in ran.out


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    "wrong",
    [
        ["--as", "placed"],
        ["--why", "x"],
        ["--as", "sold", "--why", "x"],
        ["--as", "placed", "--why", " "],
        ["--as", "placed", "--why", "x", "--ref", "a\nb"],
        ["--as", "placed", "--why", "x", "--line", "no-sign"],
        ["--as", "placed", "--why", "x", "--by", ""],
    ],
)
async def test_what_is_wrongly_said_is_a_usage_error(
    world: World, orderline: Orderline, wrong: list[str]
) -> None:
    await _park(world)
    ran = await orderline("resolve", "i-1", *wrong)
    assert (ran.code, ran.out) == (2, "")
    assert await _rows(world, "SELECT state FROM orders") == [("parked",)]


@pytest.mark.usefixtures("sandbox")
async def test_a_surplus_order_is_listed_until_it_was_dealt_with(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent("d-1", intent_id="i-1"))
    await world.place(Confirmed("their-id"))
    for ref in ("77", "78"):
        await _surplus(world, ref)
    ran = await orderline("parked")
    assert "77: attempt 1 was answered yes after the order had gone on" in ran.out
    assert "--as" not in ran.out  # the order itself is not parked
    say = ("resolve", "i-1", "--as", "returned", "--why", "called them")
    ran = await orderline(*say)
    assert ran.code == 1
    assert "(open: 77, 78)" in ran.err
    assert (await orderline(*say, "--ref", "77")).code == 0
    assert (await orderline(*say, "--ref", "77")).code == 1
    assert (await orderline("resolve", "i-1", "--as", "kept", "--why", "cheap")).code == 0
    assert (await orderline("parked")).out.startswith("Nothing waits")
    shown = (await orderline("show", "i-1")).out
    assert "order.surplus_closed" in shown
    assert "called them" in shown


@pytest.mark.usefixtures("sandbox")
async def test_an_order_that_cannot_be_read_spoils_no_json_and_shows_nobodys_data(
    world: World,
) -> None:
    await _park(world)
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(
            text("""UPDATE orders SET intent = '{"customer": {"email": "z@example.com"}}'""")
        )
    ran = await asyncio.to_thread(
        subprocess.run, [PROGRAM, "parked", "--json"], capture_output=True, text=True, check=True
    )
    [told] = json.loads(ran.stdout)
    assert (told["choices"], told["order"]["intent_id"]) == ([], "i-1")
    assert "order_unreadable" in ran.stderr
    assert "z@example.com" not in ran.stdout + ran.stderr
