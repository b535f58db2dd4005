"""Claim the notifications that are due, so that no endpoint takes what the others need."""

from worker.logs import get_logger
from worker.runtime import Runtime
from worker.store import notifications
from worker.store.notifications import Owed

log = get_logger(__name__)


async def collect(free: int, rt: Runtime) -> list[Owed]:
    """At most ``free`` notifications, leased; each is in its lane already.

    Half of what is free at a time, as lanes get narrower with every one that goes in: whoever
    comes first does not get all.
    """
    collected: list[Owed] = []
    while left := free - len(collected):
        try:
            claimed = await notifications.claim(
                rt.db,
                rt.vault,
                free=-(-left // 2),
                lease=rt.delivery_lease,
                room=rt.lanes.room(left),
            )
        except Exception as error:
            if not collected:
                raise
            log.warning("claim_failed", task="notification", error=type(error).__name__)
            break
        for owed in claimed.owed:
            rt.lanes.enter(owed.lane)
            rt.lanes.saw(owed.lane, failing=owed.failing)
        collected += claimed.owed
        if not claimed.more:
            break
    rt.lanes.claimed(free - len(collected))
    return collected
