"""The command, run in this process with real servers behind it."""

import asyncio
import io
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.world import World
from worker.cli import run as run_command
from worker.crypto import Vault
from worker.settings import Settings, load_settings
from worker.store.session import Database


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed and ended with."""

    code: int
    out: str
    err: str


Orderline = Callable[..., Coroutine[Any, Any, Ran]]
"""Runs ``orderline`` with arguments; ``stdin`` is what is piped into it."""


@pytest.fixture
def settings(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """The settings that commands will find; no ``.env`` is in reach."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", database_url)
    monkeypatch.setenv("ORDERLINE_REDIS_URL", redis_url)
    monkeypatch.setenv("ORDERLINE_ENCRYPTION_KEYS", Vault.new_key())
    return load_settings()


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault([settings.encryption_keys.get_secret_value()])


@pytest.fixture
async def world(db: Database, vault: Vault, settings: Settings) -> World:
    """A world with one producer, ``shop``."""
    world = World(db, vault, settings)
    await world.register()
    return world


@pytest.fixture
def orderline(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Orderline:
    del settings

    async def run(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        code = await asyncio.to_thread(_code_of, arguments)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


def _code_of(arguments: tuple[str, ...]) -> int:
    try:
        run_command(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    return 0
