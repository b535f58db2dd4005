"""``orderline notifications``: what producers were told, and telling it once more."""

import json
from typing import Any

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World, delivered
from worker.store.session import Boundary

CODE = "ABCD-SECRET-1234"


async def told(world: World, *intents: str) -> None:
    """Orders whose one line was delivered and told."""
    for intent_id in intents:
        await world.accept(an_intent(f"{intent_id}-1", intent_id=intent_id))
        tried = await world.attempt(await world.claim())
        await world.settle(tried, delivered(tried.order.lines[0].line_ref, code=CODE))
    await world.tell()


async def listed(orderline: Orderline, *options: str) -> list[dict[str, Any]]:
    ran = await orderline("notifications", "list", "--json", *options)
    assert ran.code == 0, ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)
    return found


async def test_notifications_are_listed_and_chosen(orderline: Orderline, world: World) -> None:
    await told(world, "a", "b")
    [newest, oldest] = await listed(orderline)
    assert {newest["deliver_id"], oldest["deliver_id"]} == {"a-1", "b-1"}
    assert "hidden-in-the-query" not in json.dumps(newest)
    [of_a] = await listed(orderline, "--order", "a")
    for options, number in (
        (("--id", of_a["webhook_id"]), 1),
        (("--id", of_a["event_id"]), 1),
        (("--id", of_a["webhook_id"][:31]), 1),
        (("--id", "no id"), 0),
        (("--producer", "shop"), 2),
        (("--producer", "else"), 0),
        (("--endpoint", "https://shop.example/hooks?key=other"), 2),
        (("--state", "acknowledged"), 2),
        (("--state", "exhausted"), 0),
        (("--type", "line.delivered"), 2),
        (("--type", "line.refused"), 0),
        (("--since", "1h"), 2),
        (("--until", "1h"), 0),
        (("--until", "2999-01-01", "--since", "2026-01-01"), 2),
        (("--limit", "1"), 1),
    ):
        assert len(await listed(orderline, *options)) == number, options
    ran = await orderline("notifications", "list")
    assert of_a["webhook_id"] in ran.out
    assert (await orderline("notifications", "list", "--since", "soon")).code == 2


async def test_a_notification_is_shown_with_what_it_says_but_not_its_codes(
    orderline: Orderline, world: World
) -> None:
    await told(world, "a")
    [owed] = await listed(orderline)
    plain = await orderline("notifications", "show", owed["webhook_id"])
    as_json = await orderline("notifications", "show", owed["webhook_id"][:12], "--json")
    assert plain.code == 0
    for said in (
        owed["webhook_id"],
        "line.delivered",
        "delivery 1",
        "200 in 35 ms",
        "acknowledged",
    ):
        assert said in plain.out
    story = json.loads(as_json.out)
    assert story["body"]["data"]["goods"] == [{"code": "…"}]
    assert CODE not in plain.out + as_json.out
    revealed = await orderline("notifications", "show", owed["webhook_id"], "--goods", "--json")
    assert json.loads(revealed.out)["body"]["data"]["goods"] == [{"code": CODE}]
    assert (await orderline("notifications", "show", "evt_f")).code == 1


async def test_a_replay_is_due_now_and_the_story_says_whose_wish_it_was(
    orderline: Orderline, world: World
) -> None:
    await told(world, "a")
    dry = await orderline("notifications", "replay", "--order", "a", "--dry-run")
    assert (dry.code, "1 would be replayed" in dry.out) == (0, True)
    assert [each["state"] for each in await listed(orderline)] == ["acknowledged"]
    ran = await orderline(
        "notifications", "replay", "--order", "a", "--by", "ada", "--why", "lost there"
    )
    assert (ran.code, ran.out) == (0, "1 replayed, due now.\n")
    [owed] = await listed(orderline)
    assert (owed["state"], owed["replays"], owed["tries"]) == ("pending", 1, 0)
    await world.tell()
    [owed] = await listed(orderline)
    assert owed["state"] == "acknowledged"
    shown = await orderline("show", "a")
    for said in ("notification.replayed", "ada", "lost there"):
        assert said in shown.out


async def test_many_need_a_yes_and_a_replay_of_everything_needs_a_filter(
    orderline: Orderline, world: World
) -> None:
    await told(world, "a", "b")
    for arguments, code, said in (
        ((), 2, "say which"),
        (("--producer", "shop"), 2, "2 fit: 2 acknowledged. --yes goes ahead"),
        (("--producer", "else"), 1, "No notification fits"),
        (("--producer", "shop", "--limit", "1", "--json"), 0, ""),
        (("--producer", "shop", "--yes"), 0, ""),
    ):
        ran = await orderline("notifications", "replay", *arguments)
        assert (ran.code, said in " ".join(ran.err.split())) == (code, True), ran.err
    assert sorted(each["replays"] for each in await listed(orderline)) == [1, 2]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://shop.example/new", None),
        ("https://evil.example/new", "not told at that host"),
        ("http://shop.example/new", "not https"),
        ("https://127.0.0.1/", "not a public address"),
    ],
)
async def test_a_replay_goes_only_where_its_producer_is_told(
    orderline: Orderline, world: World, url: str, why: str | None
) -> None:
    await told(world, "a")
    ran = await orderline("notifications", "replay", "--order", "a", "--url", url)
    assert ran.code == (0 if why is None else 2)
    assert why is None or why in " ".join(ran.err.split())
    [owed] = await listed(orderline)
    assert owed["url"].startswith(url if why is None else "https://shop.example/hooks")


async def test_what_waits_says_why(orderline: Orderline, world: World) -> None:
    await told(world, "a")
    await orderline("notifications", "replay", "--order", "a")
    async with world.db.transaction(Boundary.PRODUCER) as connection:
        await connection.exec_driver_sql(
            "UPDATE endpoints SET disabled_at = now(), disabled_because = 'gone'"
        )
    [owed] = await listed(orderline)
    assert owed["waits"] == "its endpoint is disabled (gone)"
    assert "disabled (gone)" in (await orderline("notifications", "show", owed["webhook_id"])).out
