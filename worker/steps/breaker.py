"""Watch how calls go: open an account's breaker, probe it while it is open, close it again.

Every process looks about once a second. While all goes well that is one small question; where some
call failed, each adds what it saw to the sums of all, and the first to see enough opens the
breaker. From then on one order at a time is claimed as a probe, by whichever worker is first.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from worker.decisions.breaker import PROBES, BreakerRules, Calls
from worker.desk import Desk
from worker.logs import get_logger
from worker.order import Claimed
from worker.pump import Pump
from worker.rests import AccountKey, Lease
from worker.runtime import Runtime
from worker.steps.drive import drive
from worker.store import breakers
from worker.store.notifications import Owed
from worker.store.session import is_transient
from worker.tallies import Probe

OFTEN: Final = 1.0
"""Seconds between two looks."""

log = get_logger(__name__)


async def watch_calls(rt: Runtime) -> set[AccountKey]:
    """Count, open what has to rest, and see who rests; the accounts there may be work for now.

    What becomes of calls that were under way when an account began to rest is no news, and no
    reason to open its breaker again once somebody closed it.
    """
    rules = rules_of(rt)
    now, window = rt.clock.monotonic(), rules.window.total_seconds()
    counted = {
        key: spans
        for key, desk in rt.desks.items()
        if desk.tally.any_failed(now, window) or key in rt.rests.troubled
        if (spans := desk.tally.take(now, window)) and rt.rests.of(key) is None
    }
    if counted:
        sums = await breakers.count(rt.db, counted, rules.window)
        for key in counted.keys() & sums.keys():
            await _judge(rt.desks[key], Calls(*sums[key]), rules, rt)
    looked = await breakers.look(rt.db, rules.window)
    rt.rests.troubled = looked.troubled
    return rt.rests.saw(looked.resting)


def rules_of(rt: Runtime) -> BreakerRules:
    """When breakers open here."""
    settings = rt.settings
    return BreakerRules(
        window=settings.breaker_window,
        share=settings.breaker_share,
        calls=settings.breaker_calls,
        pause=settings.breaker_pause,
    )


async def probe(claimed: Claimed, lease: Lease, desk: Desk, mail: Pump[Owed], rt: Runtime) -> str:
    """``drive`` an order as the probe of its account: how its first call goes decides.

    Where it makes none that says anything, the right to probe is given back; where this process
    dies, it ends by itself.
    """
    first = Probe()
    try:
        return await drive(claimed, replace(desk, probe=first), mail, rt)
    finally:
        try:
            await _settle(first.failed, lease, desk, rt)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning(
                "probe_not_noted",
                provider=desk.provider_name,
                account=desk.account,
                error=type(error).__name__,
            )


async def _judge(desk: Desk, seen: Calls, rules: BreakerRules, rt: Runtime) -> None:
    if not rules.opens(seen):
        return
    pause = rules.pause_after(1, desk.total, rt.chance())
    span = f"{rules.window.total_seconds():g} s"
    why = f"{seen.failed} of {seen.made} calls failed within {span}"
    data = {"made": seen.made, "failed": seen.failed}
    if await breakers.open_breaker(rt.db, desk.key, pause, why, data):
        _say_opened(desk, why, pause)


async def _settle(failed: bool | None, lease: Lease, desk: Desk, rt: Runtime) -> None:  # noqa: FBT001 -- what a call came to, or nothing
    match failed:
        case None:
            await breakers.give_back(rt.db, desk.key, lease)
        case True:
            pause = rules_of(rt).pause_after(lease.openings + 1, desk.total, rt.chance())
            if await breakers.probe_failed(rt.db, desk.key, lease, pause):
                _say_opened(desk, "a probe failed", pause)
        case False:
            if await breakers.probe_answered(rt.db, desk.key, lease, PROBES):
                log.warning(
                    "breaker_closed",
                    provider=desk.provider_name,
                    account=desk.account,
                    count=PROBES,
                )


def _say_opened(desk: Desk, why: str, pause: timedelta) -> None:
    log.warning(
        "breaker_opened",
        provider=desk.provider_name,
        account=desk.account,
        reason=why,
        seconds=round(pause.total_seconds(), 1),
    )
