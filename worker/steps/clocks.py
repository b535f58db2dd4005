"""Compare the clocks that quotes are judged by: ours, the database's and each provider's.

The database's decides. A provider judges its own quote by its own clock, which its answers show;
where that is ahead, its quotes are taken to end earlier (``worker.skew``).
"""

from datetime import datetime, timedelta
from typing import Final

from worker.logs import get_logger
from worker.runtime import Runtime
from worker.skew import Ahead, ClockWatch
from worker.store import accounts, upkeep
from worker.store.accounts import ProviderClock

OFTEN: Final = timedelta(seconds=5)
"""How often clocks are compared."""

_FRESH: Final = timedelta(seconds=60)
"""An account that has not answered for so long says nothing of its clock any more."""

log = get_logger(__name__)


async def compare_clocks(rt: Runtime) -> list[ProviderClock]:
    """Look at the database's clock, and note how far each provider's is ahead of it."""
    asked_at, shown, answered_at = await upkeep.look_at_clock(rt.db, rt.clock)
    rt.database_clock.saw(Ahead.seen(asked_at, shown, answered_at), answered_at)
    database = rt.database_clock.ahead
    if database is None:
        return []
    if abs(database.middle) - database.unsure > rt.settings.clock_skew:
        log.warning("clock_skewed", seconds=round(-database.middle.total_seconds(), 3))
    seen = [
        ProviderClock(provider, account, desk.channel.watch.ahead.than(database))
        for (provider, account), desk in rt.desks.items()
        if desk.channel.watch.ahead is not None and _is_fresh(desk.channel.watch, answered_at)
    ]
    for each in seen:
        if abs(each.ahead.middle) - each.ahead.unsure > rt.settings.quote_margin:
            log.warning(
                "clock_skewed",
                provider=each.provider,
                account=each.account,
                seconds=round(each.ahead.middle.total_seconds(), 3),
            )
    if seen:
        await accounts.note_clocks(rt.db, seen)
    return seen


def _is_fresh(watch: ClockWatch, now: datetime) -> bool:
    return watch.seen_at is not None and now - watch.seen_at < _FRESH
