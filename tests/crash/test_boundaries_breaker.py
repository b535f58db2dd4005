"""Killed where an account's breaker opens, is probed, closes, and where the command pauses it."""

import asyncio

import pytest

from tests.crash.moments import Moment, both_sides
from tests.crash.promises import check_promises
from tests.crash.sides import one_side
from tests.crash.works import PATIENCE, Works
from tests.stories.conftest import gifthub
from worker.sandbox import Outage
from worker.store.session import Boundary

_STATE = "SELECT opened_at IS NOT NULL FROM accounts WHERE provider = 'gifthub'"
_TOLD = "SELECT type FROM events WHERE account IS NOT NULL ORDER BY at, id"
_FEW = "3"


async def _told(works: Works) -> list[str]:
    return [row.type for row in await works.all(_TOLD)]


async def _is_open(works: Works) -> bool:
    return bool(await works.one(_STATE))


@pytest.mark.parametrize(
    "moment", [*one_side(Boundary.CALLS), *one_side(Boundary.BREAKER)], ids=str
)
async def test_a_breaker_opens_once_whoever_dies_of_it_and_closes_again(
    works: Works, moment: Moment
) -> None:
    await works.sandbox.outage("gifthub", Outage.REFUSE)
    victim = await works.start_worker("victim", crash_at=moment, ORDERLINE_BREAKER_CALLS=_FEW)
    await works.start_beat()
    await works.submit(*(gifthub(f"g{n}") for n in range(4)))
    await works.until_dead(victim, moment)
    known = moment == Moment(Boundary.BREAKER, "after")
    assert await _is_open(works) is known
    await works.start_worker("heir", ORDERLINE_BREAKER_CALLS=_FEW)
    await works.until(lambda: _is_open(works), "its breaker is open")
    await works.sandbox.outage("gifthub", seconds=0)
    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}
    assert (await _told(works))[0] == "account.opened"
    assert (await _told(works))[-1] == "account.closed"


@pytest.mark.slow
@pytest.mark.parametrize("moment", both_sides(Boundary.BREAKER), ids=str)
async def test_the_right_to_probe_outlives_nobody_who_dies_with_it(
    works: Works, moment: Moment
) -> None:
    await works.sandbox.outage("gifthub", Outage.REFUSE)
    opener = await works.start_worker("opener", ORDERLINE_BREAKER_CALLS=_FEW)
    await works.start_beat()
    await works.submit(*(gifthub(f"g{n}") for n in range(4)))
    await works.until(lambda: _is_open(works), "its breaker is open")
    opener.signal(15)
    await asyncio.to_thread(opener.wait, PATIENCE)
    await works.sandbox.outage("gifthub", seconds=0)
    prober = await works.start_worker("prober", crash_at=moment, ORDERLINE_BREAKER_CALLS=_FEW)
    await works.until_dead(prober, moment)
    await works.start_worker("heir", ORDERLINE_BREAKER_CALLS=_FEW)
    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


@pytest.mark.parametrize("moment", one_side(Boundary.PAUSE), ids=str)
async def test_an_account_is_paused_whole_or_not(works: Works, moment: Moment) -> None:
    pause = ("pause", "gifthub/default", "--by", "ada")
    await works.until_dead(works.orderline("killed", *pause, crash_at=moment), moment)
    assert len(await _told(works)) == int(moment.side == "after")
    again = works.orderline("again", *pause)
    assert await asyncio.to_thread(again.wait, PATIENCE) == 0
    await works.start_worker("worker")
    await works.start_beat()
    await works.submit(gifthub("g"))
    await works.until_states("accepted", of="g")
    await works.until_nothing_waits()
    assert works.sandbox.hits("gifthub", "create") == 0
    resume = works.orderline("resumed", "resume", "gifthub/default", "--by", "ada")
    assert await asyncio.to_thread(resume.wait, PATIENCE) == 0
    await works.until_at_rest()
    await check_promises(works)
    assert await works.states() == {"g": "fulfilled"}
