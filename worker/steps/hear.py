"""Take callbacks for what they are: a reason to ask the provider again, now."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid5

from schemas.ids import read_uuid
from worker.crypto import SealBroken
from worker.logs import get_logger
from worker.providers import REGISTRY
from worker.runtime import Runtime
from worker.store import callbacks
from worker.store.callbacks import Callback, Heard, Hint

log = get_logger(__name__)

_CALLBACKS: Final = UUID("0d3b0b0e-6b7e-5c8e-8f1f-0a8c4a1d3f52")
"""The name space of the ids that events get from the callbacks they tell of."""


async def hear(batch: Sequence[Callback], rt: Runtime) -> list[Heard]:
    """The orders that became due by these callbacks. Safe to do again with the same ones.

    One that cannot be read, or names nothing of ours, is dropped with a line in the log: it was
    a hint only, and what it hinted at is asked for on schedule.
    """
    hints = [hint for callback in batch for hint in _hints(callback, rt)]
    heard = await callbacks.hear(rt.db, hints)
    log.info("callbacks_heard", count=len(batch), batch=len(heard))
    return heard


def _hints(callback: Callback, rt: Runtime) -> list[Hint]:
    refs = _refs(callback, rt)
    if not refs:
        log.warning("callback_unread", provider=callback.provider, entry_id=callback.entry_id)
    return [
        Hint(
            event_id=uuid5(_CALLBACKS, f"{callback.stream} {callback.entry_id} {ref}"),
            provider=callback.provider,
            account=callback.account,
            ref=ref,
            order_id=read_uuid(ref),
        )
        for ref in sorted(refs)
    ]


def _refs(callback: Callback, rt: Runtime) -> frozenset[str]:
    """What it names. One that came by an order's own URL is about that order, whatever it says."""
    adapter = REGISTRY.get(callback.provider)
    if adapter is None:
        return frozenset()
    if callback.order:
        order_id = read_uuid(callback.order)
        # Written with its dashes it is nobody's ``line_ref``, whatever stands there.
        return frozenset(() if order_id is None else {str(order_id)})
    try:
        return adapter.mentioned(rt.vault.unseal(callback.sealed))
    except SealBroken:
        return frozenset()
