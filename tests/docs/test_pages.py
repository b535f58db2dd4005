"""The pages under ``docs`` say what is there, and each decision says all of its parts."""

import ast
import re
from datetime import timedelta
from typing import Any

import pytest

from tests.docs.pages import DECISIONS, DOCS, PAGES, ROOT, blocks, headings, paths, text_of
from worker.books import Books
from worker.capabilities import Capabilities, Doubt
from worker.decisions.resolutions import Resolution
from worker.providers.gifthub import ADAPTER
from worker.store.tables import SurplusDecision

ADD_A_PROVIDER = "docs/how-to/add-a-provider.md"
PARTS = ["Context", "Decision", "What was measured", "Consequences", "What would change our mind"]
ON_THE_WAY = "acme"
"""The provider that a reader makes; there is none yet."""


def test_eight_decisions_are_numbered_and_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    assert [page[len("docs/adr/") :][:4] for page in DECISIONS] == [
        f"{number:04}" for number in range(1, 9)
    ]
    assert [page for page in PAGES if f"({page.removeprefix('docs/')})" not in index] == []


@pytest.mark.parametrize("page", DECISIONS)
def test_a_decision_has_all_of_its_parts_on_one_page(page: str) -> None:
    number = int(page[len("docs/adr/") :][:4])
    assert text_of(page).startswith(f"# {number}. ")
    assert headings(page) == PARTS
    assert len(text_of(page).splitlines()) <= 60


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = [path for path in paths(page) if ON_THE_WAY not in path]
    assert [path for path in named if not [*ROOT.glob(path)]] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_decision_about_an_order_that_is_named_can_be_made(page: str) -> None:
    named = set(re.findall(r"--as ([a-z]+)", text_of(page)))
    assert named <= {*Resolution, *SurplusDecision}


# --- code of ours that a page shows ---------------------------------------------------------------


def shown() -> tuple[str, str]:
    """Gifthub's placing call and its capabilities, as the page has them."""
    placing, declared = [each.text for each in blocks(ADD_A_PROVIDER) if each.language == "python"]
    return placing, declared


def test_the_call_that_is_shown_is_the_adapters() -> None:
    """But for types, the docstring, and arguments that it does not use."""
    module = ast.parse((ROOT / "worker/providers/gifthub/adapter.py").read_text(encoding="utf-8"))
    [real] = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "place"
    ]
    [told] = ast.parse(shown()[0]).body
    assert isinstance(told, ast.AsyncFunctionDef)
    body = [line for line in real.body[1:] if not isinstance(line, ast.Delete)]
    assert [*map(ast.unparse, told.body)] == [*map(ast.unparse, body)]
    assert [each.arg for each in told.args.args] == [each.arg for each in real.args.args]


def test_the_capabilities_that_are_shown_are_the_adapters() -> None:
    names: dict[str, Any] = {
        "Capabilities": Capabilities,
        "Doubt": Doubt,
        "Books": Books,
        "timedelta": timedelta,
    }
    exec(shown()[1], names)  # noqa: S102 -- our own document
    assert names["capabilities"] == ADAPTER.capabilities


def test_every_kind_of_doubt_is_explained() -> None:
    text = text_of("docs/explanation/what-doubt-is.md")
    assert [kind for kind in Doubt if f"| `{kind}` |" not in text] == []
