"""What could not become an order: listed, shown, taken in again, dropped."""

from typing import Final

from starlette.responses import Response

from schemas.ids import QuarantineId
from schemas.quarantine import Became, QuarantineView
from worker.console.refusals import Conflict
from worker.console.routes import Route, action, page
from worker.console.visit import Visit
from worker.errors import NotFound
from worker.operating.retrying import Retry, Told, kept_text
from worker.store import quarantine
from worker.store.deeds import Act, Deed, note_alone
from worker.store.open_orders import OpenOrders
from worker.store.quarantine import Decided
from worker.store.views_quarantine import Sought, entry_story, find_entries, quarantined

_MOST: Final = 100
_TAKEN: Final = frozenset({Became.ACCEPTED, Became.REPEATED, Became.TO_CANCEL})


async def listing(visit: Visit) -> Response:
    """Entries, newest first: who, where and why."""
    code = visit.asked("code")
    sought = Sought(
        producer=visit.asked("producer"),
        codes=() if code is None else (code,),
        closed_too=visit.asked("closed") is not None,
    )
    found = await quarantined(visit.db, sought, limit=_MOST)
    return visit.page("quarantine.html", entries=found, most=_MOST)


async def show(visit: Visit) -> Response:
    """Everything about one entry but what it says."""
    return await _tell(visit, text=None)


async def reveal(visit: Visit) -> Response:
    """What it says, too, in this one answer; that it was asked for is recorded first."""
    entry, why = await _there(visit), visit.form.why()
    await note_alone(visit.db, _deed(visit, entry, Act.REVEALED, why))
    kept = await kept_text(visit.db, visit.console.vault, entry.quarantine_id, as_arrived=False)
    return await _tell(visit, text=kept.newest.raw.decode(errors="replace"))


async def _tell(visit: Visit, *, text: str | None) -> Response:
    entry = await _there(visit)
    told = await entry_story(visit.db, visit.console.vault, entry.quarantine_id)
    return visit.page("entry.html", told=told, text=text)


async def retry(visit: Visit) -> Response:
    """Take it in again, as it is now: what was in its way may be gone."""
    entry, why, console = await _there(visit), visit.form.why(), visit.console
    again = Retry(
        db=visit.db,
        vault=console.vault,
        settings=console.settings,
        open_orders=OpenOrders(console.settings.open_per_producer),
        mend=lambda raw: raw,
    )
    deed = _deed(visit, entry, Act.RETRIED, why)
    told = await again.take_in(entry, Decided(by=visit.who.name, why=why, deed=deed))
    return _came_to(visit, entry, told)


def _came_to(visit: Visit, entry: QuarantineView, told: Told) -> Response:
    here = f"/quarantine/{entry.quarantine_id}"
    if told.result in _TAKEN:
        return visit.done(here if told.order_id is None else f"/orders/{told.order_id}", "retried")
    if told.result is Became.FAULTY:
        return visit.done(here, "still-faulty")
    raise Conflict(told.detail or "It stays as it is.")


async def drop(visit: Visit) -> Response:
    """Close it: nothing is to become of it, and its producer is told."""
    entry, why = await _there(visit), visit.form.why()
    decided = Decided(by=visit.who.name, why=why, deed=_deed(visit, entry, Act.DROPPED, why))
    await quarantine.drop(visit.db, QuarantineId(entry.quarantine_id), decided)
    return visit.done(f"/quarantine/{entry.quarantine_id}", "dropped")


def _deed(visit: Visit, entry: QuarantineView, act: Act, why: str) -> Deed:
    return visit.hand.deed(act, about=f"quarantine/{entry.quarantine_id}", why=why)


async def _there(visit: Visit) -> QuarantineView:
    found = await find_entries(visit.db, str(visit.id_in("entry_id")))
    if not found:
        raise NotFound("There is no such entry.")
    return found[0]


ROUTES: Final[tuple[Route, ...]] = (
    page("/quarantine", listing),
    page("/quarantine/{entry_id}", show),
    action("/quarantine/{entry_id}/reveal", reveal),
    action("/quarantine/{entry_id}/retry", retry),
    action("/quarantine/{entry_id}/drop", drop),
)
