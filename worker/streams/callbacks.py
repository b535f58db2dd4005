"""The callbacks' door: what providers said by themselves, one stream for all.

A callback is a hint. It says *look again*, and what the look finds is what counts: it may be
doubled, late, out of order, earlier than the answer it belongs to, or forged. What it holds may
be goods, so its body lies in Redis encrypted only.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from redis.asyncio import Redis

from schemas.ids import OrderId
from worker.crypto import Vault
from worker.store.callbacks import Callback
from worker.streams.door import Door, Said, text

CALLBACKS: Final = "orderline:callbacks"

_PROVIDER: Final = "provider"
_ACCOUNT: Final = "account"
_ORDER: Final = "order"
_SEALED: Final = "sealed"


async def put_callback(
    redis: Redis,
    vault: Vault,
    *,
    provider: str,
    account: str,
    body: bytes,
    order_id: OrderId | None = None,
) -> str:
    """Add what a provider sent for one of its accounts; the entry's id. Never trims.

    ``order_id`` where it was sent to that order's own URL, and so is about that one only.
    """
    fields: dict[Any, Any] = {_PROVIDER: provider, _ACCOUNT: account, _SEALED: vault.seal(body)}
    if order_id is not None:
        fields[_ORDER] = order_id.hex
    return text(await redis.xadd(CALLBACKS, fields))


class CallbackStream:
    """The callbacks, as one consumer of the group sees them."""

    def __init__(self, redis: Redis, consumer: str) -> None:
        self._door = Door(redis, consumer)

    async def read(self, *, count: int, block_ms: int) -> list[Callback]:
        """New callbacks, at most ``count``; waits ``block_ms`` for the first one."""
        said = await self._door.read([CALLBACKS], count=count, block_ms=block_ms)
        return list(map(_callback, said))

    async def left_behind(self, *, older_than_ms: int, count: int) -> list[Callback]:
        """Callbacks whose worker died with them; see ``Door.left_behind``."""
        said = await self._door.left_behind([CALLBACKS], older_than_ms=older_than_ms, count=count)
        return list(map(_callback, said))

    async def done(self, callbacks: Iterable[Callback]) -> None:
        """Remove callbacks whose commit succeeded."""
        await self._door.done(callbacks)

    async def leave(self) -> None:
        """Take this consumer out of the group, where nothing is pending for it."""
        await self._door.leave()


def _callback(said: Said) -> Callback:
    return Callback(
        stream=said.stream,
        entry_id=said.entry_id,
        provider=_word(said.fields, _PROVIDER),
        account=_word(said.fields, _ACCOUNT),
        order=_word(said.fields, _ORDER),
        sealed=said.fields.get(_SEALED.encode(), b""),
    )


def _word(fields: Mapping[bytes, bytes], name: str) -> str:
    """A field as text that the database can take: one entry must not stop those beside it."""
    return fields.get(name.encode(), b"").decode(errors="replace").replace("\0", "")
