"""The tables of what producers are told: an event is owed, and each try to hand it over counts."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from worker.store import columns as c


class NotificationState(StrEnum):
    """Whether the producer knows."""

    PENDING = "pending"
    """Owed."""
    ACKNOWLEDGED = "acknowledged"
    """Its endpoint answered 2xx."""
    EXHAUSTED = "exhausted"
    """We stopped trying; visible, and can be replayed."""


class NotificationRow(SQLModel, table=True):
    """An event owed to the producer. Its ``event_id`` is the ``webhook-id``."""

    __tablename__ = "notifications"
    __table_args__: ClassVar[Any] = (
        c.one_of("state", NotificationState),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="what_is_owed_is_due"),
        Index("notifications_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "notifications_owed_of_a_line",
            "line_id",
            "sequence",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    event_id: UUID = Field(primary_key=True, foreign_key="events.id")
    line_id: UUID
    sequence: int
    producer: str = c.text()
    url: str = c.text()
    state: str = c.text()
    due_at: datetime | None = c.moment()
    lease_until: datetime | None = c.moment()
    fence: int = c.count()
    tries: int = c.count()
    acknowledged_at: datetime | None = c.moment()


class DeliveryRow(SQLModel, table=True):
    """One numbered try to hand a notification over."""

    __tablename__ = "deliveries"

    event_id: UUID = Field(primary_key=True, foreign_key="notifications.event_id")
    number: int = Field(primary_key=True)
    at: datetime = c.now()
    milliseconds: int
    code: int | None
    error: str | None = c.text()
    excerpt: str | None = c.text()
    """The start of the endpoint's answer; gone once the order is erased."""
