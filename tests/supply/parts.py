"""What Orderline stands on: as pyproject.toml names it, and as requirements.txt locks it."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]

ITSELF: Final = "orderline"


def asked_for() -> dict[str, set[str]]:
    """Each package that pyproject.toml names, and the groups that do; ``run`` is no extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"run": project["dependencies"]} | project["optional-dependencies"]
    named: dict[str, set[str]] = {}
    for group, requirements in groups.items():
        for each in requirements:
            named.setdefault(canonicalize_name(Requirement(each).name), set()).add(group)
    return named


def locked() -> Iterator[Requirement]:
    """Each line of requirements.txt, which is what the image installs."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for line in re.findall(r"^[\w.-]+==.*?(?= \\$)", text, re.MULTILINE):
        yield Requirement(line)


def running() -> list[str]:
    """The names of those that are installed on a machine like this one."""
    here = (each for each in locked() if each.marker is None or each.marker.evaluate())
    return [canonicalize_name(each.name) for each in here]


def elsewhere() -> list[str]:
    """The names of those that only other systems and other Pythons install."""
    return sorted({canonicalize_name(each.name) for each in locked()} - {*running()})


def installed(name: str) -> Distribution | None:
    """The package as it is installed here, if it is."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None
