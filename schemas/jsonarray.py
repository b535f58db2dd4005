"""Cutting a JSON array apart, each element exactly as it is written there.

So each can be read, and refused, on its own: what a producer says is kept as it was said.
"""

import json
import re
from typing import Final, NoReturn

from schemas.jsontext import MAX_DEPTH, JsonFault, JsonProblem, decoded, is_deeper_than

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""Only finds where an element ends: numbers are not even made of their digits."""


def is_array(raw: bytes) -> bool:
    """Whether this begins like an array."""
    return raw.lstrip()[:1] == b"["


def cut(raw: bytes) -> list[bytes]:
    """The elements of an array. Raises ``JsonFault`` where it cannot be cut."""
    if is_deeper_than(raw, MAX_DEPTH + 1):
        raise JsonFault(JsonProblem.TOO_DEEP, "", f"at most {MAX_DEPTH} levels are read")
    text, elements = decoded(raw), []
    at = _skip(text, _past("[", text, _skip(text, 0)))
    if text.startswith("]", at):
        end = at
    else:
        while True:
            start, at = at, _end(text, at)
            elements.append(text[start:at].encode())
            end = _skip(text, at)
            if not text.startswith(",", end):
                break
            at = _skip(text, end + 1)
    rest = _skip(text, _past("]", text, end))
    if rest != len(text):
        _broken(rest)
    return elements


def _end(text: str, start: int) -> int:
    try:
        _, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        place = error.pos
    else:
        return int(end)
    # Raised out here so that the exception holding the whole text is not chained to it.
    return _broken(place)


def _past(bracket: str, text: str, at: int) -> int:
    return at + 1 if text.startswith(bracket, at) else _broken(at)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _broken(place: int) -> NoReturn:
    raise JsonFault(JsonProblem.NOT_JSON, "", f"not JSON at character {place}")
