"""What the runbook must have an entry for, read from what can go wrong: alerts, reasons, checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house.conftest import Source, sources
from worker.parking import OTHER, Because

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "deploy" / "runbook.md"
RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yml"

PARTS: Final = ("**It means**", "**See it:**", "**Do:**", "**Over**")
"""What every entry says."""

_FAILING: Final = {"fail": 0, "measured": 0, "unsafe": 0}
"""What makes a finding that is red or unsafe, and which argument names its check."""


def alerts() -> list[str]:
    """Every alert's name."""
    return re.findall(r"^ +- alert: (\w+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)


def reasons() -> list[str]:
    """Every class of reasons for which an order is parked."""
    return [*Because, OTHER]


def checks() -> list[str]:
    """Every check of ``doctor`` and ``health`` that can fail, as it is shown."""
    found = sources("worker/health") + [
        source for source in sources("worker/cli") if source.path.stem in {"doctor", "probe"}
    ]
    return sorted({name for source in found for name in _failing(source)})


def entries(text: str) -> dict[str, str]:
    """The runbook's entries: what stands below each heading of the third degree."""
    found = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return {
        heading.strip(): re.split(r"^## ", body, maxsplit=1, flags=re.MULTILINE)[0]
        for heading, body in zip(found[::2], found[1::2], strict=True)
    }


def _failing(source: Source) -> Iterator[str]:
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        named = _assigned(source.tree) | _assigned(function)
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and (given := _check_of(call)) is not None:
                yield from _names(given, named)


def _check_of(call: ast.Call) -> ast.expr | None:
    name = ast.unparse(call.func).rpartition(".")[2]
    if name in _FAILING and call.args:
        return call.args[_FAILING[name]]
    fails = name == "Finding" and len(call.args) > 1
    return call.args[1] if fails and ast.unparse(call.args[0]) != "Level.OK" else None


def _names(given: ast.expr, named: dict[str, str]) -> Iterator[str]:
    if isinstance(given, ast.Constant):
        yield str(given.value)
    elif isinstance(given, ast.Name) and given.id in named:
        yield named[given.id]


def _assigned(tree: ast.AST) -> dict[str, str]:
    """The names that this scope itself gives to a text, singly or one of several."""
    found: dict[str, str] = {}
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = list(zip(names, values, strict=True))
            case ast.Assign(targets=[ast.Name() as name], value=value):
                pairs = [(name, value)]
            case ast.AnnAssign(target=ast.Name() as name, value=ast.expr() as value):
                pairs = [(name, value)]
            case _:
                continue
        found |= {
            name.id: str(value.value)
            for name, value in pairs
            if isinstance(name, ast.Name) and isinstance(value, ast.Constant)
        }
    return found
