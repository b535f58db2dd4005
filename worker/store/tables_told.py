"""The tables of what happened and who is told: what is owed, and each try to hand it over."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
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


class DisabledBecause(StrEnum):
    """Why nothing is sent to an endpoint any more."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """It did nothing but fail for days."""
    OPERATOR = "operator"
    """Somebody here said so."""


class EventRow(SQLModel, table=True):
    """A fact: about an order or a line, an entry in quarantine, an endpoint or an account.

    Only inserted, erased of goods, and purged.
    """

    __tablename__ = "events"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("line_id", "sequence", name="a_lines_events_are_numbered"),
        UniqueConstraint("quarantine_id", "sequence", name="an_entrys_events_are_numbered"),
        CheckConstraint(
            "(line_id IS NULL AND quarantine_id IS NULL) = (sequence IS NULL)",
            name="a_sequence_is_of_what_is_told",
        ),
        CheckConstraint(
            "num_nonnulls(order_id, quarantine_id, endpoint, account) = 1",
            name="an_event_is_about_one_thing",
        ),
        CheckConstraint("(provider IS NULL) = (account IS NULL)", name="an_account_is_a_providers"),
        ForeignKeyConstraint(
            ["provider", "account"],
            ["accounts.provider", "accounts.account"],
            name="events_provider_account_fkey",
        ),
        Index(
            "events_of_accounts",
            "provider",
            "account",
            "at",
            postgresql_where=text("account IS NOT NULL"),
        ),
        CheckConstraint(
            "(producer IS NULL) = (endpoint IS NULL)", name="an_endpoint_is_a_producers"
        ),
        ForeignKeyConstraint(
            ["producer", "endpoint"],
            ["endpoints.producer", "endpoints.url"],
            name="events_producer_endpoint_fkey",
        ),
        Index("events_of_an_order", "order_id"),
        Index("events_of_endpoints", "at", postgresql_where=text("endpoint IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID | None = Field(foreign_key="orders.id")
    line_id: UUID | None = Field(foreign_key="lines.id")
    quarantine_id: UUID | None = Field(foreign_key="quarantine.id")
    producer: str | None = c.text()
    endpoint: str | None = c.text()
    """With ``producer``: which endpoint it is about."""
    provider: str | None = c.text()
    account: str | None = c.text()
    """With ``provider``: which provider account it is about."""
    sequence: int | None
    type: str = c.text()
    at: datetime = c.now()
    data: dict[str, Any] = c.document()
    """What the producer is told of it, goods apart."""
    sealed_goods: bytes | None = Field(sa_type=LargeBinary)
    """Delivered codes, encrypted; gone once their producer has them and the order is erased."""


class EndpointRow(SQLModel, table=True):
    """Where notifications go: a producer's URL without its query."""

    __tablename__ = "endpoints"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("strpos(url, '?') = 0", name="an_endpoint_has_no_query"),
        CheckConstraint("(failing_since IS NULL) = (failures = 0)", name="failing_has_failures"),
        CheckConstraint(
            "(disabled_at IS NULL) = (disabled_because IS NULL)", name="disabled_has_a_reason"
        ),
        c.one_of("disabled_because", DisabledBecause),
    )

    producer: str = c.text(primary_key=True, foreign_key="producers.name")
    url: str = c.text(primary_key=True)
    created_at: datetime = c.now()
    failing_since: datetime | None = c.moment()
    """Since when every delivery failed; ``None`` while they go through."""
    failed_at: datetime | None = c.moment()
    """When the last one failed."""
    failures: int = c.count()
    """How many failed in a row."""
    rests_until: datetime | None = c.moment()
    """Until when it asked to be left alone."""
    disabled_at: datetime | None = c.moment()
    disabled_because: str | None = c.text()


class NotificationRow(SQLModel, table=True):
    """An event owed to the producer. Its ``event_id`` is the ``webhook-id``."""

    __tablename__ = "notifications"
    __table_args__: ClassVar[Any] = (
        c.one_of("state", NotificationState),
        CheckConstraint("(state = 'pending') = (due_at IS NOT NULL)", name="what_is_owed_is_due"),
        ForeignKeyConstraint(
            ["producer", "endpoint"],
            ["endpoints.producer", "endpoints.url"],
            name="what_is_owed_has_an_endpoint",
        ),
        Index(
            "notifications_due",
            "producer",
            "endpoint",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "notifications_owed_of_a_subject",
            "subject",
            "sequence",
            postgresql_where=text("state = 'pending'"),
        ),
    )

    event_id: UUID = Field(primary_key=True, foreign_key="events.id")
    subject: UUID
    """The line, or the entry in quarantine, whose events are told one after the other."""
    sequence: int
    producer: str = c.text()
    url: str = c.text()
    endpoint: str = Field(
        sa_column=Column(
            Text, Computed("split_part(url, '?'::text, 1)", persisted=True), nullable=False
        )
    )
    state: str = c.text()
    due_at: datetime | None = c.moment()
    lease_until: datetime | None = c.moment()
    fence: int = c.count()
    tries: int = c.count()
    """How often it was tried, since it was last replayed."""
    replays: int = c.count()
    """How often somebody had it delivered once more."""
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
