"""What the generated pages have in common: tables, and what the code's docstrings say."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
REFERENCE: Final = ROOT / "docs" / "reference"

NOTICE: Final = "<!-- Generated from the code: `python -m tests.docs.reference --write`. -->"
"""The first line of every page that nobody writes by hand."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell may be several words, never several lines."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(cell, cells))} |" for cells in lines)


def cell(text: str) -> str:
    """Text in one line, with nothing that would end its cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def code(name: object) -> str:
    """A name as it is typed; nothing where there is none."""
    return f"`{name}`" if str(name) else ""


def prose(docstring: str) -> str:
    """A docstring's paragraphs, as Markdown has code and placeholders."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    joined = "\n\n".join(" ".join(each.split()) for each in paragraphs)
    return re.sub(r"(?<!`)<([A-Za-z_]+)>(?!`)", r"&lt;\1&gt;", joined.replace("``", "`"))


def told(kind: type) -> Mapping[str, str]:
    """What the docstrings below a class's attributes say, by the attribute's name.

    Those of its bases count where it says nothing itself.
    """
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.partition(".")[0] in {"worker", "schemas", "tasks"}:
            found |= _told_by(each)
    return found


def members(kind: type[Enum]) -> list[tuple[str, str]]:
    """An enumeration's values, each with what its docstring says."""
    means = told(kind)
    return [(str(member.value), means.get(name, "")) for name, member in kind.__members__.items()]


def _told_by(kind: type) -> dict[str, str]:
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        match before, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[name] = prose(said)
            case _:
                pass
    return found


def words(kind: type[Enum], head: str = "word") -> str:
    """An enumeration as a table."""
    return table([head, "meaning"], [[code(value), means] for value, means in members(kind)])


def plain(value: Any) -> str:
    """A default as it is written in the environment or typed."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)
