"""The tables in the documents are those of the figures."""

from pathlib import Path

import pytest

from tests.bench.pages import PAGES, rendered


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_those_of_the_figures(page: Path) -> None:
    assert rendered(page) == page.read_text(encoding="utf-8"), "python -m tests.bench.pages"
