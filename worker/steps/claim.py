"""Claim an account's due orders, for its pump."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from worker.desk import Desk
from worker.order import Claimed
from worker.runtime import Runtime
from worker.store import breakers, claims
from worker.store.claims import Taking

_CALLS_OF_A_PROBE: Final = 2
"""How many calls the probe's order makes at most before it is known how the first one went."""


class Claims:
    """One process's claims for one account: who had its turn last is remembered here."""

    def __init__(self, desk: Desk, rt: Runtime) -> None:
        self._desk = desk
        self._rt = rt
        self._after = ""

    async def take(self, free: int) -> Sequence[Claimed]:
        """At most ``free`` orders, leased; of an account that rests none, or the one probe."""
        rest = self._rt.rests.of(self._desk.key)
        if rest is not None:
            return await self._probe() if rest.may_probe else ()
        taken = await claims.claim(self._rt.db, self._rt.vault, **asdict(self._taking(free)))
        self._after = taken.last
        return taken.orders

    async def _probe(self) -> Sequence[Claimed]:
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
