"""How long things may be, and what may not be left lying about."""

import ast
import re

import pytest

from tests.house.conftest import ROOMS, ROOT, Source, sources

LONGEST_MODULE = 300
LONGEST_FUNCTION = 40

EVERYWHERE = sources(*ROOMS, "tests")


@pytest.mark.parametrize("source", sources(*ROOMS), ids=str)
def test_a_module_can_be_read_in_one_go(source: Source) -> None:
    assert len(source.text.splitlines()) <= LONGEST_MODULE


@pytest.mark.parametrize("source", sources(*ROOMS), ids=str)
def test_a_function_fits_on_a_screen(source: Source) -> None:
    functions = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [each.name for each in functions if lines_of(each) > LONGEST_FUNCTION]


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines there are besides the docstring."""
    first = function.body[0] if ast.get_docstring(function) else None
    said = 0 if first is None else (first.end_lineno or first.lineno) - first.lineno + 1
    return (function.end_lineno or function.lineno) - function.lineno + 1 - said


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    documents = [path for path in ROOT.glob("*.md") if path.is_file()]
    texts = {str(source): source.text for source in EVERYWHERE}
    texts |= {path.name: path.read_text(encoding="utf-8") for path in documents}
    assert not [name for name, text in texts.items() if later.search(text)]


SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)")
REASONED = re.compile(
    r"#\s*noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*\s+(-{1,2}\s+)?\w"
    r"|#\s*type:\s*ignore\[[\w, -]+\]\s+#\s(-{1,2}\s+)?\w"
)


def test_whatever_silences_a_checker_says_why() -> None:
    bare = [
        f"{source}:{number}"
        for source in EVERYWHERE
        for number, line in enumerate(source.text.splitlines(), start=1)
        if SILENCED.search(line) and not REASONED.search(line)
    ]
    assert not bare


def test_no_module_is_empty_and_each_says_what_lives_there() -> None:
    assert not [str(source) for source in sources(*ROOMS) if not ast.get_docstring(source.tree)]
