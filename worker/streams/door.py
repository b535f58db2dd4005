"""Reading streams in bulk as one consumer of a group, and removing what was committed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from redis.asyncio import Redis
from redis.exceptions import ResponseError

GROUP: Final = "orderline"

Id = tuple[int, int]
"""A stream entry's id: milliseconds, and a number within them."""


class Named(Protocol):
    """What names an entry of a stream."""

    @property
    def stream(self) -> str:
        """The stream's key."""

    @property
    def entry_id(self) -> str:
        """The id that Redis gave it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One entry, as it was put."""

    stream: str
    entry_id: str
    fields: Mapping[bytes, bytes] = field(repr=False)


class Door:
    """Some streams, as one consumer of the group sees them.

    ``redis`` must give bytes back (no ``decode_responses``): what was put may be any bytes.
    """

    def __init__(self, redis: Redis, consumer: str) -> None:
        self._redis = redis
        self._consumer = consumer
        self._grouped: set[str] = set()

    async def read(self, streams: Sequence[str], *, count: int, block_ms: int) -> list[Said]:
        """New entries, at most ``count`` per stream; waits ``block_ms`` for the first one."""
        await self._ensure_groups(streams)
        try:
            found = await self._redis.xreadgroup(
                GROUP, self._consumer, dict.fromkeys(streams, ">"), count=count, block=block_ms
            )
        except ResponseError as error:
            if not _says_group_is_gone(error):
                raise
            self._grouped.clear()  # Redis was wiped: make the groups again, at 0, and go on
            return []
        return [said for key, raw in _by_stream(found) for said in _entries(text(key), raw)]

    async def left_behind(
        self, streams: Iterable[str], *, older_than_ms: int, count: int
    ) -> list[Said]:
        """Entries that a consumer was given long ago and that are still there: its worker died.

        Looks at the streams themselves, not at the pending list, which a restored Redis or a
        recreated group may have lost. What nobody was given yet is left to ``read``.
        """
        before = (int(time.time() * 1000) - older_than_ms, 0)
        entries: list[Said] = []
        for stream in streams:
            given = await self._last_given(stream)
            newest = "-".join(map(str, min(given, before)))
            raw = await self._redis.xrange(stream, "-", newest, count=count)
            entries += _entries(stream, raw)
        return entries

    async def done(self, entries: Iterable[Named]) -> None:
        """Remove entries whose commit succeeded: acknowledged and deleted in one transaction."""
        by_stream: dict[str, list[str]] = {}
        for entry in entries:
            by_stream.setdefault(entry.stream, []).append(entry.entry_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            for stream, ids in by_stream.items():
                pipe.xack(stream, GROUP, *ids)
                pipe.xdel(stream, *ids)
            await pipe.execute()

    async def leave(self) -> None:
        """Take this consumer out of the groups, wherever nothing is pending for it."""
        for stream in self._grouped:
            try:
                consumers = await self._redis.xinfo_consumers(stream, GROUP)
            except ResponseError:  # the stream or its group is gone, and we with it
                continue
            pending = {consumer["name"]: consumer["pending"] for consumer in consumers}
            if pending.get(self._consumer.encode()) == 0:
                await self._redis.xgroup_delconsumer(stream, GROUP, self._consumer)

    async def _ensure_groups(self, streams: Iterable[str]) -> None:
        for stream in streams:
            if stream in self._grouped:
                continue
            try:
                await self._redis.xgroup_create(stream, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            self._grouped.add(stream)

    async def _last_given(self, stream: str) -> Id:
        try:
            groups = await self._redis.xinfo_groups(stream)
        except ResponseError:  # no such stream (any more)
            return (0, 0)
        given = [g["last-delivered-id"] for g in groups if g["name"] == GROUP.encode()]
        return _id(given[0]) if given else (0, 0)


async def lags(redis: Redis, streams: Iterable[str]) -> dict[str, tuple[int, float]]:
    """For each stream with entries: how many, and the oldest one's age in seconds.

    Everything in a stream is unprocessed, so the oldest entry's age is how far we are behind. It
    is counted by Redis's clock, which gave the entry its id. One round trip for all of them.
    """
    keys = list(streams)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for key in keys:
            pipe.xrange(key, count=1)
            pipe.xlen(key)
        (seconds, micros), *found = await pipe.execute()
    behind = {}
    for key, oldest, count in zip(keys, found[::2], found[1::2], strict=True):
        if oldest:
            (entry_id, _), *_ = oldest
            age = seconds + micros / 1e6 - _id(text(entry_id))[0] / 1000
            behind[key] = (int(count), max(age, 0.0))
    return behind


async def lag(redis: Redis, stream: str) -> tuple[int, float] | None:
    """The same of one stream; ``None`` where it is empty."""
    return (await lags(redis, [stream])).get(stream)


def text(raw: Any) -> str:
    """What Redis gave, as text."""
    return raw.decode() if isinstance(raw, bytes) else str(raw)


def _says_group_is_gone(error: ResponseError) -> bool:
    return any(word in str(error) for word in ("NOGROUP", "UNBLOCKED", "no longer exists"))


def _by_stream(found: Any) -> Iterable[tuple[bytes, list[Any]]]:
    # RESP3 gives a mapping of lists of lists, RESP2 a list of pairs.
    if isinstance(found, Mapping):
        return [(key, [entry for part in parts for entry in part]) for key, parts in found.items()]
    return [(key, raw) for key, raw in found or ()]


def _entries(stream: str, raw: Any) -> list[Said]:
    return [Said(stream, text(entry_id), fields or {}) for entry_id, fields in raw or ()]


def _id(raw: bytes | str) -> Id:
    milliseconds, _, number = text(raw).partition("-")
    return int(milliseconds), int(number or 0)
