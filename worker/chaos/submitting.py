"""The producers: they submit what is planned, no faster than it is worked off, until acknowledged.

A producer that does not hear from Redis cannot know whether its entry arrived, so it sends it
again. What it was not told is remembered apart: such an entry may be there, and need not be.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from worker import streams
from worker.chaos.pausing import Pausing
from worker.chaos.plan import Planned, Sort
from worker.store.intake import EntryKind

MOST_OPEN: Final = 300
"""How many orders may be open before producers hold back."""

INSIST_EVERY: Final = 4.0

_LOOK_EVERY: Final = 0.05
_AGAIN: Final = 0.2

Key = tuple[str, str]
"""A producer and its intent's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One entry that Redis acknowledged."""

    producer: str
    entry_id: str
    kind: EntryKind
    intent_id: str
    raw: bytes = field(repr=False)
    sort: Sort

    @property
    def stream(self) -> str:
        """The stream's key."""
        return streams.stream_of(self.producer)


@dataclass(slots=True)
class Standing:
    """How far the installation has come, as it was last seen."""

    open_orders: int = 0
    known: AbstractSet[Key] = frozenset()
    """The intents that have become orders."""
    placed: AbstractSet[Key] = frozenset()
    """Those of them that the provider has, and goods are awaited."""


class Submitting:
    """Puts planned entries on their producers' streams. ``standing`` tells how far things are.

    ``insist_every`` is how many seconds a producer waits before it asks again to call an order off
    that would go on for ever.
    """

    def __init__(
        self, redis: Redis, standing: Callable[[], Standing], insist_every: float = INSIST_EVERY
    ) -> None:
        self.pausing = Pausing()
        self.sent: list[Sent] = []
        self.unsure: set[str] = set()
        """Digests of what was sent without an acknowledgement, at least once."""
        self._redis = redis
        self._standing = standing
        self._insist_every = insist_every
        self._said: dict[str, bytes] = {}
        self._patient: list[Planned] = []
        self.reached = 0
        """How many entries of the plan were dealt with."""
        self._endless: dict[Key, Planned] = {}
        self._insisted = 0.0

    async def run(self, planned: Sequence[Planned], seconds: float) -> None:
        """Submit everything, stretched over ``seconds`` or more."""
        begun = time.monotonic()
        for place, entry in enumerate(planned):
            await self._wait(begun + place * seconds / len(planned))
            if entry.patient:
                self._patient.append(entry)
            else:
                await self._put(entry)
            await self.follow_up()
            self.reached = place + 1

    @property
    def held(self) -> int:
        """How many wishes still wait for their intents to become orders."""
        return len(self._patient)

    async def follow_up(self) -> None:
        """Send the wishes whose intents have become orders, and insist on those in vain."""
        standing = self._standing()
        ready = [e for e in self._patient if (e.producer, e.number) in standing.known]
        for entry in ready:
            self._patient.remove(entry)
            await self._put(entry)
            if entry.endless:
                self._endless[entry.producer, entry.number] = entry
        if time.monotonic() - self._insisted >= self._insist_every:
            self._insisted = time.monotonic()
            for key in self._endless.keys() & standing.placed:
                await self._put(self._endless[key])

    async def _wait(self, until: float) -> None:
        while time.monotonic() < until or self._standing().open_orders >= MOST_OPEN:  # noqa: ASYNC110 -- what is waited for is in a database
            await asyncio.sleep(_LOOK_EVERY)

    async def _put(self, entry: Planned) -> None:
        raw = self._raw(entry)
        while (entry_id := await self._acknowledged(entry, raw)) is None:
            self.unsure.add(sha256(raw).hexdigest())
            await asyncio.sleep(_AGAIN)
        self.sent.append(
            Sent(
                producer=entry.producer,
                entry_id=entry_id,
                kind=entry.kind,
                intent_id=entry.number,
                raw=raw,
                sort=entry.sort,
            )
        )

    async def _acknowledged(self, entry: Planned, raw: bytes) -> str | None:
        async with self.pausing.turn():
            try:
                return await streams.put(self._redis, entry.producer, raw, entry.kind)
            except (RedisError, OSError):
                return None

    def _raw(self, entry: Planned) -> bytes:
        """What is sent; a repeat is what was sent the first time, to the byte."""
        if entry.sort is Sort.REPEAT:
            return self._said[entry.number]
        raw = entry.said(datetime.now(UTC))
        if entry.sort is Sort.FRESH:
            self._said[entry.number] = raw
        return raw
