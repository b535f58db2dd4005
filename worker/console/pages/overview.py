"""How everything stands: the first page, and what its script looks at."""

from typing import Any, Final

from starlette.responses import Response

from schemas.operators import Standing
from schemas.orders import distance, stamp
from worker.console.routes import live, page
from worker.console.visit import Visit
from worker.lifecycle import OrderState
from worker.operating.rests import every_account
from worker.store.views import orders
from worker.store.views_standing import standing

_RECENT: Final = 8
_OPEN: Final = (
    OrderState.ACCEPTED,
    OrderState.PLACING,
    OrderState.QUOTED,
    OrderState.CONFIRMING,
    OrderState.PLACED,
    OrderState.IN_DOUBT,
    OrderState.PARKED,
)


async def overview(visit: Visit) -> Response:
    """Counts, accounts and the newest orders."""
    found = await standing(visit.db, whole=True)
    return visit.page(
        "overview.html",
        counts=counts(found),
        states=[(str(state), found.states.get(state, 0)) for state in _OPEN],
        ended=sorted(found.ended.items()),
        accounts=await every_account(visit.db, visit.console.settings),
        orders=await orders(visit.db, limit=_RECENT),
        as_of=found.as_of,
    )


async def look(visit: Visit) -> Response:
    """The counts alone, for the page's script."""
    found = await standing(visit.db, whole=False)
    states = {f"state:{state}": str(found.states.get(state, 0)) for state in _OPEN}
    return visit.facts({**counts(found), **states, "as-of": stamp(found.as_of)})


def counts(found: Standing) -> dict[str, Any]:
    """What is shown live, by name."""
    overdue = "" if found.overdue_since is None else distance(found.overdue_since, found.as_of)
    waiting = "" if found.waiting_since is None else distance(found.waiting_since, found.as_of)
    told = {
        "overdue": str(found.overdue),
        "overdue-since": overdue,
        "in-doubt": str(found.states.get(OrderState.IN_DOUBT, 0)),
        "parked": str(found.states.get(OrderState.PARKED, 0)),
        "surplus": str(found.surplus),
        "ending": str(found.ending),
        "quarantined": str(found.quarantined),
        "waiting": str(found.waiting),
        "waiting-since": waiting,
        "resting": str(found.resting),
        "troubled": str(found.troubled),
        "differences": str(found.differences),
    }
    return told if found.exhausted is None else {**told, "exhausted": str(found.exhausted)}


ROUTES: Final = (page("/", overview), live("/live", look))
