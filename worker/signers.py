"""One signer per producer, its secret read and decoded once a minute, not once a delivery."""

from typing import Final

from worker.clock import Clock
from worker.crypto import Vault
from worker.delivery.signing import Signer
from worker.store import producers
from worker.store.session import Database

_CACHED: Final = 60.0


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
        signer = Signer([await producers.secret_of(self._db, self._vault, producer)])
        self._kept[producer] = (signer, self._clock.monotonic() + _CACHED)
        return signer
