"""A reconciliation killed at its commits, and gone on with: each difference is dealt with once.

The books differ in every way that leads to another commit: an order moves, one is gone, one costs
more than allowed, one is there twice, and one is a stranger's. Whoever comes after the lease ends
the run; what was done to an order just before the death is seen by the run after that.
"""

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.crash.moments import Moment, both_sides
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.sides import one_side
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import hyper
from worker.store.session import Boundary

HYPER: Final = "hyperteknoloji"
PAST_THE_LEASE: Final = timedelta(minutes=3)
VICTIM: Final = "tests.crash.victim_books"

_SEEN: Final = """
SELECT o.intent_id, d.kind, d.rule, d.handling, d.closed_at IS NULL AS open
FROM differences d LEFT JOIN orders o ON o.id = d.order_id
"""
_TOLD: Final = """
SELECT o.intent_id, e.type FROM events e JOIN orders o ON o.id = e.order_id
WHERE e.line_id IS NULL
"""

EXPECTED: Final[dict[str | None, tuple[str, str, set[str | None], bool]]] = {
    "moved": ("status_differs", "move", {"moved", "gone"}, False),
    "gone": ("missing_there", "park", {"parked", "gone"}, False),
    "dear": ("price_differs", "alert", {"recorded"}, True),
    "twice": ("surplus_order", "park", {"surplus", "gone"}, False),
    None: ("missing_here", "report", {None}, True),
}
"""What becomes of each. ``gone``: the death came between what was done and its being noted."""
TOLD: Final = sorted([
    *((name, "order.difference_found") for name in ("moved", "gone", "dear", "twice")),
    ("gone", "order.parked"),
    ("dear", "order.charged_above_max"),
    ("twice", "order.surplus_found"),
])  # fmt: skip

OTHERS: Final = {Boundary.RECONCILIATION: (1, 2, 4, 6), Boundary.DIFFERENCE: (1, 3, 4, 5, 7)}
"""Further commits of each kind, in the order in which a run makes them."""


@pytest.mark.parametrize(
    ("moment", "nth"),
    [
        *one_side(Boundary.RECONCILIATION, 3),
        *one_side(Boundary.DIFFERENCE, 2),
        *(
            pytest.param(moment, nth, marks=pytest.mark.slow)
            for boundary, others in OTHERS.items()
            for nth in others
            for moment in both_sides(boundary)
        ),
    ],
    ids=str,
)
async def test_a_run_that_is_killed_is_ended_by_whoever_comes_and_nothing_is_done_twice(
    works: Works, set_clock: Callable[[timedelta], None], moment: Moment, nth: int
) -> None:
    made = await _books_that_differ(works)
    killed = works.run("killed", VICTIM, CRASH_AT=str(moment), CRASH_NTH=str(nth))
    await works.until_dead(killed, moment)
    set_clock(PAST_THE_LEASE)
    for name in ("heir", "next"):
        assert await _ended(works.run(name, VICTIM)) == 0

    runs = await works.all(
        "SELECT state, compared, found FROM reconciliations WHERE asked_by = 'test'"
    )
    assert [row.state for row in runs] == ["done", "done"]
    found = [kind for row in runs for kind, count in row.found.items() for _ in range(count)]
    assert sorted(found) == sorted(kind for kind, *_ in EXPECTED.values())
    rows = {row.intent_id: row for row in await works.all(_SEEN)}
    assert len(await works.all(_SEEN)) == len(rows) == len(EXPECTED)
    for intent_id, (kind, rule, handlings, is_open) in EXPECTED.items():
        row = rows[intent_id]
        assert (row.kind, row.rule, row.open) == (kind, rule, is_open)
        assert row.handling in handlings
    assert sorted(tuple(row) for row in await works.all(_TOLD)) == TOLD
    assert await works.all("SELECT FROM book_entries") == []
    assert [row.provider_ref for row in await works.all("SELECT * FROM surplus_orders")] == made[:1]

    for order_id in made:  # somebody gives back what is one too many
        works.sandbox.tamper(HYPER, "remove", order_id=order_id)
    await works.start_worker("worker")
    await works.start_beat()
    await works.until_at_rest()
    await check_promises(works, may_be_parked={"gone"})
    assert await works.states() == {
        "moved": "fulfilled", "gone": "parked", "dear": "fulfilled", "twice": "fulfilled",
    }  # fmt: skip


async def _books_that_differ(works: Works) -> list[str]:
    """Orders at rest, as far as they come, and their books changed; what is there for nobody.

    Beat, as it starts, has the books held beside each other, too: that is over by then.
    """
    quote = {"max_total": "40.00", "currency": "TRY", "quoted_at": datetime.now(UTC).isoformat()}
    running = [await works.start_worker("first"), await works.start_beat()]
    await works.submit(
        hyper("moved", 38), hyper("gone", 38), hyper("dear", quote=quote), hyper("twice")
    )
    for name, state in {
        "moved": "placed", "gone": "placed", "dear": "fulfilled", "twice": "fulfilled",
    }.items():  # fmt: skip
        await works.until_states(state, of=name)
    await works.until_nothing_waits()
    await works.until(lambda: _beats_runs_are_over(works), "beat's own runs are over")
    for child in running:
        child.signal(signal.SIGKILL)
        assert await _ended(child) is not None
    refs: dict[str, Any] = {
        row.intent_id: row.provider_ref for row in await works.all("SELECT * FROM orders")
    }
    works.sandbox.tamper(HYPER, "status", order_id=refs["moved"], to=1)
    works.sandbox.tamper(HYPER, "remove", order_id=refs["gone"])
    works.sandbox.tamper(HYPER, "price", order_id=refs["dear"], to="99.00")
    twin = works.sandbox.tamper(HYPER, "copy", order_id=refs["twice"])
    return [*twin, *works.sandbox.tamper(HYPER, "add")]


async def _beats_runs_are_over(works: Works) -> bool:
    runs = await works.all("SELECT state FROM reconciliations WHERE provider = 'hyperteknoloji'")
    return {row.state for row in runs} == {"done"}


async def _ended(process: Child) -> int | None:
    return await asyncio.to_thread(process.wait, PATIENCE)
