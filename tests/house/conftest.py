"""The sources, as text and as syntax trees."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "worker", "tasks")


@dataclass(frozen=True)
class Source:
    """One Python file of ours."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    def calls(self) -> list[ast.Call]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]


def sources(*rooms: str) -> list[Source]:
    """Every Python file in these folders."""
    found = [Source(path) for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    assert found
    return found


def name_of(call: ast.Call) -> str:
    """What is called, as written: ``asyncio.sleep``."""
    return ast.unparse(call.func)
