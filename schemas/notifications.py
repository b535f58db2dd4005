"""What a producer is told: one message per change of a DeliverID, and its exact bytes.

Beside those there are notices: one per change of an entry that could not become an order.

The envelope is that of Standard Webhooks: ``type``, ``timestamp``, ``data``. How it is signed
and sent is ``worker.delivery``'s business.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
)
from pydantic_core import to_json

from schemas.base import Schema
from schemas.money import Money

BODY_LIMIT: Final = 20_000
"""Bytes a body stays below (Standard Webhooks, "Payload size": under 20 kB)."""
_REASON_CHARACTERS: Final = 1_000
_GOODS_KEY: Final = b'"goods":'


class EventType(StrEnum):
    """What became of a line. The part after the dot is its new state, but for the last one."""

    LINE_QUOTED = "line.quoted"
    LINE_ACCEPTED = "line.accepted"
    LINE_PARTIALLY_DELIVERED = "line.partially_delivered"
    LINE_DELIVERED = "line.delivered"
    LINE_REFUSED = "line.refused"
    LINE_FAILED = "line.failed"
    LINE_CANCELLED = "line.cancelled"
    LINE_EXPIRED = "line.expired"
    LINE_IN_DOUBT = "line.in_doubt"
    LINE_CANCEL_REFUSED = "line.cancel_refused"
    """The one event that is no change: the line stays what it was, although it was to be
    called off."""


class NoticeType(StrEnum):
    """What became of an entry that could not be taken in."""

    INTENT_QUARANTINED = "intent.quarantined"
    """It was set aside; a person may still mend it, and so may its producer, in a new entry."""
    INTENT_REFUSED = "intent.refused"
    """Nothing will become of it."""


class Price(Schema):
    """Money as text: a JSON number would be rounded by the first float that reads it."""

    amount: str = Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["19.90"])
    currency: str

    @classmethod
    def of(cls, money: Money) -> Self:
        """The price of something, written without an exponent."""
        return cls(amount=f"{money.amount:f}", currency=money.currency)


def _shorten(reason: str | None) -> str | None:
    return reason and reason[:_REASON_CHARACTERS]


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


class LineNews(Schema):
    """One line after the change."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    intent_id: str
    """The producer's own id of the intent."""
    producer: str
    """Who asked for it."""
    order_id: str
    """Our id of the order."""
    deliver_id: str
    """The producer's own id of the line."""
    sequence: int = Field(ge=1)
    """Counts the events of this DeliverID from 1; they arrive in this order."""
    provider: str
    """Whom the order is with."""
    state: str
    """Where the line stands now."""
    provider_ref: str | None = None
    """The provider's own id of the order, once it is known."""
    provider_line_ref: str | None = None
    """The provider's own id of the line, once it is known."""
    price: Price | None = None
    """What the line costs, where the provider tells it."""
    reason: Annotated[str | None, BeforeValidator(_shorten)] = None
    """Why it is so: words of ours or of the provider, shortened, for people."""
    details: dict[str, str] | None = None
    """Further facts that the provider told, such as a subscription's id."""
    goods: tuple[dict[str, str], ...] | None = Field(default=None, repr=False)
    """The delivered codes. Secret."""
    goods_omitted: Literal[True] | None = None
    """There are codes that would make the body too large: fetch them from the gateway."""


class EntryNews(Schema):
    """An entry of the producer's stream that could not be taken in, and what is wrong with it.

    The fault (``code``, ``path``, ``detail``) never repeats a value of the entry.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    producer: str
    """Whose stream it was on."""
    quarantine_id: str
    """Our id of what was set aside."""
    sequence: int = Field(ge=1)
    """Counts what is told of this entry from 1."""
    kind: str
    """The field that held it: `intent` or `cancel`."""
    entry_id: str
    """The id that Redis gave the entry."""
    intent_id: str | None = None
    """The intent's id; left out where it could not be read."""
    code: str
    """The kind of fault. Programs may build on it."""
    path: Annotated[str, BeforeValidator(_shorten)]
    """Where in the entry it is; empty where it is in no one place."""
    detail: Annotated[str, BeforeValidator(_shorten)]
    """The sentence for people; it may change."""
    reason: Annotated[str | None, BeforeValidator(_shorten)] = None
    """Why a person decided that nothing becomes of it."""


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Notification(Schema):
    """The body of a webhook. ``timestamp`` is when the fact happened, not when it is told."""

    type: EventType
    timestamp: Moment
    data: LineNews


class Notice(Schema):
    """The body of a webhook about an entry that was set aside."""

    type: NoticeType
    timestamp: Moment
    data: EntryNews


Message = Notification | Notice
"""The body of any webhook; ``type`` says which."""

MESSAGE: Final[TypeAdapter[Message]] = TypeAdapter(Message)


def render(message: Message) -> bytes:
    """The bytes to sign and send: compact UTF-8 JSON below ``BODY_LIMIT``, absent fields left out.

    Equal messages give equal bytes, whichever time zone the database session spoke, so
    every try of a delivery sends the same body.
    """
    body = to_json(message, exclude_none=True)
    if len(body) < BODY_LIMIT or isinstance(message, Notice):
        return body  # a notice is made of a few short texts
    news = message.data.model_copy(update={"goods": None, "goods_omitted": True})
    return to_json(message.model_copy(update={"data": news}), exclude_none=True)


def carries_goods(body: bytes) -> bool:
    """Whether a rendered body holds delivered codes.

    Exact: inside a JSON string a quote is escaped, so only the key itself can match.
    """
    return _GOODS_KEY in body


def json_schema() -> dict[str, Any]:
    """What a producer is told, as JSON Schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orderline notification",
        "description": "The body of one webhook.",
        **opened(MESSAGE.json_schema(mode="serialization")),
    }


def opened(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a message as its readers should have it, changed in place.

    Fields, types and codes may be added to what we say, so no reader should refuse one: those of
    today are examples. What has no value is left out, so nothing is ever ``null``.
    """
    for part in (schema, *schema.get("$defs", {}).values()):
        if "enum" in part:
            part["examples"] = part.pop("enum")
        part.pop("additionalProperties", None)
        for said in part.get("properties", {}).values():
            _never_null(said)
    return schema


def _never_null(said: dict[str, Any]) -> None:
    if said.get("default", ...) is None:
        del said["default"]
        [only] = [choice for choice in said.pop("anyOf") if choice != {"type": "null"}]
        said |= only
