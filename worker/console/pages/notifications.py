"""What producers were told, or are owed: listed, told whole, delivered once more."""

from typing import Final

from starlette.responses import Response

from schemas.told import OwedView
from worker.console.routes import Route, action, page
from worker.console.visit import Visit
from worker.errors import NotFound
from worker.store import redeliveries
from worker.store.deeds import Act, note_alone
from worker.store.redeliveries import Replay
from worker.store.tables_told import NotificationState
from worker.store.views_notifications import Sought, named, owed, owed_story

_MOST: Final = 100


async def listing(visit: Visit) -> Response:
    """Notifications, newest first."""
    state = visit.asked("state")
    sought = Sought(
        producer=visit.asked("producer"),
        endpoint=visit.asked("endpoint"),
        order_id=visit.asked_id("order"),
        state=state if state in {*NotificationState} else None,
    )
    found = await owed(visit.db, sought, limit=_MOST)
    return visit.page(
        "notifications.html", notifications=found, states=[*NotificationState], most=_MOST
    )


async def show(visit: Visit) -> Response:
    """One of them: what it says, with codes hidden, and each delivery."""
    return await _tell(visit, await _there(visit), reveal=False)


async def reveal(visit: Visit) -> Response:
    """The same with the delivered codes, in this one answer; recorded first."""
    found, why = await _there(visit), visit.form.why()
    deed = visit.hand.deed(Act.REVEALED, order_id=found.order_id, about=found.webhook_id, why=why)
    await note_alone(visit.db, deed)
    return await _tell(visit, found, reveal=True)


async def _tell(visit: Visit, found: OwedView, *, reveal: bool) -> Response:
    told = await owed_story(visit.db, visit.console.vault, found.event_id, reveal=reveal)
    return visit.page("notification.html", told=told, revealed=reveal)


async def replay(visit: Visit) -> Response:
    """Deliver it once more, whatever became of it."""
    found, why = await _there(visit), visit.form.why()
    deed = visit.hand.deed(
        Act.REPLAYED, order_id=found.order_id, about=found.webhook_id, why=why, count=1
    )
    wanted = Replay(event_ids=[found.event_id], by=visit.who.name, why=why, deed=deed)
    await redeliveries.replay(visit.db, wanted)
    return visit.done(f"/notifications/{found.event_id}", "replayed")


async def _there(visit: Visit) -> OwedView:
    found = await named(visit.db, str(visit.id_in("event_id")))
    if not found:
        raise NotFound("There is no such notification.")
    return found[0]


ROUTES: Final[tuple[Route, ...]] = (
    page("/notifications", listing),
    page("/notifications/{event_id}", show),
    action("/notifications/{event_id}/reveal", reveal),
    action("/notifications/{event_id}/replay", replay),
)
