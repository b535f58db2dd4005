"""Provider accounts: their breakers, and pauses made by people."""

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from worker.console.routes import Route, action, page
from worker.console.visit import Visit
from worker.operating.rests import every_account, story_of
from worker.operating.words import Unfit, read_length
from worker.rests import AccountKey
from worker.store import pauses
from worker.store.deeds import Act

_LONGEST: Final = timedelta(days=365)


async def listing(visit: Visit) -> Response:
    """Every account, those that rest first."""
    found = await every_account(visit.db, visit.console.settings)
    return visit.page("accounts.html", accounts=found)


async def show(visit: Visit) -> Response:
    """One account, and what happened to it."""
    told = await story_of(visit.db, visit.console.settings, _key(visit))
    return visit.page("account.html", told=told, account=told.account)


async def pause(visit: Visit) -> Response:
    """Call nothing for its orders until then, or until it is resumed."""
    key, why, said = await _there(visit), visit.form.why(), visit.form.word("lasts")
    length = None if said is None else read_length(said)
    if said is not None and (length is None or not timedelta() < length <= _LONGEST):
        raise Unfit("How long is written like 30m, 2h or 1d, and is at most 365 days.")
    deed = visit.hand.deed(Act.PAUSED, about="/".join(key), why=why, lasts=said)
    await pauses.pause(visit.db, key, length, by=visit.who.name, why=why, deed=deed)
    return visit.done(f"/accounts/{'/'.join(key)}", "paused")


async def resume(visit: Visit) -> Response:
    """Let its orders go on; and, if asked, close its breaker."""
    key, why, breaker = await _there(visit), visit.form.why(), visit.form.ticked("breaker")
    deed = visit.hand.deed(Act.RESUMED, about="/".join(key), why=why, breaker=breaker)
    changed = await pauses.resume(
        visit.db, key, by=visit.who.name, why=why, breaker=breaker, deed=deed
    )
    done = "resumed" if any(changed) else "not-paused"
    return visit.done(f"/accounts/{'/'.join(key)}", done)


async def _there(visit: Visit) -> AccountKey:
    key = _key(visit)
    await story_of(visit.db, visit.console.settings, key)
    return key


def _key(visit: Visit) -> AccountKey:
    return visit.part("provider"), visit.part("account")


ROUTES: Final[tuple[Route, ...]] = (
    page("/accounts", listing),
    page("/accounts/{provider}/{account}", show),
    action("/accounts/{provider}/{account}/pause", pause),
    action("/accounts/{provider}/{account}/resume", resume),
)
