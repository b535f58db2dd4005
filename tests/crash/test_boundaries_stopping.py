"""A worker that was asked to stop (SIGTERM) and is killed while it gives its leases back."""

import signal

import pytest

from tests.crash.moments import Moment
from tests.crash.promises import check_promises
from tests.crash.sides import one_side
from tests.crash.works import Works
from tests.stories.conftest import hyper
from worker.store.session import Boundary


@pytest.mark.parametrize("moment", one_side(Boundary.RELEASE), ids=str)
async def test_a_delivery_cut_by_a_stop_is_made_by_another_worker(
    works: Works, moment: Moment
) -> None:
    works.receiver.hold()
    victim = await works.start_worker(
        "victim", crash_at=moment, ORDERLINE_GRACE="1", ORDERLINE_DELIVERY_TIMEOUT="4"
    )
    await works.start_beat()
    await works.submit(hyper("h"))
    await works.until(lambda: works.receiver.held > 0, "a delivery waits for its answer")
    victim.signal(signal.SIGTERM)
    await works.until_dead(victim, moment)
    works.receiver.let_go()
    await works.start_worker("heir")
    await works.until_at_rest()
    await check_promises(works)
