"""Everything that is sealed is sealed anew with the first key, whoever works beside that."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from tests.builders import an_intent
from tests.store.conftest import Shop, a_change
from worker.crypto import Vault
from worker.lifecycle import LineState
from worker.outcome import Confirmed, Goods, LineReport
from worker.store import producers, sealed
from worker.store.sealed import UNNAMED, SealedColumn, count_keys, seal_anew, sealed_columns

OLD, NEW = Vault.new_key(), Vault.new_key()

NOT_SEALED = {"api_keys.digest", "operator_sessions.digest"}
"""Bytes that are no secret."""


@pytest.fixture
def vault() -> Vault:
    return Vault([OLD])


@pytest.fixture
async def full(shop: Shop) -> Shop:
    """A value in every sealed column, sealed with the old key."""
    await shop.accept(an_intent(), b"{")
    (claimed,) = await shop.claim()
    tried = await shop.attempt(claimed)
    [line] = tried.order.lines
    report = LineReport(line.line_ref, LineState.DELIVERED, goods=Goods(({"code": "ABCD"},)))
    await shop.settle(a_change(tried, Confirmed("their-id", (report,))))
    value = {"sealed": shop.vault.seal(b"value")}
    await shop.execute("UPDATE attempts SET sealed_request = :sealed", **value)
    await shop.execute("UPDATE quarantine SET sealed_mended = :sealed", **value)
    for account in ("a", "b"):
        await shop.execute(
            "INSERT INTO tokens (provider, account, sealed_token) VALUES ('gifthub', :a, :sealed)",
            a=account,
            **value,
        )
    return shop


async def anew(shop: Shop, vault: Vault, *, dry_run: bool = False) -> tuple[int, int]:
    done = [
        walked
        for column in sealed_columns()
        async for walked in seal_anew(shop.db, vault, column, dry_run=dry_run)
    ]
    return sum(each.sealed for each in done), sum(each.broken for each in done)


async def keys(shop: Shop) -> dict[str, int]:
    counted = await count_keys(shop.db)
    assert counted is not None
    return {key: sum(by_place.values()) for key, by_place in counted.items()}


async def test_every_column_of_bytes_is_sealed_or_known_not_to_be(shop: Shop) -> None:
    rows = await shop.rows(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'bytea'"
    )
    there = {f"{row.table_name}.{row.column_name}" for row in rows}
    assert there - NOT_SEALED == {str(column) for column in sealed_columns()}


async def test_all_is_sealed_anew_once_and_says_what_it_said(full: Shop) -> None:
    both = Vault([NEW, OLD])
    new_id, old_id = both.key_ids
    assert await keys(full) == {old_id: 7}
    assert await anew(full, both, dry_run=True) == (7, 0)
    assert await keys(full) == {old_id: 7}
    assert await anew(full, both) == (7, 0)
    assert await keys(full) == {new_id: 7}
    assert await anew(full, both) == (0, 0)
    counted = await count_keys(full.db)
    assert counted
    assert set(counted[new_id]) == {str(column) for column in sealed_columns()}
    new = Vault([NEW])
    assert (await producers.secrets_of(full.db, new, "shop"))[0].secret.startswith("whsec_")
    row = await full.one("SELECT sealed_entry, sealed_mended FROM quarantine")
    assert (new.unseal(row.sealed_entry), new.unseal(row.sealed_mended)) == (b"{", b"value")


async def test_what_was_sealed_before_keys_had_ids_gets_one(full: Shop) -> None:
    await full.execute(
        "UPDATE tokens SET sealed_token = :sealed", sealed=Fernet(OLD).encrypt(b"token")
    )
    vault = Vault([OLD])
    assert await keys(full) == {vault.key_ids[0]: 5, UNNAMED: 2}
    assert await anew(full, vault) == (2, 0)
    assert await keys(full) == {vault.key_ids[0]: 7}


async def test_what_cannot_be_opened_stays_as_it_is_and_holds_up_nothing(full: Shop) -> None:
    lost = Vault([Vault.new_key()])
    await full.execute(
        "UPDATE tokens SET sealed_token = :sealed WHERE account = 'a'", sealed=lost.seal(b"x")
    )
    both = Vault([NEW, OLD])
    assert await anew(full, both) == (6, 1)
    assert await keys(full) == {both.key_ids[0]: 6, lost.key_ids[0]: 1}
    assert await anew(full, both) == (0, 1)


async def test_what_somebody_holds_is_left_alone_and_found_the_next_time(full: Shop) -> None:
    both = Vault([NEW, OLD])
    async with full.db.engine.connect() as holder:
        await holder.execute(text("SELECT FROM tokens WHERE account = 'a' FOR UPDATE"))
        assert await anew(full, both) == (6, 0)
        await holder.rollback()
    assert await anew(full, both) == (1, 0)


async def test_a_batch_goes_on_where_the_one_before_ended(
    full: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "BATCH", 1)
    [tokens] = [column for column in sealed_columns() if column.table == "tokens"]
    both = Vault([NEW, OLD])
    walk = seal_anew(full.db, both, tokens)
    assert (await anext(walk)).sealed == 1
    await walk.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert await anew(full, both) == (6, 0)


async def test_counting_may_take_too_long(full: Shop) -> None:
    async with full.db.engine.connect() as holder:
        await holder.execute(text("LOCK TABLE tokens"))
        assert await count_keys(full.db, within=0.05) is None
        await holder.rollback()
    assert await count_keys(full.db, within=5) is not None


MANY = """
INSERT INTO events (id, order_id, line_id, sequence, type, data, sealed_goods)
SELECT gen_random_uuid(), order_id, line_id, sequence + n, type, data,
    CASE WHEN n % 3 = 0 THEN sealed_goods END
FROM events, generate_series(1, 30000) n WHERE line_id IS NOT NULL;
ANALYZE events
"""


async def test_a_batch_is_found_along_the_primary_key(full: Shop) -> None:
    for statement in MANY.split(";"):
        await full.execute(statement)
    [events] = [column for column in sealed_columns() if column.table == "events"]
    values: dict[str, Any] = {**events.start(), "current": b"", "limit": 50}
    for to_seal in (False, True):
        plan = await full.plan(events.old(to_seal=to_seal), **values)
        assert "Index Scan using events_pkey" in plan, plan
        assert "Sort" not in plan


def test_a_key_of_several_columns_is_walked_as_one() -> None:
    column = SealedColumn("tokens", "sealed_token", {"provider": "text", "account": "text"})
    assert "(provider, account) > (CAST(:provider AS text), CAST(:account AS text))" in str(
        column.old(to_seal=True)
    )
