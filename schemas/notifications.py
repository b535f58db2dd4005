"""What a producer is told: one message per change of a DeliverID, and its exact bytes.

The envelope is that of Standard Webhooks: ``type``, ``timestamp``, ``data``. How it is signed
and sent is ``worker.delivery``'s business.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
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


class Notification(Schema):
    """The body of a webhook. ``timestamp`` is when the fact happened, not when it is told."""

    type: EventType
    timestamp: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    data: LineNews


def render(notification: Notification) -> bytes:
    """The bytes to sign and send: compact UTF-8 JSON below ``BODY_LIMIT``, absent fields left out.

    Equal notifications give equal bytes, whichever time zone the database session spoke, so
    every try of a delivery sends the same body.
    """
    body = to_json(notification, exclude_none=True)
    if len(body) < BODY_LIMIT:
        return body
    news = notification.data.model_copy(update={"goods": None, "goods_omitted": True})
    return to_json(notification.model_copy(update={"data": news}), exclude_none=True)


def carries_goods(body: bytes) -> bool:
    """Whether a rendered body holds delivered codes.

    Exact: inside a JSON string a quote is escaped, so only the key itself can match.
    """
    return _GOODS_KEY in body
