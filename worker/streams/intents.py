"""The intents' door: one stream per producer, so that its key says who is speaking."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from worker.store.intake import Entry, EntryKind
from worker.streams.door import Door, Said, lags, text

INTENTS: Final = "orderline:intents:"
_KINDS: Final = {kind.value.encode(): kind for kind in EntryKind}

UNNAMED: Final = "unnamed"
"""The stream of intents that came by another door and name no producer."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def stream_of(producer: str) -> str:
    """The key of a producer's stream."""
    return f"{INTENTS}{producer}"


async def put(
    redis: Redis, producer: str, said: bytes | str, kind: EntryKind = EntryKind.INTENT
) -> str:
    """Add an intent, or a wish to call one off, to its producer's stream; the entry's id.

    Never trims.
    """
    return text(await redis.xadd(stream_of(producer), {kind.value: said}))


async def put_all(redis: Redis, producer: str, intents: Sequence[bytes]) -> list[str]:
    """Add intents to a producer's stream in one round trip; the entries' ids, in order.

    Not one transaction: where Redis fails meanwhile some may be there. Putting all of them again
    does no harm.
    """
    async with redis.pipeline(transaction=False) as pipe:
        for said in intents:
            pipe.xadd(stream_of(producer), {EntryKind.INTENT.value: said})
        return [text(entry_id) for entry_id in await pipe.execute()]


class IntentStreams:
    """The producers' intent streams, as one consumer of the group sees them."""

    def __init__(self, redis: Redis, consumer: str) -> None:
        self._door = Door(redis, consumer)

    async def read(self, producers: Sequence[str], *, count: int, block_ms: int) -> list[Entry]:
        """New entries, at most ``count`` per producer; waits ``block_ms`` for the first one."""
        streams = list(map(stream_of, producers))
        return list(map(_entry, await self._door.read(streams, count=count, block_ms=block_ms)))

    async def left_behind(
        self, producers: Sequence[str], *, older_than_ms: int, count: int
    ) -> list[Entry]:
        """Entries whose worker died with them; see ``Door.left_behind``."""
        found = await self._door.left_behind(
            map(stream_of, producers), older_than_ms=older_than_ms, count=count
        )
        return list(map(_entry, found))

    async def done(self, entries: Iterable[Entry]) -> None:
        """Remove entries whose commit succeeded."""
        await self._door.done(entries)

    async def leave(self) -> None:
        """Take this consumer out of the groups, wherever nothing is pending for it."""
        await self._door.leave()


async def waiting(redis: Redis, producers: Iterable[str]) -> dict[str, tuple[int, float]]:
    """For each producer with entries: how many, and the age of the oldest in seconds."""
    behind = await lags(redis, map(stream_of, producers))
    return {stream.removeprefix(INTENTS): lag for stream, lag in behind.items()}


async def strangers(redis: Redis, producers: Iterable[str]) -> list[str]:
    """Streams that no registered producer owns: nobody reads them until it is registered."""
    known = {stream_of(producer) for producer in producers}
    found = [key.decode() async for key in redis.scan_iter(f"{INTENTS}*", count=500)]
    return sorted(key for key in found if key not in known)


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


def _entry(said: Said) -> Entry:
    raw, kind = _said_in(said.fields)
    return Entry(said.stream.removeprefix(INTENTS), said.stream, said.entry_id, raw, kind)


def _said_in(fields: Mapping[bytes, bytes]) -> tuple[bytes, EntryKind]:
    """What an entry says, or all of it where no one field says it: set aside, and not lost."""
    told = [(fields[name], kind) for name, kind in _KINDS.items() if name in fields]
    if len(told) == 1:
        return told[0]
    return b"\n".join(name + b"=" + value for name, value in fields.items()), EntryKind.INTENT
