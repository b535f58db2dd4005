"""The purge killed at its commits, and run again: an order or its tombstone, never half of both.

What is killed may have done part of its batches; the next run finds the rest, and nothing more.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.crash.moments import Moment
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.sides import one_side
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import feedback, gifthub, hyper
from worker.store.session import Boundary

_ORDERS = "SELECT id, intent_id, intent::text AS said, erased_at FROM orders"
_TOMBSTONES = "SELECT order_id, intent_id FROM tombstones"
_WHOLE = """
SELECT o.id FROM orders o JOIN lines l ON l.order_id = o.id JOIN events e ON e.order_id = o.id
JOIN attempts a ON a.order_id = o.id JOIN notifications n ON n.event_id = e.id
JOIN deliveries d ON d.event_id = e.id
"""
_EMAIL = "f@example.com"

OLD, YOUNG = timedelta(days=91), timedelta(days=15)


@pytest.mark.parametrize(
    ("moment", "age"),
    [*one_side(Boundary.PURGE, OLD), *one_side(Boundary.ERASURE, YOUNG, usual="before")],
    ids=str,
)
async def test_a_purge_that_is_killed_leaves_an_order_or_its_tombstone(
    works: Works, set_clock: Callable[[timedelta], None], age: timedelta, moment: Moment
) -> None:
    worker = await works.start_worker("worker")
    await works.start_beat()
    await works.submit(hyper("h", lines=2), gifthub("g"), feedback("f"))
    await works.until_at_rest()
    await works.until_nothing_waits()
    await check_promises(works)
    bought = works.bought()

    set_clock(age)
    killed = works.run("killed", "tests.crash.victim_purge", CRASH_AT=str(moment))
    await works.until_dead(killed, moment)
    before = await _either_or(works)
    assert before == (set() if moment == Moment(Boundary.PURGE, "after") else {"h", "g", "f"})
    assert await _ended(works.run("again", "tests.crash.victim_purge")) == 0
    assert await _either_or(works) == (set() if age is OLD else {"h", "g", "f"})
    assert not [row for row in await works.all(_ORDERS) if _EMAIL in row.said or not row.erased_at]

    await works.submit(hyper("h", lines=2), gifthub("g"), feedback("f"))
    await works.until_nothing_waits()
    assert (worker.running, works.bought()) == (True, bought)
    assert await works.one("SELECT count(*) FROM quarantine") == 0
    await _either_or(works)


async def _either_or(works: Works) -> set[str]:
    """The orders that are there, each whole; of all others there is a tombstone, and that alone."""
    orders, tombstones = await works.all(_ORDERS), await works.all(_TOMBSTONES)
    assert {row.id for row in orders} == {row.id for row in await works.all(_WHOLE)}
    there, buried = ({row.intent_id for row in rows} for rows in (orders, tombstones))
    assert there | buried == {"h", "g", "f"}
    assert not there & buried
    for table in ("lines", "events", "attempts"):
        of = {row.order_id for row in await works.all(f"SELECT order_id FROM {table}")}  # noqa: S608 -- our own tables
        assert of == {row.id for row in orders}
    return there


async def _ended(process: Child) -> int | None:
    return await asyncio.to_thread(process.wait, PATIENCE)
