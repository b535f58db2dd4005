"""What a person sees who has not said where Orderline runs."""

from pathlib import Path

import pytest

from tests.cli.conftest import Orderline
from worker.cli.main import PLAYGROUND
from worker.cli.playground import HOME


async def test_who_forgot_the_playgrounds_environment_is_told_how_to_read_it(
    orderline: Orderline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ORDERLINE_DATABASE_URL")
    assert "set -a" not in (await orderline("list")).err
    (tmp_path / HOME).mkdir()
    (tmp_path / PLAYGROUND).write_text("ORDERLINE_DATABASE_URL=postgresql:///orderline")
    told = await orderline("list")
    assert told.code == 2
    assert told.err.endswith("set -a; . .orderline/env; set +a\n")
    monkeypatch.setenv("ORDERLINE_DATABASE_URL", "nonsense")
    assert "set -a" not in (await orderline("list")).err
