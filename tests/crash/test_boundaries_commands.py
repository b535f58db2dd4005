"""The command killed at its own commits, and run again: nothing is doubled, and nothing is half."""

import asyncio

import pytest

from tests.crash.moments import Moment, both_sides
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import adobe, hyper
from worker.store.session import Boundary


@pytest.mark.parametrize("moment", both_sides(Boundary.CANCEL), ids=str)
async def test_a_wish_is_answered_once_however_often_it_was_uttered(
    works: Works, moment: Moment
) -> None:
    await works.start_worker("worker")
    await works.start_beat()
    await works.submit(hyper("h", 38, lines=2), adobe("a"))
    await works.until_states("placed", of="h")
    await works.until_dead(works.orderline("killed", "cancel", "h", crash_at=moment), moment)
    assert await _ended(works.orderline("again", "cancel", "h", "--wait", "30")) == 0
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"h": "cancelled", "a": "fulfilled"}
    told = [body["type"] for body in works.receiver.received.first.values()]
    assert told.count("line.cancelled") == 2


@pytest.mark.parametrize("moment", both_sides(Boundary.PRODUCER), ids=str)
async def test_a_producer_is_registered_once_and_with_its_secret(
    works: Works, moment: Moment
) -> None:
    add = ("producers", "add", "late-shop", "--notify-url", works.receiver.hook("late-shop"))
    await works.until_dead(works.orderline("killed", *add, crash_at=moment), moment)
    code = await _ended(works.orderline("again", *add))
    assert code == (0 if moment.side == "before" else 1)
    assert works.said("again", "registered already") is (moment.side == "after")
    known = [row.name for row in await works.all("SELECT name FROM producers ORDER BY name")]
    assert known == ["late-shop", "shop"]


async def _ended(command: Child) -> int | None:
    return await asyncio.to_thread(command.wait, PATIENCE)
