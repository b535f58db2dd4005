"""Books of many orders are read in seconds, by every adapter that reads a list."""

import time
from datetime import UTC, datetime

import pytest

from tests.providers.collected import suites_of
from tests.providers.trial import Trial
from worker.books import BookPage
from worker.providers import REGISTRY
from worker.sandbox import Sandbox

MANY = 10_000
LISTING = {
    suite.provider: suite.books_shelf
    for name in REGISTRY
    for suite in suites_of(name)
    if suite.books_shelf is not None
}
"""The shelves with a list, by provider."""


@pytest.mark.parametrize(("provider", "shelf"), LISTING.items(), ids=LISTING)
async def test_many_orders_are_read_page_by_page(
    sandbox: Sandbox, provider: str, shelf: str
) -> None:
    for _ in range(MANY):
        sandbox.tamper(provider, "add", shelf=shelf or None)
    found: set[str] = set()
    async with Trial(sandbox, provider) as trial:
        began, page = time.monotonic(), None
        while True:
            read = await trial.read(shelf, datetime(2000, 1, 1, tzinfo=UTC), page)
            assert isinstance(read, BookPage)
            found |= {one.provider_ref for one in read.entries}
            if (page := read.next_page) is None:
                break
    assert len(found) == MANY
    assert time.monotonic() - began < 60
