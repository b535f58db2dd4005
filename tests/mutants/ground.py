"""A copy of Orderline that may be broken, and what a run in it came to."""

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.mutants.areas import Area

ROOT: Final = Path(__file__).parents[2]
_FOLDERS: Final = ("schemas", "worker", "tasks", "tests", "deploy")

PYTEST: Final = (
    "-x",
    "-q",
    "--hypothesis-profile=quick",
    "--hypothesis-seed=0",  # so that a survivor survives again
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:cov",
)
"""How tests are run against a change: until the first of them fails."""


@dataclass(slots=True)
class Score:
    """How many changes there were, and what became of them."""

    tried: int = 0
    noticed: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The changes that were noticed, in per cent, rounded down to one digit."""
        return self.noticed * 1000 // max(self.tried, 1) / 10

    def add(self, other: "Score") -> None:
        """Count another run's changes with these."""
        self.tried += other.tried
        self.noticed += other.noticed
        self.survivors += other.survivors


def laid_out(area: Area, kind: str) -> Path:
    """A fresh copy for this area."""
    ground = ROOT / "build" / "mutants" / f"{area.name}-{kind}"
    shutil.rmtree(ground, ignore_errors=True)
    for folder in _FOLDERS:
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, ground / folder, ignore=skipped)
    shutil.copy(ROOT / "pyproject.toml", ground)
    return ground


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
