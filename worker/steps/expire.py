"""End the orders whose quote has ended, whatever else there is to do.

The step that is due does so too. This finds those whose step is not done: their account is busy,
away or not configured. It calls no provider and needs no permit; where a provider may have acted,
it is asked first, by the step that this leaves due.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final

from schemas.jobs import EXPIRE
from worker.change import Change
from worker.logs import about
from worker.order import Claimed
from worker.pump import Pump
from worker.runtime import Runtime
from worker.steps.settle import ELSEWHERE, write
from worker.store import claims, upkeep
from worker.store.notifications import Owed
from worker.verdicts import OUTRESTED, WINDOW_CLOSED, cancelled, expired

_BATCH: Final = 200
_BATCHES: Final = 50
"""How many batches one turn takes at most; what is left is for the next one, seconds later."""

_LEASE: Final = timedelta(seconds=60)


async def expire(mail: Pump[Owed], rt: Runtime) -> Counter[str]:
    """What became of the orders whose window has closed, counted by state; beat's own job."""
    words = await end_lapsed(mail, rt)
    await upkeep.note(rt.db, EXPIRE)
    return words


async def end_lapsed(mail: Pump[Owed], rt: Runtime) -> Counter[str]:
    """The same for whoever meets one: where there is one, there may be many."""
    words: Counter[str] = Counter()
    needs = {key: desk.decider.needs for key, desk in rt.desks.items()}
    for _ in range(_BATCHES):
        lapsed = await claims.claim_lapsed(
            rt.db, rt.vault, needs=needs, most=_BATCH, worker=rt.worker, lease=_LEASE
        )
        words.update(await asyncio.gather(*(_end(claimed, mail, rt) for claimed in lapsed)))
        if len(lapsed) < _BATCH:
            break
    return words


async def _end(claimed: Claimed, mail: Pump[Owed], rt: Runtime) -> str:
    with about(order=claimed.order.order_id):
        change = _decided(claimed, rt)
        settled = await write(change, None, mail, rt)
    return str(change.state) if settled.held else ELSEWHERE


def _decided(claimed: Claimed, rt: Runtime) -> Change:
    desk = rt.desks.get((claimed.provider, claimed.account))
    if desk is None:
        return expired(claimed) if claimed.cancel_asked_at is None else cancelled(claimed)
    decider = desk.decider_for(claimed)
    instead = decider.before_call(claimed, claimed.step, rt.chance())
    return instead or decider.window_closed(claimed, _why(claimed, decider.needs))


def _why(claimed: Claimed, needs: timedelta) -> str:
    """Nothing but a rest of its account ends an order before its quote leaves no time."""
    early = claimed.expires_at is not None and claimed.expires_at - claimed.now > needs
    return OUTRESTED if early else WINDOW_CLOSED
