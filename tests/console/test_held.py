"""What takes longer than a page may is seen through all the same."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr

from worker.console.held import GoesOn, open_console
from worker.crypto import Vault
from worker.settings import Settings
from worker.store.session import Database


async def test_a_decision_is_not_cut_off_by_its_page(db: Database, database_url: str) -> None:
    settings = Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
        encryption_keys=SecretStr(Vault.new_key()),
        gateway_timeout=timedelta(milliseconds=100),
    )
    answered, done = asyncio.Event(), asyncio.Event()

    async def decide() -> None:
        await answered.wait()
        done.set()

    async with open_console(settings, db, Vault(settings.encryption_key_list)) as console:
        with pytest.raises(GoesOn):
            await console.see_through(decide())
        assert not done.is_set()
        answered.set()
    assert done.is_set(), "also when the process ends meanwhile"


async def test_what_goes_wrong_in_time_is_told(db: Database, database_url: str) -> None:
    settings = Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
        encryption_keys=SecretStr(Vault.new_key()),
    )

    async def decide() -> None:
        raise ValueError

    async with open_console(settings, db, Vault(settings.encryption_key_list)) as console:
        with pytest.raises(ValueError):  # noqa: PT011 -- that very one
            await console.see_through(decide())
