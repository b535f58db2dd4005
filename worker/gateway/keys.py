"""The API keys of producers, known without asking the database for each request.

They are read again every few seconds. While the database is away those that are known stay good, so
that intents come in all the same; a key that is revoked meanwhile is so once it is back.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from worker.gateway.refusals import unavailable
from worker.logs import get_logger
from worker.store import api_keys
from worker.store.api_keys import LivingKey, digest_of, key_id_of
from worker.store.session import Database, is_transient

REFRESH: Final = 2.0
"""Seconds between two looks."""

_BEARER: Final = re.compile(r"(?i:bearer) +(\S+) *")
_NOBODY: Final = LivingKey("", "", bytes(32))

log = get_logger(__name__)


class KeyRing:
    """The keys that are good now."""

    def __init__(self, db: Database, patience: float) -> None:
        self._db = db
        self._patience = patience
        self._keys: Mapping[str, LivingKey] | None = None

    async def keep_fresh(self) -> None:
        """Read the keys again and again, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self.refresh()
            await asyncio.sleep(REFRESH)

    async def refresh(self) -> None:
        """Read the keys once. What is known stays where that fails."""
        try:
            found = await api_keys.living(self._db)
        except Exception as error:
            if is_transient(error):
                log.warning("keys_not_read", error=type(error).__name__)
            else:
                log.exception("keys_not_read")
        else:
            self._keys = {each.key_id: each for each in found}

    def producer_of(self, authorization: str | None) -> str | None:
        """Whose key an ``Authorization`` header holds; ``None`` where it is none that is good.

        Raises ``Refused`` while no keys could be read yet.
        """
        said = _BEARER.fullmatch(authorization or "")
        if said is None:
            return None
        if self._keys is None:
            raise unavailable("The database")
        key = self._keys.get(key_id_of(said[1]) or "", _NOBODY)
        return key.producer if key.fits(digest_of(said[1])) else None
