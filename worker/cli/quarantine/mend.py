"""Mending what an entry says: values put in place and taken away, by the paths that faults print.

Only what is named is changed. The rest keeps its order and its digits, so that what is taken in is
what the producer said, but for that.
"""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final, Self

from schemas import jsontext
from schemas.jsontext import JsonFault, JsonProblem
from worker.operating.retrying import Mend, Unmended

_INDENT: Final = "  "


class BadEdit(ValueError):
    """An edit that cannot be understood, whatever it is to change."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One value put in place, or (without one) taken away."""

    path: str
    steps: tuple[str | int, ...]
    value: Any = None
    removes: bool = False

    @classmethod
    def put(cls, written: str) -> Self:
        """From ``PATH=VALUE``; the value is JSON, else text. Raises ``BadEdit``."""
        path, equals, value = written.partition("=")
        if not equals:
            raise BadEdit(f"{path!r} is no PATH=VALUE, like lines[0].quantity=2")
        return cls(path, _steps(path), _value(path, value))

    @classmethod
    def take(cls, path: str) -> Self:
        """From a path. Raises ``BadEdit``."""
        return cls(path, _steps(path), removes=True)

    def apply(self, document: Any) -> None:
        """Change the document, of which nothing is shared with another. Raises ``Unmended``."""
        *above, last = self.steps
        holder = document
        for depth, step in enumerate(above, start=1):
            if not _has(holder, step):
                raise Unmended(jsontext.path_of(self.steps[:depth]), "There is nothing here")
            holder = holder[step]
        if self.removes:
            if not _has(holder, last):
                raise Unmended(self.path, "There is nothing here to take away")
            del holder[last]
        elif isinstance(holder, list) and last == len(holder):
            holder.append(deepcopy(self.value))
        elif _has(holder, last) or (isinstance(holder, dict) and isinstance(last, str)):
            holder[last] = deepcopy(self.value)
        else:
            raise Unmended(self.path, "There is no such place")


def edited(edits: Sequence[Edit]) -> Mend:
    """A mend that makes all of these changes, in their order."""

    def mend(raw: bytes) -> bytes:
        try:
            document = jsontext.loads(raw)
        except JsonFault as fault:
            raise Unmended(fault.path, f"This cannot be changed in place: {fault.detail}") from None
        for edit in edits:
            edit.apply(document)
        return written(document).encode()

    return mend


def readable(raw: bytes) -> bytes:
    """What an entry says, a value a line where it is JSON; else just as it is."""
    try:
        return written(jsontext.loads(raw), pretty=True).encode() + b"\n"
    except JsonFault:
        return raw


def compact(raw: bytes, *, at_most: int) -> bytes:
    """The same JSON without the spaces between its values, or what is no JSON, just as it is."""
    try:
        return written(jsontext.loads(raw, max_bytes=at_most)).encode()
    except JsonFault:
        return raw


def written(value: Any, *, pretty: bool = False) -> str:
    """A value that ``jsontext.loads`` gave, as JSON: keys in their order, numbers as they stood."""
    return _written(value, "\n" if pretty else "")


def _written(value: Any, start: str) -> str:
    """``start`` begins each line of the value, or is empty: then it is one line."""
    inside = start and start + _INDENT
    if isinstance(value, Mapping) and value:
        gap = ": " if start else ":"
        fields = [f"{encode_basestring(k)}{gap}{_written(v, inside)}" for k, v in value.items()]
        return "{" + inside + f",{inside}".join(fields) + start + "}"
    if isinstance(value, list) and value:
        items = [_written(item, inside) for item in value]
        return "[" + inside + f",{inside}".join(items) + start + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _has(holder: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(holder, list) and step < len(holder)
    return isinstance(holder, dict) and step in holder


def _steps(path: str) -> tuple[str | int, ...]:
    try:
        return tuple(jsontext.steps_of(path))
    except ValueError as error:
        raise BadEdit(
            f"{path!r}: {error}. A path is written as faults print it, like"
            " lines[0].require_data[1].value; what is shown there as … takes --edit or --with"
        ) from None


def _value(path: str, value: str) -> Any:
    try:
        return jsontext.loads(value.encode())
    except UnicodeEncodeError:
        raise BadEdit(f"{path}: the value is not UTF-8") from None
    except JsonFault as fault:
        if fault.problem is JsonProblem.NOT_JSON:
            return value
        raise BadEdit(
            f"{path}: {fault.detail}; text that looks like JSON is put in quotes"
        ) from None
