"""Killed where the record of a delivery disables an endpoint, and where the command enables it."""

import asyncio

import pytest

from tests.crash.moments import Moment, both_sides
from tests.crash.promises import check_promises
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import hyper
from worker.store.session import Boundary

_STATE = "SELECT disabled_because FROM endpoints"
_TOLD = "SELECT type FROM events WHERE endpoint IS NOT NULL ORDER BY at"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recorded", "enabled"),
    [*zip(both_sides(Boundary.DELIVERY), both_sides(Boundary.PRODUCER), strict=True)],
    ids=str,
)
async def test_an_endpoint_that_is_gone_is_disabled_once_and_enabled_once(
    works: Works, recorded: Moment, enabled: Moment
) -> None:
    works.receiver.is_gone = True
    victim = await works.start_worker("victim", crash_at=recorded)
    await works.start_beat()
    await works.submit(hyper("h"))
    await works.until_dead(victim, recorded)
    known = recorded.side == "after"
    assert await works.one(_STATE) == ("gone" if known else None)
    await works.start_worker("heir")

    async def disabled() -> bool:
        return bool(await works.one(_STATE) == "gone")

    await works.until(disabled, "it is disabled")
    await works.until_states("fulfilled", of="h")
    assert works.receiver.gone == (1 if known else 2), "at most a repeat"
    works.receiver.is_gone = False
    enable = ("endpoints", "enable", works.receiver.hook("shop"), "--why", "back", "--by", "ada")
    await works.until_dead(works.orderline("killed", *enable, crash_at=enabled), enabled)
    again = works.orderline("again", *enable)
    code = await asyncio.to_thread(again.wait, PATIENCE)
    assert code == (0 if enabled.side == "before" else 1)
    await works.until_at_rest()
    await check_promises(works)
    told = [row.type for row in await works.all(_TOLD)]
    assert told == ["endpoint.disabled", "endpoint.enabled"]
