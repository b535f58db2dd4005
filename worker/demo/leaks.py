"""Promise P7, looked for: values that must stand in no log and nowhere in Redis in clear."""

import base64
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis

from worker.streams import INTENTS

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
"""A Celery message carries its arguments like this, where no plain search would find them."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found. ``places`` names where a value stood, never the value."""

    values: int
    """How many values were looked for."""
    searched: int
    """In how many logs, keys and messages."""
    places: tuple[str, ...]


async def search(
    values: Iterable[str], logs: Iterable[Path], redis: Redis, said: Mapping[str, bytes]
) -> Search:
    """Look for each value in each log, in every key of a Redis database, and in what was said.

    The intent streams are left out: what is still in them was not yet taken in. ``said`` are
    messages and answers, by what they are called where something is found in them.
    """
    wanted = {value.encode() for value in values if value}
    searched, places = 0, list[str]()
    for log in logs:
        searched += 1
        if _holds(log.read_bytes(), wanted):
            places.append(log.name)
    async for key, content in _keys(redis):
        searched += 1
        if _holds(content, wanted):
            places.append(f"Redis key {key.decode(errors='replace')}")
    for name, content in said.items():
        searched += 1
        if _holds(content, wanted):
            places.append(name)
    return Search(len(wanted), searched, tuple(places))


def _holds(content: bytes, wanted: set[bytes]) -> bool:
    readings = (content, *_decoded(content))
    return any(value in reading for value in wanted for reading in readings)


def _decoded(content: bytes) -> Iterator[bytes]:
    for found in _BASE64.findall(content):
        text = found.rstrip(b"=")
        if len(text) % 4 != 1:  # nothing is encoded as one character over
            yield base64.b64decode(text + b"=" * (-len(text) % 4))


async def _keys(redis: Redis) -> AsyncIterator[tuple[bytes, bytes]]:
    """Keys with all that they hold. A key that goes meanwhile holds nothing."""
    readers: dict[Any, Any] = {
        b"string": redis.get,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"hash": redis.hgetall,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": redis.xrange,
    }
    async for key in redis.scan_iter(count=500):
        if key.startswith(INTENTS.encode()):
            continue
        read = readers.get(await redis.type(key))
        yield key, b"" if read is None else b"\n".join(_flat(await read(key)))


def _flat(held: Any) -> Iterator[bytes]:
    match held:
        case bytes():
            yield held
        case dict():
            for name, value in held.items():
                yield from _flat(name)
                yield from _flat(value)
        case list() | tuple() | set():
            for each in held:
                yield from _flat(each)
        case _:
            return
