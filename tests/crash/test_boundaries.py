"""A worker killed (SIGKILL) at a commit: whatever it was doing, another one finishes it.

An order whose call was open when its worker died is looked up: it is bought once or, where the
provider's list is no proof, parked. Where the provider knows a request again, it is sent again as
it was. Nothing else is ever in doubt.
"""

import pytest

from tests.crash.conftest import Works
from tests.stories.conftest import adobe, gifthub, hyper
from worker.store.session import Boundary

SIDES = ("before", "after")
ORDERS = [
    Boundary.INTAKE,
    Boundary.CLAIM,
    Boundary.ATTEMPT,
    Boundary.SETTLE,
    Boundary.DELIVERY,
]
AROUND = [Boundary.TOKEN_CLAIM, Boundary.TOKEN_RENEWED, Boundary.BELL]

DEATHS = [pytest.param(at, side, id=f"{side}-{at}") for at in ORDERS for side in SIDES] + [
    pytest.param(at, side, id=f"{side}-{at}", marks=pytest.mark.slow)
    for at in AROUND
    for side in SIDES
]


_IN_A_CALL = """
SELECT EXISTS (
    SELECT FROM attempts a JOIN orders o ON o.id = a.order_id
    WHERE a.outcome IS NULL AND o.intent_id = 'h'
)
"""


@pytest.mark.parametrize(("boundary", "side"), DEATHS)
async def test_what_a_killed_worker_leaves_is_finished_once(
    works: Works, boundary: Boundary, side: str
) -> None:
    victim = await works.start_worker("victim", CRASH_AT=f"{boundary}/{side}")
    await works.start_beat()
    await works.submit(hyper("h", lines=2), gifthub("g"), adobe("a"))
    await works.until(lambda: not victim.running, f"the worker died {side} {boundary}")
    in_a_call = await works.one(_IN_A_CALL)
    await works.start_worker("heir")
    await works.until_at_rest(orders=3)

    states = await works.states()
    assert states["g"] == states["a"] == "fulfilled"
    assert states["h"] in ({"fulfilled", "parked"} if in_a_call else {"fulfilled"})
    assert works.bought() == sum(state == "fulfilled" for state in states.values())
    assert works.receiver.received.forged == 0
    assert works.receiver.received.out_of_order == 0
    assert len(works.receiver.received.first) == await works.one(
        "SELECT count(*) FROM notifications"
    )
