"""A worker killed (SIGKILL) at a commit: whatever it was doing, another one finishes it.

Every commit that a worker makes by itself, of every step, before and after. An order whose call
was open when its worker died is looked up: it is bought once or, where the provider's list is no
proof, parked. Where the provider knows a request again, it is sent again as it was. Nothing else
is ever in doubt.

Elsewhere: ``test_boundaries_late`` (workers that lost their lease), ``test_boundaries_stopping``
(workers that were asked to stop), ``test_boundaries_commands`` (the command's commits),
``test_boundaries_ended`` (the purge). A house test sees that no boundary is left out.
"""

from collections.abc import Sequence
from itertools import count

import pytest

from tests.crash.baskets import (
    CALLED_BACK,
    DOUBTFUL,
    PLACED,
    POLLED,
    REPLAYED,
    RETRIED,
    UNWANTED,
    Basket,
    doubtful,
)
from tests.crash.moments import AGAIN, HEARD, RUNG, Moment, both_sides
from tests.crash.promises import check_promises
from tests.crash.works import Works
from worker.lifecycle import Step
from worker.store.session import Boundary

_B, _S = Boundary, Step

LONGEST_WINDOW = 100.0
"""Seconds: an order whose harmless call is lost once too often waits until its quote ends."""

DEATHS: dict[str, tuple[Basket, list[Moment]]] = {
    "accepted": (PLACED, both_sides(_B.INTAKE)),
    "placed": (
        PLACED,
        [
            *both_sides(_B.TOKEN_CLAIM),
            *both_sides(_B.TOKEN_RENEWED),
            *both_sides(_B.CLAIM, _S.PLACE),
            *both_sides(_B.ATTEMPT, _S.PLACE, _S.CONFIRM),
            *both_sides(_B.SETTLE, _S.PLACE, _S.CONFIRM),
            *both_sides(_B.DELIVERY),
        ],
    ),
    "polled": (
        POLLED,
        [
            *both_sides(_B.CLAIM, _S.POLL),
            *both_sides(_B.SETTLE, _S.POLL),
            *both_sides(_B.BELL, RUNG, HEARD),
            *both_sides(_B.NOTIFICATION_CLAIM),
        ],
    ),
    "called-back": (CALLED_BACK, both_sides(_B.CALLBACK)),
    "doubtful": (
        DOUBTFUL,
        [*both_sides(_B.CLAIM, _S.RECONCILE), *both_sides(_B.SETTLE, _S.RECONCILE)],
    ),
    "retried": (
        RETRIED,
        [*both_sides(_B.CLAIM, _S.CONFIRM), *both_sides(_B.TURN), *both_sides(_B.CLOCKS)],
    ),
    "replayed": (REPLAYED, both_sides(_B.ATTEMPT, AGAIN)),
    "unwanted": (
        UNWANTED,
        [
            *both_sides(_B.CLAIM, _S.CANCEL),
            *both_sides(_B.ATTEMPT, _S.CANCEL),
            *both_sides(_B.SETTLE, _S.CANCEL),
        ],
    ),
}


@pytest.mark.parametrize(("basket", "moments"), DEATHS.values(), ids=DEATHS)
async def test_worker_after_worker_is_killed_and_the_last_one_finishes_everything(
    works: Works, basket: Basket, moments: Sequence[Moment]
) -> None:
    """Each has a basket of its own to die of, and all that those before it left."""
    await works.start_beat()
    parkable: set[str] = set()
    for number, moment in zip(count(), moments, strict=False):
        victim = await works.start_worker(f"victim{number}", crash_at=moment)
        await basket.submit(works, victim, number)
        await works.until_dead(victim, moment)
        parkable |= await doubtful(works)
    await _finished_by_an_heir(works, basket, parkable)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("basket", "moment"),
    [
        pytest.param(basket, moment, id=f"{name}-{moment}")
        for name, (basket, moments) in DEATHS.items()
        for moment in moments
    ],
)
async def test_what_a_killed_worker_leaves_is_finished_once(
    works: Works, basket: Basket, moment: Moment
) -> None:
    victim = await works.start_worker("victim", crash_at=moment)
    await works.start_beat()
    await basket.submit(works, victim)
    await works.until_dead(victim, moment)
    await _finished_by_an_heir(works, basket, await doubtful(works))


async def _finished_by_an_heir(works: Works, basket: Basket, parkable: set[str]) -> None:
    await works.start_worker("heir")
    await works.until_at_rest(patience=LONGEST_WINDOW)
    if basket in (PLACED, CALLED_BACK):
        await works.until_nothing_waits()
    await check_promises(works, may_be_parked=parkable)
    await basket.check_ends(works, doubtful=parkable)
