"""Where notifications go, and whether they arrive; endpoints enabled and disabled."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from schemas.endpoints import EndpointView
from worker.console.refusals import Conflict
from worker.console.routes import Route, action, page
from worker.console.visit import Visit
from worker.errors import NotFound
from worker.lanes import Lane
from worker.store import endpoints, redeliveries
from worker.store.deeds import Act
from worker.store.endpoints import Decision
from worker.store.redeliveries import Replay
from worker.store.session import Database
from worker.store.tables_told import NotificationState
from worker.store.views_endpoints import Reached, endpoint_story, find_endpoints
from worker.store.views_endpoints import endpoints as read_endpoints
from worker.store.views_notifications import Sought, owed

_MOST: Final = 100
_REPLAYED: Final = 1000
_STATES: Final = ("ok", "failing", "resting", "disabled")

Switch = Callable[[Database, Lane, Decision], Awaitable[int | None]]


async def listing(visit: Visit) -> Response:
    """Endpoints, those in trouble first."""
    state = visit.asked("state")
    reached = Reached(producer=visit.asked("producer"), state=state if state in _STATES else None)
    found = await read_endpoints(visit.db, reached, limit=_MOST)
    return visit.page("endpoints.html", endpoints=found, states=_STATES, most=_MOST)


async def show(visit: Visit) -> Response:
    """One of them: how it stands, what happened to it, the newest tries."""
    found = await _there(visit, visit.asked("producer"), visit.asked("url"))
    told = await endpoint_story(visit.db, (found.producer, found.url))
    return visit.page("endpoint.html", told=told, endpoint=told.endpoint)


async def enable(visit: Visit) -> Response:
    """Send there again; what waits goes out at once."""
    return await _switch(visit, endpoints.enable, Act.ENABLED, "enabled")


async def disable(visit: Visit) -> Response:
    """Send nothing there; what it is owed waits."""
    return await _switch(visit, endpoints.disable, Act.DISABLED, "disabled")


async def _switch(visit: Visit, switch: Switch, act: Act, done: str) -> Response:
    found, why = await _meant(visit), visit.form.why()
    deed = visit.hand.deed(act, about=_name(found), why=why)
    decision = Decision(by=visit.who.name, why=why, deed=deed)
    changed = await switch(visit.db, (found.producer, found.url), decision)
    return visit.done(_page_of(found), "unchanged" if changed is None else done)


async def replay(visit: Visit) -> Response:
    """Deliver once more what was given up there, the oldest first."""
    found, why = await _meant(visit), visit.form.why()
    sought = Sought(producer=found.producer, endpoint=found.url, state=NotificationState.EXHAUSTED)
    given_up = await owed(visit.db, sought, limit=_REPLAYED, order="oldest first")
    if not given_up:
        raise Conflict("Nothing was given up there.")
    deed = visit.hand.deed(Act.REPLAYED, about=_name(found), why=why, count=len(given_up))
    ids = [each.event_id for each in given_up]
    wanted = Replay(event_ids=ids, by=visit.who.name, why=why, deed=deed)
    await redeliveries.replay(visit.db, wanted)
    return visit.done(_page_of(found), "replayed")


async def _meant(visit: Visit) -> EndpointView:
    return await _there(visit, visit.form.word("producer"), visit.form.word("url"))


async def _there(visit: Visit, producer: str | None, url: str | None) -> EndpointView:
    found = await find_endpoints(visit.db, url or "", producer)
    exact = [each for each in found if (each.producer, each.url) == (producer, url)]
    if not exact:
        raise NotFound("There is no such endpoint.")
    return exact[0]


def _name(found: EndpointView) -> str:
    return f"{found.url} of {found.producer}"


def _page_of(found: EndpointView) -> str:
    return f"/endpoint?{urlencode({'producer': found.producer, 'url': found.url})}"


ROUTES: Final[tuple[Route, ...]] = (
    page("/endpoints", listing),
    page("/endpoint", show),
    action("/endpoint/enable", enable),
    action("/endpoint/disable", disable),
    action("/endpoint/replay", replay),
)
