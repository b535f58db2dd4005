"""After everything that a provider can do its books and ours agree, but for what nobody can tell.

What Threekit recorded with an empty cart is there and is not what was ordered, so it stays in
doubt. Gifthub calls an order partial of which no card has come, so for us it is only accepted.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.stories.conftest import Story, adobe, gifthub, hyper, threekit
from worker.sandbox.remotes.adobe_vipm.magic import OFFERS
from worker.sandbox.remotes.gifthub.magic import SKUS
from worker.sandbox.remotes.hyperteknoloji.magic import PRODUCTS
from worker.sandbox.remotes.threekit.magic import CONFIGURATIONS
from worker.store.tables_books import RunState

SEEN: Final = """
SELECT o.intent_id, o.state, d.kind, d.rule, d.handling
FROM differences d LEFT JOIN orders o ON o.id = d.order_id ORDER BY 1, 3
"""
OPEN: Final[dict[str, list[tuple[str | None, ...]]]] = {
    "threekit": [("sandbox-empty-cart", "in_doubt", "missing_here", "attach", None)],
    "gifthub": [("sandbox-partial-final", "placed", "status_differs", "move", None)],
}
EVERY: Final[dict[str, tuple[Callable[..., dict[str, Any]], list[Any]]]] = {
    "hyperteknoloji": (hyper, [each.value for each in PRODUCTS]),
    "gifthub": (gifthub, [each.value for each in SKUS]),
    "threekit": (threekit, [each.value for each in CONFIGURATIONS]),
    "adobe_vipm": (adobe, [each.value for each in OFFERS]),
}


@pytest.mark.slow
@pytest.mark.parametrize("provider", EVERY)
async def test_after_everything_that_a_provider_can_do_the_books_agree(
    story: Story, provider: str
) -> None:
    ask, magic = EVERY[provider]
    await story.submit(*[ask(f"{value}", value) for value in magic])
    await story.play(limit=timedelta(minutes=20))
    [run] = [run for run in await story.reconcile() if run.provider == provider]
    assert (run.state, run.orders) == (RunState.DONE, len(magic))
    assert [tuple(row) for row in await story.all(SEEN)] == OPEN.get(provider, [])
