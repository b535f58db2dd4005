"""``orderline api-keys``: made once, listed without their secrets, revoked."""

import json

from tests.cli.conftest import Orderline
from worker.store import api_keys
from worker.store.session import Database


async def test_a_key_is_shown_once_and_is_good_until_it_is_revoked(
    orderline: Orderline, db: Database
) -> None:
    await orderline("producers", "add", "shop-eu", "--notify-url", "https://shop.example/hooks")
    made = json.loads((await orderline("api-keys", "add", "shop-eu", "--json")).out)
    assert [each.key_id for each in await api_keys.living(db)] == [made["id"]]
    listed = await orderline("api-keys", "list")
    assert made["id"] in listed.out
    assert made["key"] not in listed.out
    await orderline("api-keys", "revoke", made["id"])
    assert await api_keys.living(db) == []
    assert (await orderline("api-keys", "revoke", "nobodys1")).code == 1
    assert (await orderline("api-keys", "add", "nobody")).code == 1
