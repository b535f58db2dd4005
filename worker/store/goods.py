"""Delivered codes at rest: encrypted, whole, and read back only to be delivered."""

import pydantic_core

from worker.crypto import Vault
from worker.outcome import Goods


def seal_goods(vault: Vault, goods: Goods | None) -> bytes | None:
    """Goods as they are stored."""
    return None if goods is None else vault.seal(pydantic_core.to_json(goods.items))


def open_goods(vault: Vault, sealed: bytes | None) -> Goods | None:
    """Stored goods. Raises ``SealBroken`` when no key fits."""
    if sealed is None:
        return None
    return Goods(tuple(pydantic_core.from_json(vault.unseal(sealed))))
