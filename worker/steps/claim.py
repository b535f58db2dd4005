"""Claim an account's due orders, for its pump."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from worker.desk import Desk
from worker.order import Claimed
from worker.runtime import Runtime
from worker.store import breakers, claims
from worker.store.claims import Taking

_CALLS_OF_A_PROBE: Final = 2
"""How many calls the probe's order makes at most before it is known how the first one went."""


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
        """At most ``free`` orders, leased; of an account that rests none, or the one probe.

        Each with a grant where the account has a rate.
        """
        rest = self._rt.rests.of(self._desk.key)
        if rest is None:
            return await self._paced(self._claim, free)
        return await self._paced(self._probe, 1) if rest.may_probe else ()

    async def _paced(
        self, claim: Callable[[int], Awaitable[Sequence[Claimed]]], free: int
    ) -> Sequence[Claimed]:
        pace = self._desk.pace
        if pace is None:
            return await claim(free)
        granted, again_in = await pace.take(free)
        orders: Sequence[Claimed] = ()
        try:
            if granted:
                orders = await claim(granted)
        finally:
            pace.leave(granted - len(orders))
        if len(orders) == granted < free:
            self._ring_in(again_in)
        return orders

    async def _claim(self, free: int) -> Sequence[Claimed]:
        taken = await claims.claim(self._rt.db, self._rt.vault, self._taking(free))
        self._after = taken.last
        return taken.orders

    async def _probe(self, _: int) -> Sequence[Claimed]:
        lasts = _CALLS_OF_A_PROBE * self._desk.lease
        taken, lease = await breakers.claim_probe(
            self._rt.db, self._rt.vault, self._taking(1), lasts
        )
        if lease is not None:
            self._rt.rests.probes(taken.orders[0].order.order_id, lease)
            self._after = taken.last
        return taken.orders

    def _taking(self, free: int) -> Taking:
        return Taking(
            provider=self._desk.provider_name,
            account=self._desk.account,
            free=free,
            worker=self._rt.worker,
            lease=self._desk.lease,
            after=self._after,
        )

    def _ring_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._again)
