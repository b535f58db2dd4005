"""What people did: the record of it, the latest first."""

from typing import Final

from starlette.responses import Response

from worker.console.routes import page
from worker.console.visit import Visit
from worker.store.deeds import deeds

_PAGE: Final = 100


async def listing(visit: Visit) -> Response:
    """Deeds, of everybody or of one."""
    found = await deeds(
        visit.db, by=visit.asked("by"), before=visit.asked_id("before"), limit=_PAGE
    )
    older = found[-1].deed_id if len(found) == _PAGE else None
    return visit.page("audit.html", deeds=found, older=older)


ROUTES: Final = (page("/audit", listing),)
