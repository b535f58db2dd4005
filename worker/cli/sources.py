"""Intents as people keep them: one in a file, one a line, or an array; cut apart, not read.

Each is handed on byte for byte, because what a producer says is fingerprinted as it was written.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas import jsonarray, jsontext
from worker.errors import OrderlineError

STDIN: Final = "-"


class NotReadable(OrderlineError):
    """A file cannot be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """One intent's text, and where it stood: ``orders.jsonl:3``."""

    place: str
    raw: bytes = field(repr=False)


def read_sources(paths: Sequence[str]) -> list[Source]:
    """Every intent in these files, ``-`` being standard input. Raises ``NotReadable``."""
    return [source for path in paths for source in split(path, read_file(path))]


def split(name: str, raw: bytes) -> list[Source]:
    """Cut one file apart. What cannot be cut is one intent, for the reader to refuse."""
    if jsonarray.is_array(raw):
        return list(_elements(name, raw))
    lines = [(number, line.strip()) for number, line in enumerate(raw.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    if len(lines) > 1 and any(_is_object(line) for _, line in lines):
        return [Source(f"{name}:{number}", line) for number, line in lines]
    return [Source(name, raw.strip())]


def read_file(path: str) -> bytes:
    """A whole file, ``-`` being standard input. Raises ``NotReadable``."""
    if path == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NotReadable(f"{path}: {error.strerror}") from None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _elements(name: str, raw: bytes) -> Iterator[Source]:
    """The elements of an array, each exactly as it is written there."""
    try:
        elements = jsonarray.cut(raw)
    except jsontext.JsonFault:
        yield Source(name, raw)
        return
    for index, element in enumerate(elements):
        yield Source(f"{name}[{index}]", element)
