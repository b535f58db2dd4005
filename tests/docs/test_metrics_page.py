"""The list of metrics that people read is the one that the code has."""

from tests.docs.metrics_page import PAGE, written


def test_the_page_lists_every_metric_as_the_code_has_it() -> None:
    """``python -m tests.docs.metrics_page --write`` makes it so."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page)
