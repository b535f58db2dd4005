"""How a producer's orders stand: only its own, never personal data, codes where asked for."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet

from schemas.ids import new_uuid
from tests.builders import an_intent
from tests.cli.world import World, delivered
from tests.gateway.conftest import CARD, Door, Opener, until_known
from tests.stories.conftest import feedback
from worker.store import api_keys, purge
from worker.store.session import Database
from worker.store.views_producer import united


@pytest.fixture
def world(door: Door, db: Database) -> World:
    return World(db, door.vault, door.settings)


async def shown(door: Door, path: str) -> Any:
    answer = await door.ask("GET", path)
    assert answer.status_code == 200
    return answer.json()


async def fulfilled(world: World) -> str:
    """An order whose code was delivered; its id."""
    sorted_out = await world.accept(an_intent("d-1", intent_id="i/1"))
    claimed = await world.claim()
    tried = await world.attempt(claimed)
    await world.settle(tried, delivered(claimed.order.lines[0].line_ref, code=CARD))
    return str(sorted_out.fresh[0].order_id)


async def test_an_order_is_shown_by_its_id_and_by_its_intents(door: Door, world: World) -> None:
    order_id = await fulfilled(world)
    by_id = await shown(door, f"/v1/orders/{order_id}")
    assert await shown(door, "/v1/orders?intent_id=i%2F1") == by_id
    assert by_id["order_id"] == order_id
    assert (by_id["intent_id"], by_id["state"]) == ("i/1", "fulfilled")
    assert (by_id["provider"], by_id["provider_ref"]) == ("hyperteknoloji", "provider-77")
    (line,) = by_id["lines"]
    assert (line["deliver_id"], line["state"], line["sequence"]) == ("d-1", "delivered", 1)
    assert line["provider_line_ref"] == "pl-1"
    assert "goods" not in line
    assert CARD not in str(by_id)


async def test_codes_are_shown_where_they_are_asked_for(door: Door, world: World) -> None:
    order_id = await fulfilled(world)
    for path in (f"/v1/orders/{order_id}?goods=true", "/v1/orders?intent_id=i%2F1&goods=true"):
        (line,) = (await shown(door, path))["lines"]
        assert line["goods"] == [{"code": CARD}]


async def test_an_order_without_codes_has_none(door: Door, world: World) -> None:
    await world.accept(an_intent("d-1", intent_id="i"))
    found = await shown(door, "/v1/orders?intent_id=i&goods=true")
    assert (found["state"], found["lines"][0]["goods"]) == ("accepted", [])


async def test_personal_data_is_not_shown(door: Door, world: World) -> None:
    await world.accept(feedback("f"))
    answer = await door.ask("GET", "/v1/orders?intent_id=f")
    assert answer.status_code == 200
    assert "example.com" not in answer.text
    assert "Zübeyde" not in answer.text


async def test_the_orders_of_others_are_as_unknown_as_none(
    a_gateway: Opener, api_key: str, db: Database
) -> None:
    del api_key  # the order is of the producer that has it
    foreign = api_keys.new_key()
    await api_keys.add(db, "other", foreign)
    async with a_gateway(foreign) as door:
        await until_known(door)
        order_id = await fulfilled(World(db, door.vault, door.settings))
        unknown = [f"/v1/orders/{new_uuid()}", "/v1/orders?intent_id=nothing"]
        foreign_ones = [f"/v1/orders/{order_id}?goods=true", "/v1/orders?intent_id=i%2F1"]
        answers = [await door.ask("GET", path) for path in unknown + foreign_ones]
        assert {(each.status_code, each.text) for each in answers} == {(404, answers[0].text)}


async def test_of_an_order_that_was_purged_its_end_is_told(
    door: Door, world: World, db: Database
) -> None:
    order_id = await fulfilled(world)
    await world.tell()
    assert await purge.bury(db, timedelta(0), 10) == 1
    for path in (f"/v1/orders/{order_id}", "/v1/orders?intent_id=i%2F1"):
        answer = await door.ask("GET", path)
        body = answer.json()
        assert (answer.status_code, body["error"]["code"]) == (410, "gone")
        assert (body["order"]["order_id"], body["order"]["state"]) == (order_id, "fulfilled")


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/orders/nothing", "order_id"),
        ("/v1/orders", "intent_id"),
        ("/v1/orders?intent_id=", "intent_id"),
        ("/v1/orders?intent_id=x&goods=perhaps", "goods"),
    ],
)
async def test_a_parameter_that_is_none_is_named(door: Door, path: str, place: str) -> None:
    answer = await door.ask("GET", path)
    assert (answer.status_code, answer.json()["error"]["path"]) == (422, place)


async def test_no_name_that_postgresql_cannot_hold_is_asked_for(door: Door) -> None:
    assert (await door.ask("GET", "/v1/orders?intent_id=a%00b")).status_code == 404


async def test_codes_whose_key_is_gone_are_said_to_be_away(
    a_gateway: Opener, api_key: str, db: Database
) -> None:
    async with a_gateway(api_key) as door:
        order_id = await fulfilled(World(db, door.vault, door.settings))
    async with a_gateway(api_key, encryption_keys=Fernet.generate_key().decode()) as door:
        await until_known(door)
        answer = await door.ask("GET", f"/v1/orders/{order_id}?goods=true")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
        assert (await door.ask("GET", f"/v1/orders/{order_id}")).status_code == 200


async def test_while_the_database_is_away_no_order_is_shown(
    a_gateway: Opener, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_gateway(api_key) as door:
        await until_known(door)

        async def refused(*_: object, **__: object) -> Any:
            raise OSError("the database is away")

        monkeypatch.setattr("worker.gateway.orders.order_of", refused)
        answer = await door.ask("GET", "/v1/orders?intent_id=x")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("so_far", "more", "together"),
    [
        ("", "a", "a"),
        ("a", "ab", "ab"),
        ("a", "b", "ab"),
        ("aa", "a", "aa"),
        ("a", "aa", "aa"),
        ("ab", "ba", "ab"),
    ],
)
def test_a_later_report_may_repeat_what_came_before(so_far: str, more: str, together: str) -> None:
    def goods(codes: str) -> list[dict[str, str]]:
        return [{"code": code} for code in codes]

    assert united(goods(so_far), goods(more)) == goods(together)
