"""``orderline producers``: registered with a secret that is shown exactly once."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.cli.conftest import Orderline
from tests.delivery.addresses import NOT_TOLD
from worker.crypto import Vault
from worker.delivery.signing import Signer
from worker.store import producers
from worker.store.session import Database

URL = "https://shop.example/hooks?key=hidden-in-the-query"
SetClock = Callable[[timedelta], None]
Logged = Sequence[Mapping[str, Any]]

ADD = ("producers", "add", "shop-eu", "--notify-url", URL)


@pytest.fixture(autouse=True)
def logged() -> Iterator[Logged]:
    """What is logged meanwhile."""
    with capture_logs() as lines:
        yield lines


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


# --- where it is told -----------------------------------------------------------------------------


async def shown(orderline: Orderline, name: str = "shop-eu") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await orderline("producers", "show", name, "--json")).out)
    return found


async def test_hosts_that_intents_may_name_are_said_at_once_or_later(orderline: Orderline) -> None:
    await orderline(*ADD, "--notify-host", "Other.example", "--notify-host", "*.shop.test")
    assert (await shown(orderline))["notify_hosts"] == ["other.example", "*.shop.test"]
    await orderline("producers", "set", "shop-eu", "--notify-host", "third.example")
    assert (await shown(orderline))["notify_hosts"] == ["third.example"]
    plain = await orderline("producers", "show", "shop-eu")
    assert "third.example" in plain.out
    await orderline("producers", "set", "shop-eu", "--no-notify-hosts")
    assert (await shown(orderline))["notify_hosts"] == []


async def test_a_new_url_is_checked_and_has_its_endpoint(
    orderline: Orderline, db: Database
) -> None:
    await orderline(*ADD)
    new = "https://new.example/hooks?key=hidden-in-the-query"
    assert (await orderline("producers", "set", "shop-eu", "--notify-url", new)).code == 0
    told = await shown(orderline)
    assert told["notify_url"].startswith("https://new.example/hooks")
    assert "hidden" not in str(told)
    async with db.reading() as connection:
        urls = (await connection.execute(text("SELECT url FROM endpoints ORDER BY url"))).scalars()
        assert [*urls] == ["https://new.example/hooks", "https://shop.example/hooks"]
    bad = await orderline("producers", "set", "shop-eu", "--notify-url", "http://new.example/")
    assert (bad.code, "not https" in bad.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("set", "shop-eu"), 2, "nothing is to be changed"),
        (("set", "shop-eu", "--notify-host", "https://a.example"), 2, "neither a host"),
        (("set", "shop-eu", "--notify-host", "a.example", "--no-notify-hosts"), 2, "either"),
        (("set", "nobody", "--no-notify-hosts"), 1, "'nobody' is registered"),
        (("show", "nobody"), 1, "'nobody' is registered"),
        (("rotate", "nobody"), 1, "'nobody' is registered"),
        (("disable", "nobody"), 1, "'nobody' is registered"),
        (("acl", "nobody"), 1, "'nobody' is registered"),
        (("rotate", "shop-eu", "--keep", "1y"), 2, "24h"),
        (("rotate", "shop-eu", "--keep", "31d"), 2, "30 days"),
        (("rotate", "shop-eu", "--keep", "0s"), 2, "above zero"),
    ],
)
async def test_what_cannot_be_done_says_why(
    orderline: Orderline, logged: Logged, arguments: tuple[str, ...], code: int, why: str
) -> None:
    await orderline(*ADD)
    ran = await orderline("producers", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert why in " ".join(ran.err.replace("\u2502", " ").split())
    assert len(logged) == 1


# --- its secrets ----------------------------------------------------------------------------------


async def live(db: Database, vault: Vault) -> list[str]:
    return [each.secret for each in await producers.secrets_of(db, vault, "shop-eu")]


async def rotated(orderline: Orderline, *options: str) -> str:
    ran = await orderline("producers", "rotate", "shop-eu", *options, "--json")
    assert ran.code == 0
    secret: str = json.loads(ran.out)["secret"]
    return secret


async def test_the_old_secret_signs_for_a_day_beside_the_new_one(
    orderline: Orderline, db: Database, vault: Vault, set_clock: SetClock, logged: Logged
) -> None:
    await orderline(*ADD)
    [old] = await live(db, vault)
    ran = await orderline("producers", "rotate", "shop-eu")
    new, *others = await live(db, vault)
    assert others == [old]
    assert new in ran.out
    assert old not in ran.out
    assert "up to 1 min" in ran.out
    set_clock(timedelta(hours=23, minutes=59))
    assert await live(db, vault) == [new, old]
    set_clock(timedelta(hours=24, seconds=1))
    assert await live(db, vault) == [new]
    assert new not in str(logged)
    told = [(line["event"], line["producer"], line["reason"]) for line in logged]
    assert told[-1] == ("producer_changed", "shop-eu", "its secret was rotated")


async def test_two_secrets_live_and_a_third_ends_the_oldest_only_when_somebody_says_so(
    orderline: Orderline, db: Database, vault: Vault
) -> None:
    await orderline(*ADD)
    second = await rotated(orderline)
    before = await live(db, vault)
    asked = await orderline("producers", "rotate", "shop-eu")
    assert (asked.code, "--yes goes ahead" in asked.err) == (2, True)
    assert await live(db, vault) == before
    ran = await orderline("producers", "rotate", "shop-eu", "--yes", "--keep", "2h")
    assert "ended now" in ran.out
    assert (await live(db, vault))[1:] == [second]


async def test_what_somebody_else_knows_ends_at_once(
    orderline: Orderline, db: Database, vault: Vault
) -> None:
    await orderline(*ADD)
    await rotated(orderline)
    new = await rotated(orderline, "--now")
    assert await live(db, vault) == [new]
    assert await producers.secret_of(db, vault, "shop-eu") == new


async def test_how_old_secrets_are_is_listed_and_nothing_else_of_them(orderline: Orderline) -> None:
    await orderline(*ADD)
    await rotated(orderline)
    [told] = json.loads((await orderline("producers", "list", "--json")).out)
    assert [each["ends_at"] is None for each in told["secrets"]] == [True, False]
    listed = (await orderline("producers", "list")).out
    assert "ends the one before" in listed
    assert "whsec_" not in listed + str(told)


# --- shut out -------------------------------------------------------------------------------------


async def test_a_producer_is_disabled_and_enabled_again(orderline: Orderline) -> None:
    await orderline(*ADD)
    for _ in range(2):
        assert (await orderline("producers", "disable", "shop-eu")).code == 0
    assert (await shown(orderline))["disabled_at"]
    assert "disabled" in (await orderline("producers", "list")).out
    ran = await orderline("producers", "enable", "shop-eu")
    assert "--code producer_disabled" in ran.out
    assert (await shown(orderline))["disabled_at"] is None


# --- how many of its orders may be open ----------------------------------------------------------


async def test_a_producer_may_have_a_limit_of_open_orders_of_its_own(
    orderline: Orderline, db: Database
) -> None:
    ran = await orderline(*ADD, "--max-open", "500")
    assert "at most 500 orders" in ran.out
    plain = await orderline("producers", "show", "shop-eu")
    assert "0 of 500 orders (its own limit)" in plain.out
    assert "0 of 500" in (await orderline("producers", "list")).out
    told = await shown(orderline)
    assert (told["open"], told["max_open"]) == (0, 500)
    assert (await producers.find(db, "shop-eu")).max_open == 500


async def test_without_one_the_settings_limit_holds(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_OPEN_PER_PRODUCER", "70")
    await orderline(*ADD, "--max-open", "500")
    assert (await orderline("producers", "set", "shop-eu", "--max-open", "0")).code == 0
    plain = await orderline("producers", "show", "shop-eu")
    assert "0 of 70 orders (ORDERLINE_OPEN_PER_PRODUCER)" in plain.out
    assert (await shown(orderline))["max_open"] is None


async def test_a_limit_stays_where_only_the_url_is_changed(orderline: Orderline) -> None:
    await orderline(*ADD, "--max-open", "500")
    await orderline("producers", "set", "shop-eu", "--notify-url", "https://shop.example/other")
    assert (await shown(orderline))["max_open"] == 500
