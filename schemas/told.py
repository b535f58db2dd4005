"""Views of notifications: what producers are owed, what became of it, and why it waits."""

from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.base import Schema


class OwedView(Schema):
    """A notification in a row of a listing.

    ``at`` is when the fact happened. ``order_id`` and ``deliver_id`` are ``None`` where it is
    about an entry in quarantine. ``url`` hides what its query says. ``tries`` counts since the last
    replay. ``waits`` says what holds one that is pending; ``None`` where nothing does.
    """

    event_id: UUID
    webhook_id: str
    at: datetime
    type: str
    producer: str
    order_id: UUID | None
    deliver_id: str | None
    sequence: int
    url: str
    state: str
    tries: int
    replays: int
    due_at: datetime | None
    acknowledged_at: datetime | None
    last_code: int | None
    last_error: str | None
    waits: str | None

    @property
    def last(self) -> str | None:
        """What the last delivery came to."""
        return self.last_error if self.last_code is None else str(self.last_code)


class DeliveryStory(Schema):
    """One numbered delivery; ``excerpt`` is the start of the answer, scrubbed."""

    number: int
    at: datetime
    milliseconds: int
    code: int | None
    error: str | None
    excerpt: str | None


class OwedStory(OwedView):
    """Everything about one notification.

    ``body`` is what is signed and sent, with delivered codes hidden unless they were asked for;
    ``None`` where no configured key opens it. ``size`` is in bytes, of what is sent.
    """

    body: dict[str, Any] | None
    size: int | None
    goods: int
    deliveries: tuple[DeliveryStory, ...]
    as_of: datetime
