"""Turn stream entries into orders, or set them aside: the first commit of an intent's life."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exc

from schemas.ids import OrderId, new_uuid
from schemas.intents import (
    FaultCode,
    IntentFault,
    ReadIntent,
    check_window,
    read_intent,
    window,
)
from worker.crypto import Vault
from worker.runtime import Runtime
from worker.settings import Settings
from worker.store import intake
from worker.store.intake import Entry, Known, NewOrder
from worker.store.session import Boundary, Database

_RACES = 5
"""How often a batch is looked at again because another worker was faster with part of it."""

Read = tuple[Entry, ReadIntent]
Faulty = tuple[Entry, IntentFault]


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch of entries, each in one heap."""

    fresh: list[NewOrder] = field(default_factory=list)
    repeated: list[tuple[Entry, OrderId]] = field(default_factory=list)
    faulty: list[Faulty] = field(default_factory=list)


async def accept(entries: Sequence[Entry], rt: Runtime) -> Sorted:
    """Accept a batch in one commit. Afterwards every entry is an order, a repeat, or quarantined.

    Only then may the entries leave their streams. Safe to do again with the same entries.
    """
    return await accept_into(rt.db, rt.vault, rt.settings, entries)


async def accept_into(
    db: Database, vault: Vault, settings: Settings, entries: Sequence[Entry]
) -> Sorted:
    """``accept`` with just what it needs."""
    read, faulty = _read(entries, settings.development_host_set)
    try:
        return await _record(db, vault, settings, read, faulty)
    except exc.DataError:
        # One of them holds something that only the database could see: find it alone.
        if len(read) + len(faulty) > 1:
            heaps = [await accept_into(db, vault, settings, [entry]) for entry in entries]
            return _merged(heaps)
        fault = IntentFault(FaultCode.BAD_TEXT, "", "The database cannot store this intent")
        return await _record(db, vault, settings, [], [(entries[0], fault)])


async def _record(
    db: Database, vault: Vault, settings: Settings, read: list[Read], faulty: list[Faulty]
) -> Sorted:
    for race in range(_RACES):
        try:
            async with db.transaction(Boundary.INTAKE) as connection:
                known = await intake.look(connection, [item.intent for _, item in read])
                heaps = sort_out(read, known, settings.quote_window, settings.clock_skew)
                heaps.faulty.extend(faulty)
                await intake.record(connection, heaps.fresh)
                await intake.quarantine(connection, vault, heaps.faulty)
        except (intake.Raced, exc.IntegrityError):
            if race == _RACES - 1:
                raise
        else:
            return heaps
    raise AssertionError("unreachable: the last race returns or raises")


def sort_out(
    read: Sequence[Read], known: Known, quote_window: timedelta, skew: timedelta
) -> Sorted:
    """Decide what each intent is, by what the database knows and by the batch itself. Pure."""
    heaps = Sorted()
    orders = dict(known.orders)
    taken: dict[tuple[str, str], UUID] = dict(known.deliver_ids)
    for entry, item in read:
        key = (item.intent.producer, item.intent.intent_id)
        if (same := orders.get(key)) is not None:
            order_id, fingerprint = same
            if fingerprint == item.fingerprint:
                heaps.repeated.append((entry, order_id))
            else:
                heaps.faulty.append((entry, _CHANGED))
            continue
        try:
            check_window(item.intent.quote, known.now, skew)
            order = _new_order(item, known, taken, quote_window)
        except IntentFault as fault:
            heaps.faulty.append((entry, fault))
            continue
        heaps.fresh.append(order)
        orders[key] = (order.order_id, item.fingerprint)
        taken.update({(key[0], line.deliver_id): order.order_id for line in item.intent.lines})
    return heaps


_CHANGED = IntentFault(
    FaultCode.REPEATED_WITH_OTHER_CONTENT,
    "intent_id",
    "This intent_id was used before, with other content; a new intent needs a new one",
)


def _read(
    entries: Sequence[Entry], development_hosts: frozenset[str]
) -> tuple[list[Read], list[Faulty]]:
    read: list[Read] = []
    faulty: list[Faulty] = []
    for entry in entries:
        try:
            item = read_intent(
                entry.raw, producer=entry.producer, development_hosts=development_hosts
            )
        except IntentFault as fault:
            faulty.append((entry, fault))
        else:
            read.append((entry, item))
    return read, faulty


def _new_order(
    item: ReadIntent, known: Known, taken: dict[tuple[str, str], UUID], quote_window: timedelta
) -> NewOrder:
    intent = item.intent
    for index, line in enumerate(intent.lines):
        if (intent.producer, line.deliver_id) in taken:
            raise IntentFault(
                FaultCode.DELIVER_ID_TAKEN,
                f"lines[{index}].deliver_id",
                "This deliver_id was used before, in another intent",
            )
    return NewOrder(
        order_id=OrderId(new_uuid()),
        intent=intent,
        document=item.document,
        fingerprint=item.fingerprint,
        notify_url=intent.notify_url or known.notify_urls[intent.producer],
        expires_at=window(intent.quote, known.now, quote_window),
    )


def _merged(heaps: Sequence[Sorted]) -> Sorted:
    return Sorted(
        [order for heap in heaps for order in heap.fresh],
        [repeat for heap in heaps for repeat in heap.repeated],
        [fault for heap in heaps for fault in heap.faulty],
    )
