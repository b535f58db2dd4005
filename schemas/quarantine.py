"""Views of the quarantine: what could not become an order, why, and what was decided about it.

What an entry says is no part of them, unless it was asked for by name: it may hold anything.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from schemas.base import Schema


class Became(StrEnum):
    """What became of an entry."""

    ACCEPTED = "accepted"
    """It is an order now."""
    REPEATED = "repeated"
    """It was an order already, with the same content."""
    TO_CANCEL = "to_cancel"
    """It was a wish: its order is to be called off."""
    DROPPED = "dropped"
    """Nothing will become of it."""
    FAULTY = "faulty"
    """It still cannot become an order, and stays open."""
    UNMENDED = "unmended"
    """What was to be changed is not in it; it stays as it is."""
    SEALED = "sealed"
    """No configured key opens it; it stays as it is."""
    CLOSED = "closed"
    """Somebody decided about it before."""


class QuarantineView(Schema):
    """An entry in quarantine, in a row of a listing.

    ``short_id`` is a beginning of its id that no other entry has. The fault (``code``, ``path``,
    ``detail``) is that of the last try to take it in. ``decision`` is ``None`` while it is open.
    """

    quarantine_id: UUID
    short_id: str
    producer: str
    stream: str
    entry_id: str
    kind: str
    code: str
    path: str
    detail: str
    at: datetime
    closed_at: datetime | None
    closed_by: str | None
    decision: str | None
    why: str | None

    @property
    def fault(self) -> str:
        """What was wrong with it when it was last read, in a sentence."""
        return f"{self.path or 'the whole entry'}: {self.detail} ({self.code})"


class NoticeView(Schema):
    """What a producer was, or is to be, told of an entry: one webhook.

    ``state`` says whether it was acknowledged, ``tries`` how often it was tried so far.
    """

    webhook_id: str
    sequence: int
    type: str
    at: datetime
    url: str
    state: str
    tries: int
    due_at: datetime | None
    acknowledged_at: datetime | None


class QuarantineStory(QuarantineView):
    """Everything about one entry but what it says.

    ``size`` is in bytes, of the newest text; ``whole`` says whether all that arrived is kept (its
    SHA-256 is ``digest``). Both are ``None`` where no configured key opens the text, and where it
    was ``erased``. ``order_id`` is the order that the entry came to; ``notices`` are
    what its producer was told of it, the first one first.
    """

    digest: str
    size: int | None
    whole: bool | None
    mended: bool
    erased: bool
    order_id: UUID | None
    notices: tuple[NoticeView, ...]
