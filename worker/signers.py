"""One signer per producer, its secrets read and decoded once a minute, not once a delivery.

So a rotation is seen by every worker within that minute. A secret that ends is not used after its
end: what is kept with it is dropped then. Of many deliveries that find nothing kept, one asks and
the others wait for it.
"""

import asyncio
from collections import defaultdict
from typing import Final

from worker.clock import Clock
from worker.crypto import Vault
from worker.delivery.signing import Signer
from worker.store import producers
from worker.store.session import Database

CACHED: Final = 60.0


class Signers:
    """Signers by producer name."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._kept: dict[str, tuple[Signer, float]] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of(self, producer: str) -> Signer:
        """The producer's signer. Raises ``UnknownProducer``, ``SealBroken``."""
        kept = self._still_kept(producer)
        if kept is not None:
            return kept
        async with self._asking[producer]:
            return self._still_kept(producer) or await self._read(producer)

    def _still_kept(self, producer: str) -> Signer | None:
        signer, until = self._kept.get(producer, (None, 0.0))
        return signer if self._clock.monotonic() < until else None

    async def _read(self, producer: str) -> Signer:
        asked = self._clock.monotonic()
        live = await producers.secrets_of(self._db, self._vault, producer)
        signer = Signer([each.secret for each in live])
        ends = [each.lasts.total_seconds() for each in live if each.lasts is not None]
        self._kept[producer] = (signer, asked + min([CACHED, *ends]))
        return signer
