"""The commands beside the orders: accounts, quarantine, schemas, keys, migrations."""

import json
from importlib.metadata import version
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from schemas.contract import documents
from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.capabilities import Capabilities, Doubt
from worker.crypto import Vault
from worker.outcome import InDoubt
from worker.providers import REGISTRY
from worker.sandbox import Sandbox

TOKEN = "gifthub-token-5512345678"


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__"
    monkeypatch.setenv(f"{prefix}BASE_URL", "https://gifthub.example/api")
    monkeypatch.setenv(f"{prefix}TOKEN", TOKEN)
    monkeypatch.setenv(f"{prefix}CONCURRENCY", "7")
    monkeypatch.setenv(f"{prefix}RATE", "2.5")


@pytest.mark.usefixtures("configured")
async def test_an_account_with_orders_and_no_settings_stands_out(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent("d-1"))
    claimed = await world.attempt(await world.claim())
    await world.settle(claimed, InDoubt("no answer"), Capabilities(after_place=Doubt.NONE))
    await world.accept(an_intent("d-2", intent_id="i-2"))
    ran = await orderline("providers", "--json")
    described = {each["provider"]: each for each in json.loads(ran.out)}
    assert set(described) == set(REGISTRY)
    (gifthub,) = described["gifthub"]["accounts"]
    (hyperteknoloji,) = described["hyperteknoloji"]["accounts"]
    assert gifthub["configured"]
    assert gifthub["base_url"] == "https://gifthub.example/api"
    assert (gifthub["concurrency"], gifthub["rate"]) == (7, 2.5)
    assert described["gifthub"]["capabilities"]["phases"] == 2
    assert described["gifthub"]["capabilities"]["after_confirm"] == "look_up_once"
    assert described["threekit"]["accounts"] == []
    assert not hyperteknoloji["configured"]
    counts = [hyperteknoloji[name] for name in ("unfinished", "due", "in_doubt", "parked")]
    assert counts == [2, 1, 0, 1]
    plain = (await orderline("providers")).out
    assert "not configured" in plain
    assert "threekit has no account; one needs ORDERLINE_ACCOUNTS__THREEKIT__DEFAULT__" in plain
    assert TOKEN not in plain + ran.out


async def test_a_wrong_account_setting_is_named_without_its_value(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__BASE_URL", "nonsense-value")
    ran = await orderline("providers")
    assert ran.code == 1
    assert "ORDERLINE_ACCOUNTS__GIFTHUB__DEFAULT__BASE_URL: Value error, must start" in ran.out
    assert "nonsense-value" not in ran.out + ran.err


async def test_an_account_is_asked_whether_it_lets_us_in(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Sandbox() as sandbox:
        for provider, named in sandbox.account_settings().items():
            for field, value in named["default"].items():
                name = f"ORDERLINE_ACCOUNTS__{provider}__DEFAULT__{field}".upper()
                monkeypatch.setenv(name, value)
        ran = await orderline("providers", "--check", "--json")
        said = {each["provider"]: each["accounts"][0] for each in json.loads(ran.out)}
        assert ran.code == 0
        assert all(account["lets_us_in"] for account in said.values())
        assert said["hyperteknoloji"]["says"] == "lets us in; holds 100000000.00 TRY"
        await sandbox.outage("threekit")
        ran = await orderline("providers", "--check")
        assert ran.code == 1
        assert "does not let us in: connect_failed" in ran.out


async def test_quarantine_says_where_and_why_and_never_what(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent() | {"quote": {"quoted_at": "secret-5512345678"}}, b"{")
    plain, told = await orderline("quarantine"), await orderline("quarantine", "--json")
    assert {(each["code"], each["path"]) for each in json.loads(told.out)} == {
        ("wrong_type", "quote.quoted_at"),
        ("not_json", ""),
    }
    assert "quote.quoted_at" in plain.out
    assert "secret-5512345678" not in plain.out + told.out
    assert json.loads((await orderline("quarantine", "--producer", "x", "--json")).out) == []


async def test_schemas_are_printed(orderline: Orderline) -> None:
    assert json.loads((await orderline("schema")).out) == documents()["intent"]
    told = json.loads((await orderline("schema", "notification")).out)
    for kind in ("Notification", "Notice"):
        assert set(told["$defs"][kind]["required"]) == {"type", "timestamp", "data"}
    ran = await orderline("schema", "intent.nobody")
    assert ran.code == 2
    assert "intent.gifthub" in ran.err


async def test_a_new_key_can_seal(orderline: Orderline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERLINE_ENCRYPTION_KEYS")
    ran = await orderline("new-key")
    vault = Vault([ran.out.strip()])
    assert vault.unseal(vault.seal(b"x")) == b"x"


async def test_the_version_is_the_packages(orderline: Orderline) -> None:
    assert (await orderline("--version")).out == f"orderline {version('orderline')}\n"


async def test_an_empty_database_is_named_and_then_migrated(
    database_url: str, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = f"empty_{uuid4().hex}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {empty}")
        monkeypatch.setenv(
            "ORDERLINE_DATABASE_URL", urlunsplit(urlsplit(database_url)._replace(path=f"/{empty}"))
        )
        before = await orderline("list")
        assert before.code == 1
        assert "run `orderline migrate`" in before.err
        migrated, again = await orderline("migrate"), await orderline("migrate")
        assert migrated.out.startswith("Migrated from an empty database to ")
        assert again.out.startswith("The database is at revision ")
        assert (await orderline("list")).code == 0
        connection.execute(f"DROP DATABASE {empty} WITH (FORCE)")


@pytest.mark.parametrize("command", ["list", "migrate", "quarantine"])
async def test_a_database_that_is_away_is_one_line_without_its_password(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:1/orders")
    ran = await orderline(command)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("orderline: ORDERLINE_DATABASE_URL: PostgreSQL at 127.0.0.1: ")
    assert ran.err.count("\n") == 1
    assert "hunter2" not in ran.err


async def test_redis_that_is_away_is_one_line_without_its_password(
    world: World, orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    del world
    monkeypatch.setenv("ORDERLINE_REDIS_URL", "redis://:hunter2@127.0.0.1:1/0")
    ran = await orderline("enqueue", "-", stdin=json.dumps(an_intent(producer="shop")))
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("orderline: ORDERLINE_REDIS_URL: Redis at 127.0.0.1: ")
    assert "hunter2" not in ran.err


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunt#er2@h:1/orders", "postgresql://me@h:hunter2/orders"]
)
async def test_a_password_that_breaks_the_url_is_not_quoted(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", url)
    ran = await orderline("list")
    assert ran.code in {1, 2}
    assert "ORDERLINE_DATABASE_URL" in ran.err
    assert "er2" not in ran.err


async def test_a_missing_setting_is_a_usage_error(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORDERLINE_REDIS_URL")
    ran = await orderline("list")
    assert (ran.code, ran.out) == (2, "")
    assert "ORDERLINE_REDIS_URL" in ran.err


COMMANDS = [
    ["enqueue"], ["list"], ["show"], ["watch"], ["quarantine"], ["providers"], ["schema"],
    ["cancel"], ["doctor"], ["health"], ["migrate"], ["new-key"], ["producers", "add"],
    ["producers", "list"], ["quarantine", "show"], ["quarantine", "replay"], ["quarantine", "drop"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_the_help_of_a_command_teaches_by_an_example(
    orderline: Orderline, command: list[str]
) -> None:
    ran = await orderline(*command, "--help")
    assert ran.code == 0
    assert f"orderline {' '.join(command)}" in ran.out.split("Example:")[1]
