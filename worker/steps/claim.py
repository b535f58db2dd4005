"""Claim an account's due orders, for its pump."""

import asyncio
from collections.abc import Callable, Sequence

from worker.desk import Desk
from worker.order import Claimed
from worker.pace import Pace
from worker.runtime import Runtime
from worker.store import claims


class Claims:
    """One process's claims for one account: who had its turn last is remembered here.

    Where the account's rate lets fewer be claimed than there are permits for, ``again`` is called
    once there are grants for more: nobody else rings for those.
    """

    def __init__(self, desk: Desk, rt: Runtime, again: Callable[[], None]) -> None:
        self._desk = desk
        self._rt = rt
        self._again = again
        self._timer: asyncio.TimerHandle | None = None
        self._after = ""

    async def take(self, free: int) -> Sequence[Claimed]:
        """At most ``free`` orders, leased; each with a grant where the account has a rate."""
        pace = self._desk.pace
        return await (self._claim(free) if pace is None else self._paced(free, pace))

    async def _paced(self, free: int, pace: Pace) -> Sequence[Claimed]:
        granted, again_in = await pace.take(free)
        orders: Sequence[Claimed] = ()
        try:
            if granted:
                orders = await self._claim(granted)
        finally:
            pace.leave(granted - len(orders))
        if len(orders) == granted < free:
            self._ring_in(again_in)
        return orders

    async def _claim(self, free: int) -> Sequence[Claimed]:
        taken = await claims.claim(
            self._rt.db,
            self._rt.vault,
            provider=self._desk.provider_name,
            account=self._desk.account,
            free=free,
            worker=self._rt.worker,
            lease=self._desk.lease,
            after=self._after,
        )
        self._after = taken.last
        return taken.orders

    def _ring_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._again)
