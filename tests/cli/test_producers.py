"""``orderline producers``: registered with a secret that is shown exactly once."""

import json
from datetime import UTC, datetime

import pytest

from tests.cli.conftest import Orderline
from tests.delivery.addresses import NOT_TOLD
from worker.crypto import Vault
from worker.delivery.signing import Signer
from worker.store import producers
from worker.store.session import Database

URL = "https://shop.example/hooks?key=hidden-in-the-query"
ADD = ("producers", "add", "shop-eu", "--notify-url", URL)


async def test_a_new_producer_hears_its_stream_and_its_secret(
    orderline: Orderline, db: Database, vault: Vault
) -> None:
    ran = await orderline(*ADD)
    secret = await producers.secret_of(db, vault, "shop-eu")
    assert ran.code == 0
    assert "orderline:intents:shop-eu" in ran.out
    assert secret in ran.out
    assert Signer([secret]).sign("id", datetime.now(UTC), b"")


async def test_the_secret_is_never_shown_again(
    orderline: Orderline, db: Database, vault: Vault
) -> None:
    await orderline(*ADD)
    secret = await producers.secret_of(db, vault, "shop-eu")
    plain, listed = (
        await orderline("producers", "list"),
        await orderline("producers", "list", "--json"),
    )
    [told] = json.loads(listed.out)
    assert (told["name"], told["stream"]) == ("shop-eu", "orderline:intents:shop-eu")
    assert "shop-eu" in plain.out
    for hidden in (secret, "hidden-in-the-query"):
        assert hidden not in plain.out + listed.out


async def test_a_name_that_is_taken_keeps_its_secret(
    orderline: Orderline, db: Database, vault: Vault
) -> None:
    await orderline(*ADD)
    before = await producers.secret_of(db, vault, "shop-eu")
    ran = await orderline(*ADD, "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "registered already" in ran.err
    assert await producers.secret_of(db, vault, "shop-eu") == before


@pytest.mark.parametrize("name", ["Shop", "shop_eu", "x" * 64, "", "-a", "unnamed"])
async def test_a_name_that_cannot_be_a_streams_is_a_usage_error(
    orderline: Orderline, db: Database, name: str
) -> None:
    ran = await orderline("producers", "add", "--notify-url", URL, "--", name)
    assert ran.code == 2
    assert "name" in ran.err
    assert await producers.every(db) == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://shop.example/hooks", "it is not https"),
        ("https://127.0.0.1/hooks", "not a public address"),
        ("https://user:pw@shop.example/", "no user"),
        ("ftp://shop.example/", "https"),
    ],
)
async def test_a_webhook_goes_to_public_https_only(
    orderline: Orderline, db: Database, url: str, why: str
) -> None:
    ran = await orderline("producers", "add", "shop", "--notify-url", url)
    assert ran.code == 2
    assert why in ran.err
    assert "pw" not in ran.err
    assert await producers.every(db) == []


async def test_no_url_of_the_ssrf_table_is_registered(orderline: Orderline, db: Database) -> None:
    for url in NOT_TOLD:
        ran = await orderline("producers", "add", "shop", f"--notify-url={url}")
        assert (ran.code, ran.out) == (2, ""), url
        assert "--notify-url" in ran.err
    assert await producers.every(db) == []


async def test_a_development_host_may_be_told_by_http(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_DEVELOPMENT_HOSTS", "127.0.0.1:8400")
    ran = await orderline("producers", "add", "shop", "--notify-url", "http://127.0.0.1:8400/h")
    assert ran.code == 0
