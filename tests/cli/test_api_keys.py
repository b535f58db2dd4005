"""``orderline api-keys``: shown exactly once, kept as a digest, revoked for good."""

import json

from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.store import api_keys
from worker.store.api_keys import digest_of


async def test_a_new_key_is_shown_once_and_kept_as_a_digest(
    orderline: Orderline, world: World
) -> None:
    ran = await orderline("api-keys", "add", "shop", "--json")
    made = json.loads(ran.out)
    assert (ran.code, made["producer"]) == (0, "shop")
    assert made["key"].startswith(f"olk_{made['id']}_")
    (living,) = await api_keys.living(world.db)
    assert (living.producer, living.key_id) == ("shop", made["id"])
    assert living.fits(digest_of(made["key"]))
    listed = await orderline("api-keys", "list")
    assert made["id"] in listed.out
    assert made["key"] not in listed.out


async def test_what_people_are_shown_says_how_to_use_it(orderline: Orderline, world: World) -> None:
    del world
    ran = await orderline("api-keys", "add", "shop")
    assert ran.code == 0
    assert "Authorization: Bearer" in ran.out
    assert "olk_" in ran.out


async def test_a_revoked_key_is_listed_and_lets_nobody_in(
    orderline: Orderline, world: World
) -> None:
    made = json.loads((await orderline("api-keys", "add", "shop", "--json")).out)
    for _ in range(2):
        assert (await orderline("api-keys", "revoke", made["id"])).code == 0
    assert await api_keys.living(world.db) == []
    (listed,) = json.loads((await orderline("api-keys", "list", "--json")).out)
    assert listed["id"] == made["id"]
    assert listed["revoked_at"] is not None


async def test_what_is_not_there_is_said(orderline: Orderline, world: World) -> None:
    del world
    nobody = await orderline("api-keys", "add", "nobody")
    assert (nobody.code, nobody.out) == (1, "")
    assert "nobody" in nobody.err
    nothing = await orderline("api-keys", "revoke", "aaaaaaaa")
    assert nothing.code == 1
    assert "api-keys list" in nothing.err
    assert "api-keys add" in (await orderline("api-keys", "list")).out
