"""Handing intents over: checked as the intake will check them, put on streams, waited for.

The check here is a courtesy, so that a fault is heard at once and on the spot. What an intent
becomes is decided by the intake alone, by the same functions.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

from schemas.intents import IntentFault, ReadIntent, read_intent
from worker.cli.session import Session
from worker.cli.sources import Source
from worker.clock import SystemClock
from worker.steps.accept import sort_out
from worker.store import intake
from worker.store.intake import Entry
from worker.store.open_orders import OpenOrders
from worker.store.views import snapshot
from worker.store.views_upkeep import TakenIn, taken_in
from worker.streams import put, stream_of

_LOOK_EVERY: Final = 0.1


class Verdict(StrEnum):
    """What became of an intent."""

    ACCEPTED = "accepted"
    """It is an order now."""
    REPEATED = "repeated"
    """It was an order already."""
    QUEUED = "queued"
    """It is on its stream; nobody took it in yet."""
    REFUSED = "refused"
    """It cannot become an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One intent and what became of it.

    ``entry_id`` is its place in its producer's stream, ``None`` where it was not sent; ``waited``
    is how many seconds a queued one was waited for.
    """

    source: str
    verdict: Verdict
    producer: str | None = None
    intent_id: str | None = None
    order_id: UUID | None = None
    entry_id: str | None = None
    waited: float | None = None
    code: str | None = None
    path: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """A source that holds an intent."""

    source: Source
    item: ReadIntent

    @property
    def key(self) -> tuple[str, str]:
        return self.item.intent.producer, self.item.intent.intent_id

    def handed(self, verdict: Verdict) -> Handed:
        producer, intent_id = self.key
        return Handed(
            source=self.source.place, verdict=verdict, producer=producer, intent_id=intent_id
        )

    def refused(self, fault: IntentFault) -> Handed:
        return _blamed(self.handed(Verdict.REFUSED), fault)


async def hand_over(
    session: Session, redis: Redis, sources: Sequence[Source], *, producer: str | None, wait: float
) -> list[Handed]:
    """Put what can become an order on its stream; what became of each source, in order.

    Waits at most ``wait`` seconds for the intake. Sending the same again does no harm.
    """
    hosts = session.settings.development_host_set
    results: list[Handed] = []
    read: dict[int, _Read] = {}
    for index, source in enumerate(sources):
        try:
            item = read_intent(source.raw, producer=producer, development_hosts=hosts)
        except IntentFault as fault:
            results.append(_blamed(Handed(source=source.place, verdict=Verdict.REFUSED), fault))
        else:
            read[index] = _Read(source, item)
            results.append(read[index].handed(Verdict.QUEUED))
    judged = await _judge(session, read)
    for index, each in read.items():
        if index in judged:
            results[index] = judged[index]
        else:
            entry_id = await put(redis, each.key[0], each.source.raw)
            results[index] = replace(results[index], entry_id=entry_id)
    return await _wait(session, results, read, wait)


async def _judge(session: Session, read: Mapping[int, _Read]) -> dict[int, Handed]:
    """Those that need not be sent, as the intake would sort them now."""
    judged: dict[int, Handed] = {}
    entries = [
        (Entry(each.key[0], stream_of(each.key[0]), str(index), each.source.raw), each.item)
        for index, each in read.items()
    ]
    if not entries:
        return judged
    settings = session.settings
    async with snapshot(session.db) as connection:
        known = await intake.look(connection, [item.intent for _, item in entries])
        wanted = Counter(item.intent.producer for _, item in entries)
        rooms = await OpenOrders(settings.open_per_producer).look(connection, known, wanted)
    heaps = sort_out(entries, known, rooms, settings.quote_window, settings.clock_skew)
    for entry, fault in heaps.faulty:
        judged[int(entry.entry_id)] = read[int(entry.entry_id)].refused(fault)
    for entry, _ in heaps.repeated:
        each = read[int(entry.entry_id)]
        order = known.orders.get(each.key)
        judged[int(entry.entry_id)] = replace(
            each.handed(Verdict.REPEATED), order_id=order and order[0]
        )
    return judged


async def _wait(
    session: Session, results: list[Handed], read: Mapping[int, _Read], wait: float
) -> list[Handed]:
    """Look until every queued intent was taken in, or time is up."""
    clock = SystemClock()
    ends = clock.monotonic() + wait
    while True:
        queued = [i for i, each in enumerate(results) if each.verdict is Verdict.QUEUED]
        if not queued:
            return results
        entries = [(stream_of(read[i].key[0]), results[i].entry_id or "") for i in queued]
        found = await taken_in(session.db, [read[i].key for i in queued], entries)
        for index, entry in zip(queued, entries, strict=True):
            results[index] = _settled(results[index], read[index], entry, found)
        if clock.monotonic() >= ends:
            return [_still(each, wait) for each in results]
        await asyncio.sleep(_LOOK_EVERY)


def _settled(handed: Handed, read: _Read, entry: tuple[str, str], found: TakenIn) -> Handed:
    if (fault := found.faults.get(entry)) is not None:
        return _blamed(replace(handed, verdict=Verdict.REFUSED), fault)
    order = found.orders.get(read.key)
    if order is None or order[1] != read.item.fingerprint:
        return handed
    return replace(handed, verdict=Verdict.ACCEPTED, order_id=order[0])


def _still(handed: Handed, waited: float) -> Handed:
    return replace(handed, waited=waited) if handed.verdict is Verdict.QUEUED else handed


def _blamed(handed: Handed, fault: IntentFault) -> Handed:
    return replace(handed, code=fault.code, path=fault.path, detail=fault.detail)
