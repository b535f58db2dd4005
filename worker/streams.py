"""The stream door: where producers put intents, and how a batch of them is read and removed.

Rules that keep promise P1 here: the group starts at 0 and is made again when Redis forgot it;
nothing is ever trimmed; an entry leaves its stream only after its commit. So *every entry still
in a stream is unprocessed*, whatever the group's pending list says. Redis 6.2 is the floor.
"""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from worker.store.intake import Entry, EntryKind

INTENTS: Final = "orderline:intents:"
GROUP: Final = "orderline"
_KINDS: Final = {kind.value.encode(): kind for kind in EntryKind}

UNNAMED: Final = "unnamed"
"""The stream of intents that came by another door and name no producer."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

Id = tuple[int, int]
"""A stream entry's id: milliseconds, and a number within them."""


def stream_of(producer: str) -> str:
    """The key of a producer's stream."""
    return f"{INTENTS}{producer}"


async def put(
    redis: Redis, producer: str, said: bytes | str, kind: EntryKind = EntryKind.INTENT
) -> str:
    """Add an intent, or a wish to call one off, to its producer's stream; the entry's id.

    Never trims.
    """
    return _text(await redis.xadd(stream_of(producer), {kind.value: said}))


class IntentStreams:
    """The producers' intent streams, as one consumer of the group sees them.

    ``redis`` must give bytes back (no ``decode_responses``): an intent may be any bytes.
    """

    def __init__(self, redis: Redis, consumer: str) -> None:
        self._redis = redis
        self._consumer = consumer
        self._grouped: set[str] = set()

    async def read(self, producers: Sequence[str], *, count: int, block_ms: int) -> list[Entry]:
        """New entries, at most ``count`` per producer; waits ``block_ms`` for the first one."""
        names = {stream_of(producer).encode(): producer for producer in producers}
        await self._ensure_groups(producers)
        try:
            found = await self._redis.xreadgroup(
                GROUP, self._consumer, dict.fromkeys(names, ">"), count=count, block=block_ms
            )
        except ResponseError as error:
            if not _says_group_is_gone(error):
                raise
            self._grouped.clear()  # Redis was wiped: make the groups again, at 0, and go on
            return []
        return [entry for key, raw in _by_stream(found) for entry in _entries(names[key], raw)]

    async def left_behind(
        self, producers: Sequence[str], *, older_than_ms: int, count: int
    ) -> list[Entry]:
        """Entries that a consumer was given long ago and that are still there: its worker died.

        Looks at the streams themselves, not at the pending list, which a restored Redis or a
        recreated group may have lost. What nobody was given yet is left to ``read``.
        """
        before = (int(time.time() * 1000) - older_than_ms, 0)
        entries: list[Entry] = []
        for producer in producers:
            given = await self._last_given(producer)
            newest = "-".join(map(str, min(given, before)))
            raw = await self._redis.xrange(stream_of(producer), "-", newest, count=count)
            entries += _entries(producer, raw)
        return entries

    async def done(self, entries: Iterable[Entry]) -> None:
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
        for producer in self._grouped:
            stream = stream_of(producer)
            try:
                consumers = await self._redis.xinfo_consumers(stream, GROUP)
            except ResponseError:  # the stream or its group is gone, and we with it
                continue
            pending = {consumer["name"]: consumer["pending"] for consumer in consumers}
            if pending.get(self._consumer.encode()) == 0:
                await self._redis.xgroup_delconsumer(stream, GROUP, self._consumer)

    async def _ensure_groups(self, producers: Iterable[str]) -> None:
        for producer in producers:
            if producer in self._grouped:
                continue
            try:
                await self._redis.xgroup_create(stream_of(producer), GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            self._grouped.add(producer)

    async def _last_given(self, producer: str) -> Id:
        try:
            groups = await self._redis.xinfo_groups(stream_of(producer))
        except ResponseError:  # no such stream (any more)
            return (0, 0)
        given = [g["last-delivered-id"] for g in groups if g["name"] == GROUP.encode()]
        return _id(given[0]) if given else (0, 0)


async def waiting(redis: Redis, producers: Iterable[str]) -> dict[str, tuple[int, float]]:
    """For each producer with entries: how many, and the age of the oldest in seconds.

    Everything in a stream is unprocessed, so the oldest entry's age is the intake's lag. It is
    counted by Redis's clock, which gave the entry its id. One round trip for all of them.
    """
    names = list(producers)
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for name in names:
            pipe.xrange(stream_of(name), count=1)
            pipe.xlen(stream_of(name))
        (seconds, micros), *found = await pipe.execute()
    lags = {}
    for name, oldest, count in zip(names, found[::2], found[1::2], strict=True):
        if oldest:
            (entry_id, _), *_ = oldest
            age = seconds + micros / 1e6 - _id(_text(entry_id))[0] / 1000
            lags[name] = (int(count), max(age, 0.0))
    return lags


async def strangers(redis: Redis, producers: Iterable[str]) -> list[str]:
    """Streams that no registered producer owns: nobody reads them until it is registered."""
    known = {stream_of(producer) for producer in producers}
    found = [key.decode() async for key in redis.scan_iter(f"{INTENTS}*", count=500)]
    return sorted(key for key in found if key not in known)


def _says_group_is_gone(error: ResponseError) -> bool:
    return any(word in str(error) for word in ("NOGROUP", "UNBLOCKED", "no longer exists"))


def _by_stream(found: Any) -> Iterable[tuple[bytes, list[Any]]]:
    # RESP3 gives a mapping of lists of lists, RESP2 a list of pairs.
    if isinstance(found, Mapping):
        return [(key, [entry for part in parts for entry in part]) for key, parts in found.items()]
    return [(key, raw) for key, raw in found or ()]


def _entries(producer: str, raw: Any) -> list[Entry]:
    return [
        Entry(producer, stream_of(producer), _text(entry_id), *_said_in(fields or {}))
        for entry_id, fields in raw or ()
    ]


def _said_in(fields: Mapping[bytes, bytes]) -> tuple[bytes, EntryKind]:
    """What an entry says, or all of it where no one field says it: set aside, and not lost."""
    told = [(fields[name], kind) for name, kind in _KINDS.items() if name in fields]
    if len(told) == 1:
        return told[0]
    return b"\n".join(name + b"=" + value for name, value in fields.items()), EntryKind.INTENT


def _id(raw: bytes | str) -> Id:
    milliseconds, _, number = _text(raw).partition("-")
    return int(milliseconds), int(number or 0)


def _text(raw: Any) -> str:
    return raw.decode() if isinstance(raw, bytes) else str(raw)


async def put_unread(redis: Redis, intent: Mapping[str, Any] | str) -> str:
    """Put an intent that came by another door on its producer's stream, unread.

    What names no producer goes to a stream that nobody owns, where ``doctor`` shows it: whatever
    the intake would say of it is the intake's to say.
    """
    try:
        said = (json.loads(intent) if isinstance(intent, str) else intent).get("producer")
    except (ValueError, AttributeError, RecursionError):
        said = None
    producer = said if isinstance(said, str) and _NAME.fullmatch(said) else UNNAMED
    return await put(redis, producer, intent if isinstance(intent, str) else json.dumps(intent))
