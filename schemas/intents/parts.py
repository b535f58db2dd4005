"""What intents are made of: the base of every part, and the kinds of value in them.

Only kinds that more than one provider needs live here; a provider's own limits live beside
its body.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    SerializationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.base import Schema
from schemas.intents.faults import FaultCode, broken

HIDDEN: Final = "…"
"""What is shown instead of personal data."""
MASK: Final = object()
"""The serialization context in which personal data is hidden."""
ERASE: Final = object()
"""The serialization context in which personal data gives way to what says nothing of anybody."""


class Part(Schema):
    """A part of an intent. Its repr hides what is marked ``Personal``."""

    model_config = ConfigDict(use_attribute_docstrings=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        return self.model_dump(context=MASK).items()


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Marks text about a person: kept and sent to the provider, never shown, erased in the end.

    ``erased`` is what takes its place then. It must be valid there, so that the rest of the intent
    can still be read: a field that takes no plain word names its own.
    """

    erased: str = "erased"

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return PlainSerializer(self._said).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "x-personal-data": True}

    def _said(self, value: str, info: SerializationInfo) -> str:
        if info.context is ERASE:
            return self.erased
        return HIDDEN if info.context is MASK else value


Personal = Annotated[str, PersonalData()]

T = TypeVar("T")
Array = Annotated[tuple[T, ...], Field(strict=False)]
"""A JSON array. Not strict, because a strict tuple would refuse the list that JSON gives."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise broken(FaultCode.BAD_TEXT, "This holds printable characters only")
    return text


Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        json_schema_extra={"pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$"},
    ),
    AfterValidator(_printable),
]
"""An id of the producer's or a provider's: 1 to 128 printable characters."""

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A number that a provider gave to a thing of its own."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""The provider's own currency code; not every one is in ISO 4217 (Gifthub's ``IRT``)."""

_WHOLE_DIGITS: Final = 12
_PLACES: Final = 6
_AMOUNT: Final = rf"^(0|[1-9][0-9]{{0,{_WHOLE_DIGITS - 1}}})(\.[0-9]{{1,{_PLACES}}})?$"
_AMOUNT_PATTERN: Final = re.compile(_AMOUNT)


def _amount(value: object) -> object:
    match value:
        case str() if _AMOUNT_PATTERN.fullmatch(value):
            return Decimal(value)
        case Decimal() if value.is_finite():
            return Decimal(f"{value:f}")
        case int() if not isinstance(value, bool):
            return Decimal(value)
        case str():
            detail = "An amount is written like 19.90: no sign, no exponent, at most 6 decimals"
            raise broken(FaultCode.OUT_OF_RANGE, detail)
        case _:
            raise broken(FaultCode.WRONG_TYPE, "An amount is a string like 19.90, or a number")


Amount = Annotated[
    Decimal,
    Field(gt=0, max_digits=_WHOLE_DIGITS + _PLACES, decimal_places=_PLACES),
    BeforeValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _AMOUNT},
                {"type": "number", "exclusiveMinimum": 0},
            ]
        }
    ),
]
"""Money above zero: at most 12 digits before the point and 6 after it.

A string is the safer spelling: JSON numbers pass through floats in many a language.
"""

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


_EDGES: Final = (MINYEAR, MAXYEAR)
"""Years in which a moment, told in another time zone, may be none: a database's session tells
it in its own, and a row that cannot be read would hold up all others."""


def _instant(value: object) -> object:
    match value:
        case datetime() if value.tzinfo is not None:
            moment = value
        case str() if _RFC_3339.fullmatch(value):
            try:
                moment = datetime.fromisoformat(value.upper())
            except ValueError:
                raise broken(FaultCode.OUT_OF_RANGE, "There is no such moment") from None
        case _:
            detail = "A moment is an RFC 3339 string with its offset: 2026-11-22T10:00:00Z"
            raise broken(FaultCode.WRONG_TYPE, detail)
    if moment.year in _EDGES:
        raise broken(FaultCode.OUT_OF_RANGE, "Not every time zone has such a moment")
    return moment.astimezone(UTC)


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""A moment, kept in UTC, to the microsecond."""
