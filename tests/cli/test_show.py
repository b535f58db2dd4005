"""``orderline show``: one order's whole story, and nobody's secrets."""

import json
from datetime import timedelta

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World, delivered
from worker.capabilities import Capabilities, Doubt
from worker.outcome import Confirmed, Evidence, InDoubt, NotSent
from worker.store import erasing, purge

PLAYER = "player-5512345678"
CODE = "AAAA-BBBB-CCCC"


@pytest.fixture
async def fulfilled(world: World) -> str:
    """An order delivered at once, of whose two notifications none was taken; its id."""
    body = an_intent("d-1", intent_id="i-1")
    body["lines"][0]["require_data"] = [{"product_require_id": 1, "value": PLAYER}]
    body["notify_url"] = "https://shop.example/other?key=hidden-in-the-query"
    heaps = await world.accept(body)
    claimed = await world.attempt(await world.claim())
    outcome = delivered(claimed.order.lines[0].line_ref, code=CODE, pin="pin-4711")
    await world.settle(claimed, outcome)
    await world.tell(code=None, error="connect_timeout")
    return str(heaps.fresh[0].order_id)


async def test_the_whole_story_is_told(fulfilled: str, orderline: Orderline) -> None:
    ran = await orderline("show", fulfilled)
    assert ran.code == 0
    for told in (
        f"Order {fulfilled}",
        "fulfilled",
        "next       finished 2",
        "provider-77 (the provider's)",
        "#1 place: confirmed after",
        "our-reference (ours)",
        "line.delivered",
        "goods: 1 item, sealed",
        "line.delivered no. 1 of d-1: pending",
        "connect_timeout in 35 ms",
    ):
        assert told in ran.out


@pytest.mark.parametrize("style", [[], ["--json"]])
async def test_personal_data_needs_to_be_asked_for_and_goods_are_never_shown(
    fulfilled: str, world: World, orderline: Orderline, style: list[str]
) -> None:
    told = (await orderline("show", fulfilled, *style)).out
    assert "…" in told
    assert PLAYER not in told
    assert "hidden-in-the-query" not in told
    revealed = (await orderline("show", fulfilled, "--reveal", *style)).out
    assert PLAYER in revealed
    for secret in (CODE, "pin-4711", *world.secrets.values()):
        assert secret not in told + revealed


@pytest.mark.parametrize("name", ["i-1", "d-1", "provider-77"])
async def test_an_order_is_found_by_any_name_it_has(
    fulfilled: str, orderline: Orderline, name: str
) -> None:
    told = json.loads((await orderline("show", name, "--json")).out)
    assert told["order"]["order_id"] == fulfilled


async def test_an_order_is_found_by_the_beginning_of_its_id_and_by_our_line_ref(
    fulfilled: str, orderline: Orderline
) -> None:
    story = json.loads((await orderline("show", fulfilled[:18], "--json")).out)
    line_ref = story["lines"][0]["line_ref"]
    again = json.loads((await orderline("show", line_ref, "--json")).out)
    assert again["order"]["order_id"] == story["order"]["order_id"] == fulfilled


async def test_a_name_that_fits_two_orders_lists_both(world: World, orderline: Orderline) -> None:
    await world.register("other")
    first = await world.accept(an_intent("d-1"))
    second = await world.accept(an_intent("d-1"), producer="other")
    ran = await orderline("show", "i-1")
    assert (ran.code, ran.out) == (1, "")
    for heaps in (first, second):
        assert str(heaps.fresh[0].order_id) in ran.err


@pytest.mark.usefixtures("fulfilled")
@pytest.mark.parametrize("name", ["nothing", "00000000-0000-0000-0000-000000000000", "", "f" * 99])
async def test_a_name_of_nothing_is_not_found(orderline: Orderline, name: str) -> None:
    ran = await orderline("show", name)
    assert (ran.code, ran.out) == (1, "")
    assert "`orderline list`" in ran.err


@pytest.mark.parametrize("name", ["i-1", "d-1", "the id", "its beginning"])
async def test_of_a_purged_order_its_end_is_told(
    world: World, orderline: Orderline, fulfilled: str, name: str
) -> None:
    await world.tell_later()
    assert await purge.bury(world.db, timedelta(), 10) == 1
    names = {"the id": fulfilled, "its beginning": fulfilled[:18]}
    ran = await orderline("show", names.get(name, name))
    assert (ran.code, ran.out) == (1, "")
    assert f"Order {fulfilled} (intent i-1 of shop) ended as fulfilled 2" in ran.err
    assert "Its details were purged 2" in ran.err


async def test_that_personal_data_was_erased_is_told(
    world: World, orderline: Orderline, fulfilled: str
) -> None:
    await world.tell_later()
    assert await erasing.erase(world.db, timedelta(), 10) == 1
    told = (await orderline("show", fulfilled, "--reveal")).out
    assert "personal   erased 2" in told
    assert PLAYER not in told
    assert '"value": "erased"' in told


async def test_what_happens_next_is_said_at_every_stage(world: World, orderline: Orderline) -> None:
    async def next_step() -> str:
        return str(json.loads((await orderline("show", "i-1", "--json")).out)["order"]["next"])

    await world.accept(an_intent())
    assert "; no worker has taken it yet" in await next_step()
    claimed = await world.attempt(await world.claim())
    assert (await next_step()).startswith("place is under way: leased by host:1 until 2")
    patient = Capabilities(after_place=Doubt.LOOK_UP, poll_every=(timedelta(hours=2),))
    await world.settle(claimed, Confirmed("provider-77"), patient)
    assert (await next_step()).startswith("poll at 2")
    assert "(in 1 h 59 min)" in await next_step()


async def test_a_call_that_was_not_made_says_which_try_is_next_and_why_so_late(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.accept(an_intent())
    assert "tries" not in (await orderline("show", "i-1")).out
    await world.place(NotSent("throttled", timedelta(minutes=2), throttled=True))
    monkeypatch.setenv("ORDERLINE_MAX_TRIES", "7")
    plain = (await orderline("show", "i-1")).out
    assert "no. 2 of at most 7 in a row" in plain
    assert "not sent: throttled" in plain
    assert "(in 1 min 59 s)" in plain


async def test_a_parked_order_says_that_a_person_must_decide(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent())
    evidence = Evidence(status=504, request_ref="req-9", body='{"message": "…"}')
    outcome = InDoubt("504 from a proxy", evidence)
    await world.settle(
        await world.attempt(await world.claim()), outcome, Capabilities(after_place=Doubt.NONE)
    )
    ran = await orderline("show", "i-1")
    assert "no way to ask: 504 from a proxy; a person must decide" in ran.out
    for evident in ("HTTP 504", "req-9", '{"message": "…"}'):
        assert evident in ran.out
