"""``orderline differences``: what is open between the books, and how people close it."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.ids import new_uuid
from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.remotes import ADOBE, HYPER, Remotes, licences, open_remotes
from tests.cli.world import World
from tests.crash.nursery import Nursery
from worker.sandbox import Change

KEYS = {
    "difference_id", "short_id", "provider", "account", "kind", "rule", "handling", "needs_person",
    "new", "order_id", "intent_id", "producer", "order_state", "provider_ref", "line", "ours",
    "theirs", "max_total", "total", "lines", "found_at", "closed_at", "closed_by", "why", "as_of",
    "giving_back", "advice",
}  # fmt: skip

WHY = ("--why", "given back, their ticket 4711", "--by", "ada")

FOUND = """
INSERT INTO differences (id, provider, account, kind, rule, order_id, provider_ref, line, ours,
    theirs, found_in, seen_in, handling)
VALUES (:id, :provider, 'default', :kind, :rule, CAST(:order_id AS uuid), :ref, '', 'ours there',
    'theirs here', gen_random_uuid(), gen_random_uuid(), :handling)
"""


@pytest.fixture
async def remotes(
    world: World, monkeypatch: pytest.MonkeyPatch, nursery: Nursery
) -> AsyncIterator[Remotes]:
    async with open_remotes(world, monkeypatch, nursery, HYPER, ADOBE) as running:
        yield running


async def _found(remotes: Remotes, **what: Any) -> UUID:
    """A difference as a run would have left it."""
    facts = {
        "id": new_uuid(),
        "provider": HYPER,
        "kind": "missing_here",
        "rule": "report",
        "order_id": None,
        "ref": "77",
        "handling": None,
    }
    await remotes.execute(FOUND, **facts | what)
    return UUID(str((facts | what)["id"]))


async def _told(orderline: Orderline, *arguments: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads((await orderline("differences", *arguments)).out)
    return told


async def test_nothing_differs_at_first(world: World, orderline: Orderline) -> None:
    del world
    for command in (["differences"], ["differences", "list"]):
        ran = await orderline(*command)
        assert (ran.code, ran.out) == (0, "The books agree: no such difference is known.\n")


async def test_they_are_listed_and_filtered(remotes: Remotes, orderline: Orderline) -> None:
    remotes.tamper(HYPER, Change.ADD)
    assert (await remotes.program("reconcile", "--provider", HYPER)).code == 1
    await _found(remotes, provider=ADOBE, kind="status_differs", rule="park")
    assert [each["provider"] for each in await _told(orderline, "--json")] == [ADOBE, HYPER]
    for filters, count in (
        (["--provider", HYPER], 1),
        (["--kind", "status_differs"], 1),
        (["--account", "other"], 0),
        (["--provider", ADOBE, "--kind", "missing_here"], 0),
    ):
        told = await _told(orderline, "list", *filters, "--json")
        assert len(told) == count
        assert all(set(each) == KEYS for each in told)
    plain = (await orderline("differences")).out
    assert "do        find out who ordered 9001 at hyperteknoloji" in plain
    wrong = await orderline("differences", "--kind", "x")
    assert wrong.code == 2
    assert (await orderline("differences", "--all", "list")).code == 2


async def test_a_price_above_the_limit_is_told_with_all_it_takes_to_give_it_back(
    remotes: Remotes, orderline: Orderline
) -> None:
    [order_id] = await remotes.buy(licences("i-1", max_total="800"))
    await remotes.execute("UPDATE orders SET total = 800.2, total_currency = 'USD'")
    alert = {"kind": "price_differs", "rule": "alert", "handling": "recorded"}
    await _found(remotes, provider=ADOBE, order_id=order_id, ref="P0001", **alert)
    [told] = await _told(orderline, "--json")
    assert told["total"] == {"amount": "800.20", "currency": "USD"}
    assert told["max_total"] == {"amount": "800.00", "currency": "USD"}
    [line] = told["lines"]
    assert (line["deliver_id"], line["state"]) == ("i-1-1", "delivered")
    back = told["giving_back"]
    assert (back["known"], back["possible"], back["refusal"]) == (True, True, None)
    plain = (await orderline("differences")).out
    assert f"Give it back by `orderline cancel {order_id}`, until 2" in plain
    assert "it costs 800.20 USD, at most 800.00 USD was allowed" in plain
    for secret in remotes.secrets:
        assert secret not in plain

    await remotes.execute("UPDATE orders SET finished_at = now() - :ago", ago=timedelta(days=15))
    [told] = await _told(orderline, "--json")
    assert told["giving_back"]["refusal"] == "its goods were delivered more than 14 days ago"
    assert "have adobe_vipm take P0001 back" in told["advice"]


async def test_without_the_accounts_settings_nobody_knows_whether_it_can_be_given_back(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch, nursery: Nursery
) -> None:
    async with open_remotes(world, monkeypatch, nursery, HYPER) as remotes:
        [order_id] = await remotes.buy(an_intent("d-1"))
        await _found(remotes, kind="price_differs", rule="alert", order_id=order_id)
    for name in ("BASE_URL", "EMAIL", "PASSWORD", "REGION", "CALLBACK_API_KEY", "BOOKS_RATE"):
        monkeypatch.delenv(f"ORDERLINE_ACCOUNTS__HYPERTEKNOLOJI__DEFAULT__{name}")
    [told] = await _told(orderline, "--json")
    assert told["giving_back"]["known"] is False
    assert "is not known here" in told["advice"]


@pytest.mark.parametrize(
    ("what", "advice"),
    [
        ({}, "find out who ordered 77"),
        ({"kind": "missing_there", "rule": "park"}, "ask hyperteknoloji what became of 77"),
        ({"kind": "surplus_order", "rule": "park"}, "give 77 back at hyperteknoloji, or keep it"),
        ({"kind": "status_differs", "rule": "park"}, "ask hyperteknoloji about 77"),
        ({"kind": "status_differs", "rule": "move"}, "nothing: the next reconciliation asks"),
        ({"kind": "missing_there", "rule": "park", "handling": "agreed"}, "nothing: asked about"),
    ],
)
async def test_each_kind_says_what_a_person_should_do(
    remotes: Remotes, orderline: Orderline, what: dict[str, Any], advice: str
) -> None:
    await _found(remotes, **what)
    [told] = await _told(orderline, "--json")
    assert told["advice"].startswith(advice)
    assert told["needs_person"] is not advice.startswith("nothing")


async def test_closing_names_who_and_why_and_is_told_in_the_orders_story(
    remotes: Remotes, orderline: Orderline
) -> None:
    [order_id] = await remotes.buy(an_intent("d-1"))
    found = await _found(remotes, kind="missing_there", rule="park", order_id=order_id)
    [told] = await _told(orderline, "--json")
    ran = await orderline("differences", "close", told["short_id"], *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert "is closed by ada: given back, their ticket 4711" in ran.out
    assert await _told(orderline, "--json") == []
    [closed] = await _told(orderline, "--all", "--json")
    assert (closed["difference_id"], closed["closed_by"]) == (str(found), "ada")
    assert (closed["handling"], closed["why"]) == ("closed", WHY[1])

    story = json.loads((await orderline("show", "i-1", "--json")).out)
    [event] = [each for each in story["events"] if each["type"] == "order.difference_closed"]
    assert event["data"] == {
        "kind": "missing_there",
        "ours": "ours there",
        "theirs": "theirs here",
        "provider_ref": "77",
        "by": "ada",
        "why": WHY[1],
    }
    plain = (await orderline("show", "i-1")).out
    assert "missing_there about 77: closed by ada: given back, their ticket 4711" in plain

    again = await orderline("differences", "close", str(found), "--why", "again")
    assert again.code == 1
    assert "was closed already 2" in again.out
    assert "by ada (closed): given back, their ticket 4711" in again.out
    events = "SELECT count(*) FROM events WHERE type = 'order.difference_closed'"
    assert await remotes.rows(events) == [(1,)]


async def test_several_are_closed_at_once_and_a_wrong_name_closes_none(
    remotes: Remotes, orderline: Orderline
) -> None:
    one, other = await _found(remotes), await _found(remotes, ref="78")
    ran = await orderline("differences", "close", str(one), "nothing", *WHY)
    assert (ran.code, ran.out) == (1, "")
    assert "There is no difference 'nothing'" in ran.err
    ambiguous = await orderline("differences", "close", "0", *WHY)
    assert ambiguous.code == 1
    assert str(one) in ambiguous.err
    assert len(await _told(orderline, "--json")) == 2
    ran = await orderline("differences", "close", str(one), str(other), str(one), *WHY, "--json")
    assert [each["closed_now"] for each in json.loads(ran.out)] == [True, True]
    assert (await orderline("differences", "close", str(one), "--why", " ")).code == 2
    assert (await orderline("differences", "close", "--why", "x")).code == 2


async def test_what_a_person_closed_is_not_found_again(remotes: Remotes) -> None:
    remotes.tamper(HYPER, Change.ADD)
    [told] = json.loads((await remotes.program("reconcile", "--json")).out)["differences"]
    await remotes.program("differences", "close", told["short_id"], *WHY)
    ran = await remotes.program("reconcile", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["differences"] == []


async def test_a_difference_reads_well_in_the_orders_story(
    remotes: Remotes, orderline: Orderline
) -> None:
    [order_id] = await remotes.buy(an_intent("d-1"))
    [(ref,)] = await remotes.rows("SELECT provider_ref FROM orders")
    remotes.tamper(HYPER, Change.PRICE, order_id=ref, to="0.30")
    await remotes.program("reconcile", "--provider", HYPER)
    plain = (await orderline("show", order_id)).out
    assert f"price_differs about {ref}: ours " in plain
    assert "theirs 0.30 TRY (rule: record)" in plain


async def test_doctor_warns_of_what_needs_a_person_and_of_accounts_left_alone(
    remotes: Remotes, orderline: Orderline
) -> None:
    async def said(check: str) -> list[tuple[str, str]]:
        told = json.loads((await orderline("doctor", "--json")).out)["findings"]
        return [(each["level"], each["said"]) for each in told if each["check"] == check]

    assert await said("differences") == [("ok", "none needs a person")]
    assert await said("books") == []
    await remotes.buy(an_intent("d-1"))
    await remotes.execute("UPDATE orders SET created_at = now() - interval '3 hours'")
    assert await said("books") == [("warn", f"{HYPER}/default was never reconciled")]
    await remotes.program("reconcile", "--provider", HYPER)
    assert await said("books") == [("ok", "1 account reconciled in time")]
    await remotes.execute(
        "UPDATE reconciliations SET started_at = now() - interval '3 hours',"
        " ended_at = now() - interval '3 hours'"
    )
    assert await said("books") == [
        ("warn", f"{HYPER}/default was reconciled 3 h ago, is due every 1 h")
    ]
    await _found(remotes)
    [(level, words)] = await said("differences")
    assert (level, words) == ("warn", f"1 open difference for a person: 1 of {HYPER}/default")


async def test_providers_says_how_books_are_read_and_when_they_were_last(
    remotes: Remotes, orderline: Orderline
) -> None:
    await remotes.buy(an_intent("d-1"))
    await remotes.program("reconcile")
    told = {
        each["provider"]: each for each in json.loads((await orderline("providers", "--json")).out)
    }
    assert told[HYPER]["capabilities"]["books"] == "account"
    assert told["feedback_company"]["capabilities"]["books"] == "none"
    [account] = told[HYPER]["accounts"]
    assert (account["reconciled_as"], bool(account["reconciled_at"])) == ("done", True)
    plain = (await orderline("providers")).out
    assert "one list of the account" in plain
    assert " done " in plain


@pytest.mark.parametrize(
    "command",
    [["reconcile"], ["report"], ["differences"], ["differences", "list"], ["differences", "close"]],
    ids=" ".join,
)
async def test_the_help_of_a_command_teaches_by_an_example(
    orderline: Orderline, command: list[str]
) -> None:
    ran = await orderline(*command, "--help")
    assert ran.code == 0
    assert f"orderline {' '.join(command)}" in ran.out.split("Example:")[1]
