"""Claim the notifications that are due, so that no endpoint takes what the others need."""

from typing import Final

from worker.logs import get_logger
from worker.runtime import Runtime
from worker.store import notifications
from worker.store.notifications import Owed

log = get_logger(__name__)

_RACES: Final = 3
"""How often in a row a claim may find only what others are just taking."""


async def collect(free: int, rt: Runtime) -> list[Owed]:
    """At most ``free`` notifications, leased; each is in its lane already.

    Half of what is free at a time, as lanes get narrower with every one that goes in: whoever
    comes first does not get all.
    """
    collected: list[Owed] = []
    in_vain, more = 0, False
    while (left := free - len(collected)) and in_vain < _RACES:
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
        in_vain = 0 if claimed.owed else in_vain + 1
        more = claimed.more or rt.lanes.again(free - len(collected))
        if not more:
            break
    rt.lanes.claimed(free - len(collected), more=more)
    return collected
