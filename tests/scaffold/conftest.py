"""A checkout to write into: a copy of this one, as far as it is code and documents."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("schemas", "worker", "tasks", "tests", "deploy")
FILES: Final = ("pyproject.toml", "Makefile", ".env.example")


class Checkout:
    """A copy, in which programs can be run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """``python -m`` there, seeing nothing of the checkout that it was copied from."""
        environment = os.environ | {"PYTHONPATH": str(self.root), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(  # noqa: S603 -- our own programs
            [sys.executable, "-m", *command],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """Everything in it that is no cache."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file() and not {"__pycache__", ".ruff_cache"} & {*path.parts}
        }


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    root = tmp_path / "orderline"
    for folder in FOLDERS:
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, root / folder, ignore=caches)
    for name in (*FILES, *(path.name for path in ROOT.glob("*.md"))):
        shutil.copy(ROOT / name, root / name)
    return Checkout(root)
