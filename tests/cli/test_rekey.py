"""``orderline rekey``: a key is changed beside what runs, and what is left is said."""

import json
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.crypto import Vault
from worker.settings import Settings
from worker.store import producers
from worker.store.session import Boundary
from worker.streams import put_callback

KEYS = "ORDERLINE_ENCRYPTION_KEYS"
NEW = Vault.new_key()


@pytest.fixture
def old(settings: Settings) -> str:
    return settings.encryption_keys.get_secret_value()


@pytest.fixture
async def full(world: World) -> World:
    """A secret, and two entries in quarantine."""
    await world.accept(b"{", b"[", an_intent())
    return world


async def as_json(orderline: Orderline, *options: str) -> tuple[int, dict[str, Any]]:
    ran = await orderline("rekey", "--json", *options)
    assert ran.err == ""
    return ran.code, json.loads(ran.out)


async def test_a_key_is_changed_by_adding_one_in_front_and_sealing_all_anew(
    full: World, orderline: Orderline, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEYS, f"{NEW},{old}")
    code, told = await as_json(orderline, "--dry-run")
    assert (code, told["sealed"], told["left"], told["broken"]) == (0, 3, 3, 0)
    ran = await orderline("rekey")
    assert ran.code == 0
    assert "quarantine.sealed_entry: 2 sealed anew" in ran.err
    assert "may be taken out" in ran.out
    assert "(none now)" in ran.out
    monkeypatch.setenv(KEYS, NEW)
    code, told = await as_json(orderline)
    assert (code, told["sealed"], told["left"]) == (0, 0, 0)
    [key] = told["keys"]
    assert key["values"] == {"quarantine.sealed_entry": 2, "webhook_secrets.sealed_secret": 1}
    assert await producers.secret_of(full.db, Vault([NEW]), "shop") == full.secrets["shop"]
    assert NEW not in ran.out + ran.err


async def test_what_cannot_be_opened_is_said_and_ends_with_1(
    full: World, orderline: Orderline, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del full
    monkeypatch.setenv(KEYS, NEW)
    for options in ((), ("--dry-run",)):
        code, told = await as_json(orderline, *options)
        assert (code, told["sealed"], told["broken"]) == (1, 0, 3)
    ran = await orderline("rekey")
    assert "3 values cannot be opened" in ran.out
    assert Vault([old]).key_ids[0] in ran.out
    found = (await orderline("doctor")).out
    assert f"of {Vault([old]).key_ids[0]} (3) no key is configured" in found


async def test_doctor_names_the_keys_that_still_seal_something(
    full: World, orderline: Orderline, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del full
    monkeypatch.setenv(KEYS, f"{NEW},{old}")
    [new_id, old_id] = Vault([NEW, old]).key_ids
    assert f"{new_id} seals 0, and beside it still {old_id} (3)" in (await orderline("doctor")).out
    await orderline("rekey")
    found = (await orderline("doctor")).out
    assert f"{new_id} seals all 3 values; {old_id} may be taken out" in found


async def test_callbacks_that_wait_keep_the_old_key_needed(
    full: World, orderline: Orderline, redis_url: str
) -> None:
    async with Redis.from_url(redis_url) as redis:
        await put_callback(redis, full.vault, provider="gifthub", account="default", body=b"{}")
    ran = await orderline("rekey")
    assert "(1 now)" in ran.out


async def test_what_a_worker_held_meanwhile_is_said_to_be_left(
    full: World, orderline: Orderline, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEYS, f"{NEW},{old}")
    async with full.db.transaction(Boundary.QUARANTINE) as holder:
        await holder.execute(text("SELECT FROM quarantine LIMIT 1 FOR UPDATE"))
        ran = await orderline("rekey")
        assert ran.code == 1
        assert "Another key than the first still seals 1 value" in ran.out
    assert (await orderline("rekey")).code == 0
