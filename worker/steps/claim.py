"""Claim an account's due orders, for its pump."""

from collections.abc import Sequence

from worker.desk import Desk
from worker.order import Claimed
from worker.runtime import Runtime
from worker.store import claims


class Claims:
    """One process's claims for one account: who had its turn last is remembered here."""

    def __init__(self, desk: Desk, rt: Runtime) -> None:
        self._desk = desk
        self._rt = rt
        self._after = ""

    async def take(self, free: int) -> Sequence[Claimed]:
        """At most ``free`` orders, leased."""
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
