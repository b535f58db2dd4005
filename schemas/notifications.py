"""What a producer is told: one message per change of a DeliverID, and its exact bytes.

Beside those there are notices: one per change of an entry that could not become an order.

The envelope is that of Standard Webhooks: ``type``, ``timestamp``, ``data``. How it is signed
and sent is ``worker.delivery``'s business.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, TypeAdapter
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
    """One line after the change.

    ``sequence`` counts the events of this DeliverID from 1. ``reason`` is the provider's own
    text, shortened; ``details`` are further facts it told, such as a subscription's id. ``goods``
    are the delivered codes: secret, so no repr shows them. Where they would make the body too
    large ``goods_omitted`` is true and the producer fetches them.
    """

    intent_id: str
    producer: str
    order_id: str
    deliver_id: str
    sequence: int = Field(ge=1)
    provider: str
    state: str
    provider_ref: str | None = None
    provider_line_ref: str | None = None
    price: Price | None = None
    reason: Annotated[str | None, BeforeValidator(_shorten)] = None
    details: dict[str, str] | None = None
    goods: tuple[dict[str, str], ...] | None = Field(default=None, repr=False)
    goods_omitted: Literal[True] | None = None


class EntryNews(Schema):
    """An entry of the producer's stream that could not be taken in, and what is wrong with it.

    ``sequence`` counts what is told of this entry from 1. ``kind`` is the field that held it,
    ``entry_id`` the id that Redis gave it; ``intent_id`` is left out where it could not be read.
    The fault (``code``, ``path``, ``detail``) never repeats a value of the entry. ``reason`` is
    that of the person who decided that nothing becomes of it.
    """

    producer: str
    quarantine_id: str
    sequence: int = Field(ge=1)
    kind: str
    entry_id: str
    intent_id: str | None = None
    code: str
    path: Annotated[str, BeforeValidator(_shorten)]
    detail: Annotated[str, BeforeValidator(_shorten)]
    reason: Annotated[str | None, BeforeValidator(_shorten)] = None


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
        **MESSAGE.json_schema(mode="serialization"),
    }
