"""Our books beside the providers': the newest runs, and in what they differ."""

from typing import Final

from starlette.responses import Response

from schemas.books import DifferenceView
from worker.books import DifferenceKind
from worker.console.routes import Route, action, page
from worker.console.visit import Visit
from worker.errors import NotFound
from worker.operating.advice import advised
from worker.store.deeds import Act
from worker.store.differences import close as close_difference
from worker.store.views_books import Differing, differences, find_differences, recent_runs

_MOST: Final = 50


async def listing(visit: Visit) -> Response:
    """The newest runs, and the differences that are open."""
    kind = visit.asked("kind")
    wanted = Differing(
        provider=visit.asked("provider"),
        kind=kind if kind in {*DifferenceKind} else None,
        closed_too=visit.asked("closed") is not None,
    )
    found = await differences(visit.db, wanted, limit=_MOST)
    return visit.page(
        "books.html",
        differences=found,
        runs=await recent_runs(visit.db),
        kinds=[*DifferenceKind],
        most=_MOST,
    )


async def show(visit: Visit) -> Response:
    """One difference, and what to do about it."""
    [told] = await advised([await _there(visit)], visit.console.runtime)
    return visit.page("difference.html", told=told)


async def close(visit: Visit) -> Response:
    """Close one that somebody has dealt with."""
    found, why = await _there(visit), visit.form.why()
    about = f"difference/{found.difference_id}"
    deed = visit.hand.deed(Act.DIFFERENCE_CLOSED, order_id=found.order_id, about=about, why=why)
    closed = await close_difference(
        visit.db, found.difference_id, by=visit.who.name, why=why, deed=deed
    )
    return visit.done(f"/books/{found.difference_id}", "closed" if closed else "unchanged")


async def _there(visit: Visit) -> DifferenceView:
    found = await find_differences(visit.db, str(visit.id_in("difference_id")))
    if not found:
        raise NotFound("There is no such difference.")
    return found[0]


ROUTES: Final[tuple[Route, ...]] = (
    page("/books", listing),
    page("/books/{difference_id}", show),
    action("/books/{difference_id}/close", close),
)
