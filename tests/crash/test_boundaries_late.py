"""Workers that were frozen (SIGSTOP) until others had gone on without them, and then die.

Each has the provider's yes in its hands, and a lease that is gone. What it knows is not thrown
away: where the order is still in doubt it takes it over, else it notes the answer. It dies at each
of those commits; nothing is bought twice, and nothing it wrote is half.
"""

import signal
from collections.abc import Sequence

import pytest

from tests.crash.moments import ANSWERED, LATE, Moment, both_sides
from tests.crash.nursery import Child
from tests.crash.promises import check_promises
from tests.crash.works import Works
from tests.stories.conftest import hyper
from worker.lifecycle import Step
from worker.sandbox import Outage
from worker.store.session import Boundary

ANSWER_KNOWN = Moment(ANSWERED, about=Step.PLACE)
"""No transaction is open, so nobody waits for whoever stops here."""
UNTIL_WE_SAY = "3600"
"""Seconds. None may find another's lease at its end: it would stop with that order locked."""
WHILE_IN_DOUBT = [*both_sides(Boundary.CLAIM, LATE), *both_sides(Boundary.SETTLE, LATE)]
GONE_ON = both_sides(Boundary.LATE)


@pytest.mark.parametrize(("in_doubt", "gone_on"), [(WHILE_IN_DOUBT, GONE_ON)], ids=["all"])
async def test_workers_that_come_back_too_late_and_die_leave_nothing_half(
    works: Works, in_doubt: Sequence[Moment], gone_on: Sequence[Moment]
) -> None:
    frozen: list[tuple[Child, Moment]] = []
    for number, moment in enumerate([*in_doubt, *gone_on]):
        await works.accept(hyper(f"h{number}"))
        late = await works.start_worker(
            f"late{number}",
            freeze_at=ANSWER_KNOWN,
            crash_at=moment,
            ORDERLINE_LEASE_MARGIN=UNTIL_WE_SAY,
        )
        await works.until_frozen(late, ANSWER_KNOWN)
        frozen.append((late, moment))

    await works.sandbox.outage("hyperteknoloji", Outage.UNAVAILABLE)
    await works.end_long_leases()
    await works.start_worker("heir")
    await works.start_beat()
    await works.until(lambda: _all_in_doubt(works), "the heir has its doubts about every order")
    await _resume(works, frozen[: len(in_doubt)])
    await works.end_long_leases()

    await works.sandbox.outage("hyperteknoloji", seconds=0)
    await works.until_at_rest()
    await _resume(works, frozen[len(in_doubt) :])

    await works.until_at_rest()
    await check_promises(works)
    assert set((await works.states()).values()) == {"fulfilled"}


async def _all_in_doubt(works: Works) -> bool:
    return set((await works.states()).values()) == {"in_doubt"}


async def _resume(works: Works, frozen: list[tuple[Child, Moment]]) -> None:
    for late, moment in frozen:
        late.signal(signal.SIGCONT)
        await works.until_dead(late, moment)
