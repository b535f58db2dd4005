"""The envelope: what every intent says, whichever provider it is for."""

from typing import Annotated, Final, Self, TypeVar

from pydantic import AliasChoices, Field, model_validator

from schemas.intents.faults import FaultCode, broken
from schemas.intents.parts import Array, Name, Part
from schemas.intents.quote import Quote

MAX_URL_LENGTH: Final = 2000

Producer = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
AccountName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


class Line(Part):
    """One thing wanted. A provider whose order has no lines takes one that says only this."""

    deliver_id: Name = Field(validation_alias=AliasChoices("deliver_id", "DeliverID"))
    """The producer's own id of this line, never used before; `DeliverID` is also accepted.
    Notifications name it; no provider ever sees it."""


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
    lines: Lines[Line]
    """What is wanted."""

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
