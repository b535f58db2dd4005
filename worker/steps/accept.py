"""Turn stream entries into orders, call orders off, or set entries aside: the first commit.

Wishes to call off are written after the intents of their batch, so that one may follow its intent.
What is replayed out of quarantine comes by here too (``replay``).
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.cancels import Cancel, read_cancel
from schemas.ids import OrderId
from schemas.intents import FaultCode, IntentFault, ReadIntent, read_intent
from worker.crypto import Vault
from worker.runtime import Runtime
from worker.settings import Settings
from worker.steps.judged import changed, crowded, disabled, in_vain, new_order
from worker.store import cancels, intake, quarantine
from worker.store.cancels import Asked, Wish
from worker.store.intake import Entry, EntryKind, Known, NewOrder
from worker.store.open_orders import OpenOrders, Room
from worker.store.session import Boundary, Database

_WISHES: Final = UUID("6a4f3a8e-0d6c-5d0e-9f0b-3a8f4d2b7c11")
"""The name space of the ids that wishes get from their entries."""
_OVERTAKEN: Final = timedelta(seconds=20)
"""For how long a wish may have overtaken its intent, which a worker read that then died: twice what
it takes until another one finds that."""
_RACES = 5
"""How often a batch is looked at again because another worker was faster with part of it."""

Faulty = tuple[Entry, IntentFault]


@dataclass(frozen=True, slots=True)
class Read:
    """A batch of entries as far as it could be read."""

    intents: list[tuple[Entry, ReadIntent]] = field(default_factory=list)
    cancels: list[tuple[Entry, Cancel]] = field(default_factory=list)
    faulty: list[Faulty] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch of entries, each in one heap. What came too ``early`` stays in its stream."""

    fresh: list[NewOrder] = field(default_factory=list)
    repeated: list[tuple[Entry, OrderId]] = field(default_factory=list)
    to_cancel: list[Asked] = field(default_factory=list)
    faulty: list[Faulty] = field(default_factory=list)
    early: list[Entry] = field(default_factory=list)


Ending = Callable[[AsyncConnection, Sorted], Awaitable[None]]
"""What a commit writes last: what became of its entries, there where they came from."""


@dataclass(frozen=True, slots=True)
class _Rules:
    """How a batch is taken in."""

    settings: Settings
    ending: Ending
    overtaken: timedelta
    open_orders: OpenOrders


async def accept(entries: Sequence[Entry], rt: Runtime, *, first_look: bool = False) -> Sorted:
    """Accept a batch in one commit. Afterwards every entry is an order, a repeat, or quarantined.

    Only then may the entries leave their streams; those that came ``early`` may not yet. Safe to do
    again with the same entries. At a ``first_look`` a wish may have overtaken its intent, however
    old it is: another worker may hold that just now, or have died with it. At the next look, what
    was left behind comes with it, in order.
    """
    overtaken = timedelta.max if first_look else _OVERTAKEN
    return await accept_into(rt.db, rt.vault, rt.settings, entries, overtaken, rt.open_orders)


async def accept_into(
    db: Database,
    vault: Vault,
    settings: Settings,
    entries: Sequence[Entry],
    overtaken: timedelta = _OVERTAKEN,
    open_orders: OpenOrders | None = None,
) -> Sorted:
    """``accept`` with just what it needs."""

    async def set_aside(connection: AsyncConnection, heaps: Sorted) -> None:
        await quarantine.set_aside(connection, vault, heaps.faulty)

    return await take_in(db, settings, entries, set_aside, overtaken, open_orders)


async def take_in(
    db: Database,
    settings: Settings,
    entries: Sequence[Entry],
    ending: Ending,
    overtaken: timedelta = timedelta(0),
    open_orders: OpenOrders | None = None,
) -> Sorted:
    """Take a batch in, from wherever it came, and end the commit with what ``ending`` writes.

    A wish that names no intent is ``early`` until it has been there for ``overtaken``; one that
    was put long after now has an id that somebody made up. Without ``open_orders`` each producer's
    are counted now.
    """
    crowd = open_orders or OpenOrders(settings.open_per_producer)
    read = _read(entries, settings.development_host_set)
    rules = _Rules(settings, ending, overtaken, crowd)
    try:
        return await _record(db, read, rules)
    except exc.DataError:
        # One of them holds something that only the database could see: find it alone.
        if len(entries) > 1:
            return _merged(
                [await take_in(db, settings, [one], ending, overtaken, crowd) for one in entries]
            )
        fault = IntentFault(FaultCode.BAD_TEXT, "", "The database cannot store this intent")
        read = Read(faulty=[(entries[0], fault)])
        return await _record(db, read, rules)


async def _record(db: Database, read: Read, rules: _Rules) -> Sorted:
    for race in range(_RACES):
        try:
            async with db.transaction(Boundary.INTAKE) as connection:
                heaps = await _written(connection, read, rules)
                await rules.ending(connection, heaps)
        except (intake.Raced, exc.IntegrityError):
            if race == _RACES - 1:
                raise
        except BaseException:
            rules.open_orders.forget()
            raise
        else:
            rules.open_orders.took(Counter(order.intent.producer for order in heaps.fresh))
            return heaps
    raise AssertionError("unreachable: the last race returns or raises")


async def _written(connection: AsyncConnection, read: Read, rules: _Rules) -> Sorted:
    """What the batch came to, its orders and its wishes written."""
    settings, overtaken = rules.settings, rules.overtaken
    known = await intake.look(connection, [item.intent for _, item in read.intents])
    wanted = Counter(item.intent.producer for _, item in read.intents)
    rooms = await rules.open_orders.look(connection, known, wanted)
    heaps = sort_out(read.intents, known, rooms, settings.quote_window, settings.clock_skew)
    heaps.faulty.extend(read.faulty)
    await intake.record(connection, heaps.fresh)
    heard, unheard = _welcome(read.cancels, known)
    heaps.faulty.extend((entry, disabled()) for entry, _ in unheard)
    wishes = {entry: _wish(entry, cancel) for entry, cancel in heard}
    asked = await cancels.ask_for(connection, list(wishes.values()))
    heaps.to_cancel.extend(asked.values())
    vain = {entry: wish for entry, wish in wishes.items() if wish.event_id not in asked}
    ended = await cancels.buried(connection, list(vain.values()))
    for entry, wish in vain.items():
        tomb, age = ended.get(wish.event_id), known.now - entry.put_at
        if tomb is None and overtaken and -_OVERTAKEN < age < overtaken:
            heaps.early.append(entry)
        else:
            heaps.faulty.append((entry, in_vain(tomb)))
    return heaps


def sort_out(
    read: Sequence[tuple[Entry, ReadIntent]],
    known: Known,
    rooms: Mapping[str, Room],
    quote_window: timedelta,
    skew: timedelta,
) -> Sorted:
    """Decide what each intent is, by what the database knows and by the batch itself. Pure.

    ``rooms`` say how many orders more each registered producer may have.
    """
    heaps, left = Sorted(), dict(rooms)
    orders = dict(known.orders)
    taken: dict[tuple[str, str], UUID] = dict(known.deliver_ids)
    for entry, item in read:
        key = (item.intent.producer, item.intent.intent_id)
        if (same := orders.get(key)) is not None:
            order_id, fingerprint = same
            if fingerprint == item.fingerprint:
                heaps.repeated.append((entry, order_id))
            else:
                heaps.faulty.append((entry, changed()))
            continue
        try:
            order = new_order(item, known, taken, quote_window, skew)
            if left[key[0]].is_full:
                raise crowded(left[key[0]])
        except IntentFault as fault:
            heaps.faulty.append((entry, fault))
            continue
        heaps.fresh.append(order)
        left[key[0]] = left[key[0]].with_one_more()
        orders[key] = (order.order_id, item.fingerprint)
        taken.update({(key[0], line.deliver_id): order.order_id for line in item.intent.lines})
    return heaps


def _wish(entry: Entry, cancel: Cancel) -> Wish:
    """The wish in an entry; one that is read again is the same."""
    return Wish(
        event_id=uuid5(_WISHES, f"{entry.stream} {entry.entry_id}"),
        said_by="producer",
        producer=cancel.producer,
        intent_id=cancel.intent_id,
        reason=cancel.reason,
    )


def _read(entries: Sequence[Entry], development_hosts: frozenset[str]) -> Read:
    read = Read()
    for entry in entries:
        try:
            if entry.kind is EntryKind.CANCEL:
                read.cancels.append((entry, read_cancel(entry.raw, producer=entry.producer)))
            else:
                item = read_intent(
                    entry.raw, producer=entry.producer, development_hosts=development_hosts
                )
                read.intents.append((entry, item))
        except IntentFault as fault:
            read.faulty.append((entry, fault))
    return read


def _welcome(
    cancels: Sequence[tuple[Entry, Cancel]], known: Known
) -> tuple[list[tuple[Entry, Cancel]], list[tuple[Entry, Cancel]]]:
    """Wishes that are heard, and those of producers from whom nothing is taken."""
    heaps: tuple[list[tuple[Entry, Cancel]], list[tuple[Entry, Cancel]]] = ([], [])
    for entry, cancel in cancels:
        producer = known.producers.get(cancel.producer)
        heaps[producer is not None and producer.disabled].append((entry, cancel))
    return heaps


def _merged(heaps: Sequence[Sorted]) -> Sorted:
    return Sorted(
        [order for heap in heaps for order in heap.fresh],
        [repeat for heap in heaps for repeat in heap.repeated],
        [asked for heap in heaps for asked in heap.to_cancel],
        [fault for heap in heaps for fault in heap.faulty],
        [entry for heap in heaps for entry in heap.early],
    )
