"""What the gateway answers: to producers that cannot reach Redis, and to whoever asks how it is.

One shape tells every error. Nothing here ever repeats what was sent: a fault names the place and
what is allowed there.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from schemas.base import Schema
from schemas.notifications import Price


class Said(Schema):
    """An answer of the gateway. What has no value is left out."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class ErrorCode(StrEnum):
    """The kind of error. A fault of an intent has a code of its own, see the intents' page."""

    BAD_REQUEST = "bad_request"
    """It cannot be understood, or a parameter is not allowed."""
    UNAUTHORIZED = "unauthorized"
    """No living API key, or token, came with it."""
    NOT_FOUND = "not_found"
    """There is nothing, or nothing of yours."""
    METHOD_NOT_ALLOWED = "method_not_allowed"
    """What is there is asked for in another way."""
    TIMED_OUT = "timed_out"
    """The request came too slowly."""
    GONE = "gone"
    """The order ended long ago; how it ended is told."""
    TOO_LARGE = "too_large"
    """The body has more bytes than are taken here."""
    TOO_MANY = "too_many"
    """So many requests in a minute are not taken; ``Retry-After`` says when to come again."""
    TOO_MANY_OPEN = "too_many_open"
    """So many orders of this producer are open that no other one is taken in now."""
    NOTHING_TAKEN = "nothing_taken"
    """No intent of the batch can become an order; each has its fault."""
    INTERNAL = "internal"
    """Something went wrong here."""
    UNAVAILABLE = "unavailable"
    """A server of ours is away. Nothing was lost: it may be tried again."""


class Told(Schema):
    """What is wrong, for a program, for a person, and where."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    code: str = Field(examples=["missing_field"])
    """Programs may build on this."""
    detail: str = Field(examples=["This field is required"])
    """The sentence for people; it may change."""
    path: str | None = Field(default=None, examples=["lines[0].quantity"])
    """Where in the body it is; left out where it is in no one place."""


class Error(Said):
    """The one shape of every error."""

    error: Told


class TakenIntent(Said):
    """One intent of a batch: on its stream, or what keeps it from becoming an order."""

    index: int = Field(ge=0)
    """Its place in the batch, from 0."""
    intent_id: str | None = None
    """Its id, where it was taken."""
    entry_id: str | None = Field(default=None, examples=["1763805600000-0"])
    """Its entry of the stream, where it was taken."""
    fault: Told | None = None
    """Why it was not."""


class TakenIntents(Said):
    """Each intent that was sent, in order."""

    intents: tuple[TakenIntent, ...]


class NothingTaken(Error):
    """No intent of a batch can become an order; each with its fault."""

    intents: tuple[TakenIntent, ...] | None = None


class TakenCancel(Said):
    """A wish to call an order off is on the stream; webhooks tell what comes of it."""

    intent_id: str
    entry_id: str


class ToldQuote(Said):
    """What the customer was promised."""

    quoted_at: datetime | None = None
    expires_at: datetime | None = None
    max_total: Price | None = None


class ToldLine(Said):
    """One DeliverID, as it stands now."""

    deliver_id: str
    state: str = Field(examples=["delivered"])
    sequence: int
    """How many changes of it there were; webhooks count the same way."""
    reason: str | None = None
    price: Price | None = None
    provider_line_ref: str | None = None
    details: dict[str, str] | None = None
    goods: tuple[dict[str, str], ...] | None = Field(default=None, repr=False)
    """All that was delivered so far and is still kept, only where it was asked for. Secret."""


class ToldOrder(Said):
    """One order, as it stands now. Never personal data."""

    order_id: UUID
    intent_id: str
    provider: str
    account: str
    state: str = Field(examples=["fulfilled"])
    reason: str | None = None
    provider_ref: str | None = None
    quote: ToldQuote | None = None
    total: Price | None = None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None
    cancel_asked_at: datetime | None = None
    erased_at: datetime | None = None
    """Since when personal data and codes that were acknowledged are no longer kept."""
    lines: tuple[ToldLine, ...]


class EndedOrder(Said):
    """All that is still known of an order that was purged."""

    order_id: UUID
    intent_id: str
    state: str
    ended_at: datetime


class Gone(Error):
    """The order ended long ago; only how is still known."""

    order: EndedOrder


class Alive(Said):
    """The process serves."""

    status: Literal["ok"] = "ok"


class Ready(Said):
    """What the gateway stands on. It needs Redis; without the database orders cannot be shown."""

    redis: Literal["up", "away"]
    database: Literal["up", "away"]
