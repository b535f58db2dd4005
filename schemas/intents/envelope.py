"""The envelope: what every intent says, whichever provider it is for."""

from enum import StrEnum
from typing import Annotated, Final, Self, TypeVar

from pydantic import (
    AliasChoices,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schemas.intents.faults import FaultCode, broken
from schemas.intents.parts import Array, Name, Part
from schemas.intents.quote import Quote

MAX_URL_LENGTH: Final = 2000

Producer = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class Priority(StrEnum):
    """How urgent an intent is among its producer's own. It takes no other producer's turn."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Its place, the most urgent first: 0, 1, 2."""
        return [*Priority].index(self)


Urgency = Annotated[
    Priority,
    Field(strict=False),
    WithJsonSchema({"type": "string", "enum": [str(each) for each in Priority]}),
]
"""Not strict, because JSON gives its word."""


class Line(Part):
    """One thing wanted. A provider whose order has no lines takes one that says only this."""

    deliver_id: Name = Field(validation_alias=AliasChoices("deliver_id", "DeliverID"))
    """The producer's own id of this line, never used before; `DeliverID` is also accepted.
    Notifications name it; no provider ever sees it."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say what pydantic leaves out of a schema: the id may be spelt in two ways."""
        reference = handler(schema)
        said = handler.resolve_ref_schema(reference)
        spellings = ("deliver_id", "DeliverID")
        said["properties"]["DeliverID"] = said["properties"]["deliver_id"]
        said["required"] = [name for name in said["required"] if name not in spellings]
        said["oneOf"] = [{"required": [name]} for name in spellings]
        return reference


AnyLine = TypeVar("AnyLine", bound=Line)


Lines = Annotated[Array[AnyLine], Field(min_length=1)]


class Envelope(Part):
    """What a producer asks for. Immutable; one per `producer` and `intent_id`, for ever."""

    intent_id: Name
    """The producer's own id of this intent. Sent again with the same content, it finds the
    same order; with other content, it is refused."""
    producer: Producer
    """Who asks. May be left out on a stream, whose key names the producer."""
    provider: str
    """Which provider is to fulfil it."""
    account: AccountName = "default"
    """Which of our accounts with the provider pays."""
    notify_url: Annotated[str, Field(max_length=MAX_URL_LENGTH)] | None = None
    """Where notifications go (https); the producer's registered URL where this is left out."""
    quote: Quote | None = None
    """What the customer was promised. Without one the order never expires."""
    priority: Urgency = Priority.NORMAL
    """Which of your own orders go first: `high`, `normal` or `low`. Between producers, turns go
    round whatever they say."""
    lines: Lines[Line]
    """What is wanted."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say that a stream's key stands in for the producer's name."""
        reference = handler(schema)
        handler.resolve_ref_schema(reference)["required"].remove("producer")
        return reference

    @property
    def is_priced_first(self) -> bool:
        """Whether its provider quotes a price before anything is bought."""
        return False

    @model_validator(mode="after")
    def _can_be_quoted_anew(self) -> Self:
        if self.quote is not None and self.quote.requote and not self.is_priced_first:
            detail = "Here no price is quoted before it is bought, so none can be quoted anew"
            raise broken(FaultCode.OUT_OF_RANGE, detail, "quote", "requote")
        return self

    @model_validator(mode="after")
    def _deliver_ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for index, line in enumerate(self.lines):
            if line.deliver_id in seen:
                detail = "A deliver_id names one line"
                at = ("lines", index, "deliver_id")
                raise broken(FaultCode.DUPLICATE_DELIVER_ID, detail, *at)
            seen.add(line.deliver_id)
        return self
