"""Debian's promtool and prometheus, where they are to be had."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".venv" / "tools" / "usr" / "bin"


def _tool(name: str) -> Path:
    found = shutil.which(name) or shutil.which(name, path=str(UNPACKED))
    if found is None:
        pytest.skip(f"there is no {name} here: `make promtool` fetches Debian's, if it can")
    return Path(found)


@pytest.fixture
def promtool() -> Path:
    return _tool("promtool")


@pytest.fixture
def prometheus() -> Path:
    return _tool("prometheus")
