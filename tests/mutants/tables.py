"""Changes of data outside of functions, which mutmut leaves alone.

The moves of the lifecycle are such data. From every set and table one entry is taken at a time,
and from every union one side; every number grows by one, and every text by a letter.
"""

import ast
import copy
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.mutants.areas import Area
from tests.mutants.ground import PYTEST, Score, laid_out, say

_SECONDS: Final = 120

_LIBRARIES: Final = (
    *(
        "aiohttp",
        "alembic.command",
        "celery",
        "cryptography.fernet",
        "httpx",
        "hypothesis.stateful",
    ),
    *("psycopg", "pydantic_settings", "redis.asyncio", "schemathesis", "sqlalchemy.ext.asyncio"),
    *("sqlmodel", "standardwebhooks", "structlog", "throttled.asyncio"),
)
"""What the tests import of others, read once for all changes: that halves the time of each."""

Change = tuple[str, ast.Module]


def score(area: Area) -> Score:
    """What the tests notice of each change to the area's tables."""
    for library in _LIBRARIES:
        importlib.import_module(library)
    total = Score()
    for module in area.tables:
        ground = laid_out(area, "tables")
        path = ground / module
        source = path.read_text(encoding="utf-8")
        tests = [*area.tests]
        # As it will be written with a change, so that the writing itself is not what is noticed.
        path.write_text(ast.unparse(ast.parse(source)), encoding="utf-8")
        if not _pass(ground, tests):
            raise SystemExit(f"the tests of {area.name} fail without any change")
        for name, tree in changes(ast.parse(source)):
            path.write_text(ast.unparse(tree), encoding="utf-8")
            total.tried += 1
            if _pass(ground, tests):
                total.survivors.append(f"{module}: {name}")
                say(f"  survives: {total.survivors[-1]}")
            else:
                total.noticed += 1
    return total


def changes(tree: ast.Module) -> Iterator[Change]:
    """Each change that can be made, with its description, as a tree of its own."""
    for number, statement in enumerate(tree.body):
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            for place, node in enumerate(ast.walk(statement.value)):
                for version, said in enumerate(_versions(node)):
                    changed = copy.deepcopy(tree)
                    _change(changed.body[number], place, version)
                    yield f"line {node.lineno}: {said}", changed  # type: ignore[attr-defined]  # what can be changed has a line


def _versions(node: ast.AST) -> list[str]:
    """What can be done to a node, in words."""
    match node:
        case ast.Set(elts=entries):
            return [f"without {ast.unparse(entry)}" for entry in entries]
        case ast.Dict(keys=keys):
            return [f"without {ast.unparse(key)}" for key in keys if key is not None]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [f"without {ast.unparse(side)[:60]}" for side in (left, right)]
        case ast.Constant(value=int() | float() as number):
            return [f"{number} grows by one"]
        case ast.Constant(value=str() as text):
            return [f"{text!r} gets a letter"]
        case _:
            return []


def _change(statement: ast.stmt, place: int, version: int) -> None:
    assert isinstance(statement, ast.Assign | ast.AnnAssign)
    assert statement.value is not None
    match [*ast.walk(statement.value)][place]:
        case ast.Set(elts=entries) as node:
            del entries[version]
            if not entries:  # {} would be a dict
                statement.value = _instead(statement.value, node, ast.parse("set()").body[0])
        case ast.Dict(keys=keys, values=values):
            del keys[version], values[version]
        case ast.BinOp(left=left, right=right) as node:
            kept = ast.Expr(right if version == 0 else left)
            statement.value = _instead(statement.value, node, kept)
        case ast.Constant(value=str() as text) as node:
            node.value = f"{text}x"
        case ast.Constant(value=int() | float() as number) as node:
            node.value = number + 1
        case other:
            raise AssertionError(f"nothing is known to be done to {ast.dump(other)}")


def _instead(within: ast.expr, node: ast.expr, other: ast.stmt) -> ast.expr:
    assert isinstance(other, ast.Expr)
    by = other.value

    class Exchange(ast.NodeTransformer):
        def visit(self, seen: ast.AST) -> ast.AST:
            return by if seen is node else super().generic_visit(seen)

    changed = Exchange().visit(within)
    assert isinstance(changed, ast.expr)
    return changed


def _pass(ground: Path, tests: list[str]) -> bool:
    """Whether the tests pass in a process forked from this one, which has read no line of ours."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = _run(ground, tests)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def _run(ground: Path, tests: list[str]) -> int:
    signal.alarm(_SECONDS)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.chdir(ground)
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    sys.path[:] = [str(ground), *(path for path in sys.path if path not in {"", os.curdir})]
    sys.dont_write_bytecode = True
    # Libraries that are also plugins would have been rewritten, had pytest been there first.
    quiet = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
    return int(pytest.main([*PYTEST, *quiet, *tests]))


_OURS: Final = {"schemas", "worker", "tasks", "tests"}
