"""One signer per producer, its secrets read and decoded once a minute, not once a delivery.

So a rotation is seen by every worker within that minute. A secret that ends is not used after its
end: what is kept with it is dropped then.
"""

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

    async def of(self, producer: str) -> Signer:
        """The producer's signer. Raises ``UnknownProducer``, ``SealBroken``."""
        kept = self._kept.get(producer)
        if kept is not None and self._clock.monotonic() < kept[1]:
            return kept[0]
        asked = self._clock.monotonic()
        live = await producers.secrets_of(self._db, self._vault, producer)
        signer = Signer([each.secret for each in live])
        ends = [each.lasts.total_seconds() for each in live if each.lasts is not None]
        self._kept[producer] = (signer, asked + min([CACHED, *ends]))
        return signer
