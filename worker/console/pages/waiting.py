"""What waits for a person, and what is in doubt and being looked up."""

from typing import Final

from starlette.responses import Response

from worker.console.routes import page
from worker.console.visit import Visit
from worker.lifecycle import OrderState
from worker.operating.waiting import considered
from worker.store.views import Wanted, orders
from worker.store.views_parked import waiting_for_a_person

_MOST: Final = 20


async def waiting(visit: Visit) -> Response:
    """Parked and surplus orders with their decisions; then those in doubt."""
    wanted = Wanted(producer=visit.asked("producer"), provider=visit.asked("provider"))
    found = await waiting_for_a_person(visit.db, wanted, limit=_MOST)
    if found:
        async with visit.console.runtime() as rt:
            found = await considered(rt, found)
    doubtful = Wanted(
        states=(OrderState.IN_DOUBT,), producer=wanted.producer, provider=wanted.provider
    )
    return visit.page(
        "waiting.html",
        found=found,
        most=_MOST,
        doubtful=await orders(visit.db, doubtful, limit=_MOST),
    )


ROUTES: Final = (page("/waiting", waiting),)
