"""Writing a new provider into a checkout: all of it, or nothing."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from worker.scaffold.plan import FILES, REGISTRY, CannotWrite, check_name, registered, render

_OURS: Final = 'lint.isort.known-first-party=["schemas", "tasks", "tests", "worker"]'
"""Else ruff would look for modules on the disk, where the new ones are not yet."""
_TIDYING: Final = (
    ("check", "--quiet", "--select", "I", "--fix-only", "--config", _OURS),
    ("format", "--quiet"),
)
"""Where a name is sorted among the imports, and where a line breaks, depends on the name."""


def write_provider(root: Path, name: str) -> list[str]:
    """Write every file of a provider, and its line in the registry. Tell what was written.

    Raises ``CannotWrite`` before anything is written.
    """
    check_name(name, [*_templates().values()])
    registry = root / REGISTRY
    if not registry.is_file():
        raise CannotWrite(f"{root} is no checkout of Orderline: it has no {REGISTRY}")
    listed = registered(registry.read_text(encoding="utf-8"), name)
    if there := [path for path in _in_the_way(name) if (root / path).exists()]:
        raise CannotWrite(f"name={name!r} is taken: there is {there[0]}")
    texts = {path: _tidy(root, path, text) for path, text in _rendered(name)}
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        with (root / path).open("x", encoding="utf-8") as file:
            file.write(text)
    registry.write_text(listed, encoding="utf-8")
    return [*texts]


def _templates() -> Mapping[str, str]:
    folder = files("worker.scaffold") / "templates"
    return {each: (folder / f"{each}.tmpl").read_text(encoding="utf-8") for each in FILES}


def _rendered(name: str) -> Iterator[tuple[str, str]]:
    for each, template in _templates().items():
        yield FILES[each].format(name=name), render(template, name)


def _in_the_way(name: str) -> Iterator[str]:
    """Every path that must be free: the files, and whatever else would be imported by the name."""
    for pattern in FILES.values():
        yield pattern.format(name=name)
    for room in ("schemas/intents", "worker/providers", "worker/sandbox/remotes"):
        yield f"{room}/{name}"
        yield f"{room}/{name}.py"


def _tidy(root: Path, path: str, text: str) -> str:
    """The text as ruff would have it."""
    if not path.endswith(".py"):
        return text
    for command in _TIDYING:
        done = subprocess.run(  # noqa: S603 -- our own interpreter's ruff, on our own text
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", path, "-"],
            cwd=root,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotWrite(f"ruff would not have {path}: {done.stderr.strip()}")
        text = done.stdout
    return text
