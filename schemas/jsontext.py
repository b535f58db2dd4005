"""Strict JSON: text that means one thing only, or a fault that says where it does not.

Python's own reader is generous: it keeps the last of two equal keys, takes ``NaN``, rounds
through floats and recurses as deep as it is told to. Everything refused here either means
different things to different readers or cannot be kept in PostgreSQL's ``jsonb``. Nothing in
this module knows what an intent is.
"""

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from json.encoder import encode_basestring
from typing import Any, Final

MAX_BYTES: Final = 64 * 1024
"""How long a text may be, in bytes, before anything looks into it."""
MAX_DEPTH: Final = 32
"""How many arrays and objects may lie inside one another."""
MAX_INTEGER: Final = 2**63 - 1
"""The largest integer that other readers of JSON keep exact; the smallest is ``-2**63``."""
MAX_NUMBER_LENGTH: Final = 64
"""How many characters a number with a fraction or an exponent may be written in."""
MAX_EXPONENT: Final = 64
"""The largest power of ten, either way, that a number may name."""


class JsonProblem(StrEnum):
    """What was wrong with a text."""

    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    DUPLICATE_KEY = "duplicate_key"
    BAD_NUMBER = "bad_number"
    BAD_TEXT = "bad_text"


class JsonFault(ValueError):
    """The text was refused. ``path`` is empty where the fault is not in one value.

    ``detail`` says what is allowed and never quotes the text, which may hold secrets.
    """

    def __init__(self, problem: JsonProblem, path: str, detail: str) -> None:
        super().__init__(problem, path, detail)
        self.problem = problem
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.path or 'text'}: {self.detail}"


def loads(raw: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Any:
    """Read one JSON value. Integers become ``int``, every other number ``Decimal``.

    Raises ``JsonFault``. Size and nesting are measured before anything is parsed.
    """
    if len(raw) > max_bytes:
        raise JsonFault(JsonProblem.TOO_LARGE, "", f"at most {max_bytes} bytes are read")
    if is_deeper_than(raw, max_depth):
        raise JsonFault(JsonProblem.TOO_DEEP, "", f"at most {max_depth} levels are read")
    reading = _Reading()
    value = reading.decode(decoded(raw))
    if reading.suspect or _SUSPECT_ESCAPE.search(raw):
        for fault in _faults(value, ()):
            raise fault
    return value


def canonical(value: Any) -> bytes:
    """The one spelling of a value that ``loads`` gave: sorted keys, no spaces, UTF-8.

    Numbers that are equal are spelt equally: ``1``, ``1.0`` and ``1e0`` are all ``1``.
    """
    try:
        return _spell(value).encode()
    except TypeError:  # a Decimal in it
        return _spelt(value).encode()


def is_deeper_than(raw: bytes, levels: int) -> bool:
    """Whether arrays and objects lie deeper in one another. Nothing is parsed for that."""
    return _depth(raw, levels) > levels


_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def path_of(steps: Iterable[str | int]) -> str:
    """Write a path as people read it: ``lines[2].require_data[0].value``.

    A key that does not look like a field's name is shown as ``…``: somebody may have put
    a value where a name belongs, and a path ends up in logs.
    """
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            name = step if _PLAIN_NAME.fullmatch(step) else "…"
            path += f".{name}" if path else name
    return path


_STEP: Final = re.compile(rf"\[(0|[1-9][0-9]{{0,8}})\]|(?:^|(?<=.)\.)({_PLAIN_NAME.pattern})")


def steps_of(path: str) -> list[str | int]:
    """The steps of a path that ``path_of`` wrote. Raises ``ValueError``.

    What was shown as ``…`` cannot be found again.
    """
    steps: list[str | int] = []
    end = 0
    for step in _STEP.finditer(path):
        if step.start() != end:
            break
        index, name = step.groups()
        steps.append(name if index is None else int(index))
        end = step.end()
    if not steps or end != len(path):
        raise ValueError(f"no path goes on like this after character {end}")
    return steps


_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, or all that is left where it does not end: so the scan stays linear."""
_BRACKETS: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS: Final = bytes(set(range(256)) - _BRACKETS.keys())
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Where a NUL or a surrogate may have been escaped; without one there is neither."""
_BAD_TEXT: Final = re.compile("[\0\ud800-\udfff]")

_LONGEST_INTEGER: Final = len(str(-MAX_INTEGER))
"""Longer ones are not even converted: that costs the square of their length."""


def _depth(raw: bytes, enough: int) -> int:
    """The deepest nesting, or an upper bound of it where that is within ``enough``."""
    bound = raw.count(b"[") + raw.count(b"{")
    if bound <= enough:
        return bound
    brackets = _STRING.sub(b"", raw).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_BRACKETS.__getitem__, brackets), initial=0))


def decoded(raw: bytes) -> str:
    """The text of these bytes. Raises ``JsonFault``."""
    if raw.startswith(codecs.BOM_UTF8):
        raise JsonFault(JsonProblem.NOT_JSON, "", "JSON starts without a byte order mark")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        start = error.start
    # Raised out here so that the exception holding the whole text is not chained to it.
    raise JsonFault(JsonProblem.NOT_UTF8, "", f"not UTF-8 at byte {start}")


@dataclass(frozen=True, slots=True)
class _Bad:
    """Stands in the tree where a value was refused, until its path is known."""

    problem: JsonProblem
    detail: str
    at: tuple[str, ...] = ()


class _Reading:
    """One pass of Python's C reader, with hooks that mark what it would have let through."""

    __slots__ = ("suspect",)

    def __init__(self) -> None:
        self.suspect = False

    def decode(self, text: str) -> Any:
        decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._number,
            parse_constant=self._constant,
        )
        try:
            return decoder.decode(text)
        except json.JSONDecodeError as error:
            detail = f"not JSON at character {error.pos}"
        # Raised out here for the reason given in decoded.
        raise JsonFault(JsonProblem.NOT_JSON, "", detail)

    def _bad(self, problem: JsonProblem, detail: str, *at: str) -> _Bad:
        self.suspect = True
        return _Bad(problem, detail, at)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Bad:
        fields = dict(pairs)
        if len(fields) == len(pairs):
            return fields
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        return self._bad(JsonProblem.DUPLICATE_KEY, "a key may stand in an object once", twice)

    def _integer(self, text: str) -> int | _Bad:
        if len(text) <= _LONGEST_INTEGER:
            number = int(text)
            if -MAX_INTEGER - 1 <= number <= MAX_INTEGER:
                return number
        return self._bad(JsonProblem.BAD_NUMBER, "an integer must fit into 64 bits, signed")

    def _number(self, text: str) -> Decimal | _Bad:
        if len(text) <= MAX_NUMBER_LENGTH:
            exponent = text.lower().partition("e")[2]
            if abs(int(exponent or 0)) <= MAX_EXPONENT:
                return Decimal(text)
        return self._bad(
            JsonProblem.BAD_NUMBER,
            f"a number has at most {MAX_NUMBER_LENGTH} characters and exponents to {MAX_EXPONENT}",
        )

    def _constant(self, _name: str) -> _Bad:
        return self._bad(JsonProblem.BAD_NUMBER, "JSON has no NaN and no Infinity")


def _faults(value: Any, steps: tuple[str | int, ...]) -> Iterator[JsonFault]:
    """What was refused in a tree, in the order of the text."""
    if isinstance(value, _Bad):
        yield JsonFault(value.problem, path_of((*steps, *value.at)), value.detail)
    elif isinstance(value, str):
        if _BAD_TEXT.search(value):
            detail = "text holds neither U+0000 nor half of a surrogate pair"
            yield JsonFault(JsonProblem.BAD_TEXT, path_of(steps), detail)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, (*steps, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _faults(key, (*steps, key))
            yield from _faults(item, (*steps, key))


_spell: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""The same in C, for what has no fractions in it."""


def _spelt(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        fields = [f"{encode_basestring(key)}:{_spelt(value[key])}" for key in sorted(value)]
        return "{" + ",".join(fields) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_spelt, value)) + "]"
    if isinstance(value, Decimal):
        whole, _, fraction = f"{value:f}".partition(".")
        fraction = fraction.rstrip("0")
        return f"{whole}.{fraction}" if fraction else str(int(whole))
    return json.dumps(value)
