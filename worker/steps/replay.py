"""Take an entry in again that lay in quarantine: as it arrived, or as a person mended it.

It is read and recorded as the intake does it, and closed in the same commit; where it is still
faulty, that commit writes only its new fault. So of two who replay or drop one entry at once,
exactly one does. No bell is rung: the order is due, and the sweep finds it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import OrderId
from schemas.intents import IntentFault
from schemas.quarantine import Became
from worker.crypto import Vault
from worker.settings import Settings
from worker.steps.accept import Sorted, take_in
from worker.store import quarantine
from worker.store.deeds import note
from worker.store.open_orders import OpenOrders
from worker.store.quarantine import AlreadyClosed, Decided, Kept
from worker.store.session import Database


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of an entry: the order it came to, or its fault."""

    result: Became
    order_id: OrderId | None = None
    expires_at: datetime | None = None
    """Until when a new order may be bought."""
    fault: IntentFault | None = None


class _Rehearsed(Exception):
    """All went as it would have gone; nothing is committed."""

    def __init__(self, replayed: Replayed) -> None:
        super().__init__(replayed)
        self.replayed = replayed


async def replay(
    db: Database,
    vault: Vault,
    settings: Settings,
    kept: Kept,
    decided: Decided,
    *,
    rehearse: bool = False,
    open_orders: OpenOrders | None = None,
) -> Replayed:
    """Take an entry in as it is now. To ``rehearse`` is to find out what it would come to.

    ``open_orders`` is for who replays many, so that not each time they are counted.
    """

    async def ending(connection: AsyncConnection, heaps: Sorted) -> None:
        came_to = _came_to(heaps)
        deed = decided.deed and decided.deed.came_to(result=came_to.result)
        await note(connection, deed)
        if came_to.fault is not None:
            await quarantine.still_faulty(connection, vault, kept, came_to.fault)
        elif came_to.order_id is not None:
            await quarantine.replayed(connection, vault, kept, came_to.order_id, decided)
        if rehearse:
            raise _Rehearsed(came_to)

    try:
        heaps = await take_in(db, settings, [kept.newest], ending, open_orders=open_orders)
    except AlreadyClosed:
        return _CLOSED
    except _Rehearsed as rehearsed:
        return rehearsed.replayed
    return _came_to(heaps)


_CLOSED: Final = Replayed(Became.CLOSED)


def _came_to(heaps: Sorted) -> Replayed:
    """What the only entry of a batch came to."""
    match heaps:
        case Sorted(fresh=[order]):
            return Replayed(Became.ACCEPTED, order.order_id, expires_at=order.expires_at)
        case Sorted(repeated=[(_, order_id)]):
            return Replayed(Became.REPEATED, order_id)
        case Sorted(to_cancel=[asked]):
            return Replayed(Became.TO_CANCEL, asked.order_id)
        case _:
            [(_, fault)] = heaps.faulty
            return Replayed(Became.FAULTY, fault=fault)
