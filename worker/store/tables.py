"""The tables of an order's life. No logic: a promise that the schema can keep is a constraint.

Neighbours: ``tables_told`` (what happened, and what producers are told of it), ``tables_accounts``
(provider accounts), ``tables_upkeep`` (producers, tokens, quarantine), ``tables_purge`` (what stays
of an order for ever), ``columns`` (shapes).
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from worker.lifecycle import TERMINAL_ORDERS, LineState, OrderState, Step
from worker.outcome import OutcomeName
from worker.store import columns as c


class SurplusDecision(StrEnum):
    """What a person decided about a surplus order."""

    RETURNED = "returned"
    """It was given back, or called off, at the provider."""
    KEPT = "kept"
    """It stays there, paid for and not needed."""
    ADOPTED = "adopted"
    """It is what its order is now served by."""


class OrderRow(SQLModel, table=True):
    """One order: our promise, made from one intent."""

    __tablename__ = "orders"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("producer", "intent_id", name="an_intent_is_accepted_once"),
        c.one_of("state", OrderState),
        c.one_of("step", Step),
        CheckConstraint(
            f"{c.listed('state', TERMINAL_ORDERS)} OR state = 'parked' OR due_at IS NOT NULL",
            name="nothing_is_silently_stuck",
        ),
        CheckConstraint("(due_at IS NULL) = (step IS NULL)", name="what_is_due_has_a_step"),
        CheckConstraint(
            "cancel_asked_at IS NULL OR due_at IS NOT NULL", name="an_unanswered_wish_is_due"
        ),
        CheckConstraint(
            "(state = 'parked') = (parked_reason IS NOT NULL)", name="parked_has_a_reason"
        ),
        Index(
            "orders_due",
            "provider",
            "account",
            "producer",
            "priority",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        CheckConstraint("priority IN (0, 1, 2)", name="a_priority_is_known"),
        Index(
            "orders_that_may_lapse",
            "expires_at",
            postgresql_where=text("step IN ('place', 'confirm') AND expires_at IS NOT NULL"),
        ),
        Index("orders_by_age", "provider", "account", "created_at", "id"),
        Index("orders_parked", "updated_at", postgresql_where=text("state = 'parked'")),
        Index(
            "orders_by_provider_ref",
            "provider_ref",
            postgresql_where=text("provider_ref IS NOT NULL"),
        ),
        Index("orders_ended", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index(
            "orders_to_erase",
            "finished_at",
            postgresql_where=text(
                "finished_at IS NOT NULL AND (erased_at IS NULL OR erased_at < updated_at)"
            ),
        ),
    )

    id: UUID = Field(primary_key=True)
    producer: str = c.text(foreign_key="producers.name")
    intent_id: str = c.text()
    """The producer's own key; with ``producer`` it names the order for ever."""
    fingerprint: str = c.text()
    """SHA-256 of the intent's canonical JSON as received; tells a repeat from a changed repeat."""
    provider: str = c.text()
    account: str = c.text()
    intent: dict[str, Any] = c.document()
    """The intent, normalised; once erased, without its personal data."""
    notify_url: str = c.text()
    priority: int = Field(default=1, sa_type=SmallInteger, sa_column_kwargs={"server_default": "1"})
    """Its place among its producer's own orders (``schemas.intents.Priority``)."""
    state: str = c.text()
    step: str | None = c.text()
    """What has to be done next; ``None`` when finished or parked."""
    due_at: datetime | None = c.moment()
    """When somebody must look at it again: its next step or, while leased, the lease's end."""
    lease_until: datetime | None = c.moment()
    leased_by: str | None = c.text()
    """The worker that holds the lease, for people."""
    fence: int = c.count()
    """Grows with every claim; a write with an older fence is refused."""
    tries: int = c.count()
    """How often the current step was tried in a row."""
    attempts: int = c.count()
    """The number of the newest attempt."""
    provider_ref: str | None = c.text()
    """The provider's id of the order. Set once: a trigger refuses a second value, and none at
    all except together with a new quote."""
    reason: str | None = c.text()
    """Why it ended, or why it waits, in one line."""
    parked_reason: str | None = c.text()
    quoted_at: datetime | None = c.moment()
    expires_at: datetime | None = c.moment()
    """When the quote's window closes; the tighter of the producer's and the provider's."""
    requotes: int = c.count()
    """How often a new quote was asked for, once one had ended."""
    max_total: Decimal | None = c.money()
    currency: str | None = c.text()
    total: Decimal | None = c.money()
    """What the provider asks or charges, in ``total_currency``."""
    total_currency: str | None = c.text()
    created_at: datetime = c.now()
    updated_at: datetime = c.now()
    finished_at: datetime | None = c.moment()
    cancel_asked_at: datetime | None = c.moment()
    """Since when somebody wants it called off and has no answer yet."""
    heard_at: datetime | None = c.moment()
    """When its provider called back while something else was done to it; it is looked at again
    as soon as that is settled."""
    erased_at: datetime | None = c.moment()
    """When personal data was erased from all that is kept of it; once more if it changed since."""


class LineRow(SQLModel, table=True):
    """One DeliverID of an order."""

    __tablename__ = "lines"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("producer", "deliver_id", name="a_deliver_id_is_used_once"),
        UniqueConstraint("order_id", "index", name="lines_have_places"),
        UniqueConstraint("line_ref", name="a_line_ref_is_unique"),
        c.one_of("state", LineState),
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(foreign_key="orders.id")
    index: int
    """The line's place in the intent, from 0."""
    producer: str = c.text()
    deliver_id: str = c.text()
    line_ref: str = c.text()
    """Our own reference, the only one a provider ever sees; fixed before the attempt."""
    state: str = c.text()
    sequence: int = c.count()
    """The number of the line's newest event."""
    provider_line_ref: str | None = c.text()
    price: Decimal | None = c.money()
    currency: str | None = c.text()
    reason: str | None = c.text()
    details: dict[str, Any] = c.document(sa_column_kwargs={"server_default": "{}"})
    """Further facts from the provider, not secret."""


class AttemptRow(SQLModel, table=True):
    """One numbered try at the provider, committed before its first byte is sent."""

    __tablename__ = "attempts"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("order_id", "number", name="attempts_are_numbered"),
        Index(
            "one_open_attempt_per_order",
            "order_id",
            unique=True,
            postgresql_where=text("outcome IS NULL"),
        ),
        Index(
            "attempts_that_bought",
            "closed_at",
            postgresql_where=text("commits AND outcome IN ('confirmed', 'pending')"),
        ),
        c.one_of("step", Step),
        c.one_of("outcome", OutcomeName),
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(foreign_key="orders.id")
    number: int
    step: str = c.text()
    """``place``, ``confirm`` or ``cancel``."""
    reference: str = c.text()
    """Our reference of this try, sent to the provider where it takes one."""
    fence: int
    opened_at: datetime = c.now()
    sends: int = c.count(1)
    """How often its request was sent: more than once only where the provider knows it again."""
    sent_at: datetime = c.now()
    """When it was begun the last time."""
    sealed_request: bytes | None = Field(sa_type=LargeBinary)
    """The exact request, encrypted, where it may have to be sent again; gone once erased."""
    commits: bool = Field(default=True, sa_column_kwargs={"server_default": "true"})
    """Whether the call may commit money."""
    outcome: str | None = c.text()
    """``None`` while the call is under way."""
    closed_at: datetime | None = c.moment()
    reason: str | None = c.text()
    evidence: dict[str, Any] | None = c.document()
    """Status, request reference and, until it is erased, the scrubbed answer."""
    look_ups: int = c.count()
    """How often the provider was asked about it and did not have it."""


class SurplusOrderRow(SQLModel, table=True):
    """One more at the provider than we asked for. Somebody has to give it back there."""

    __tablename__ = "surplus_orders"
    __table_args__: ClassVar[Any] = (
        Index(
            "a_surplus_order_is_found_once",
            "order_id",
            text("coalesce(provider_ref, '')"),
            unique=True,
        ),
        c.one_of("decision", SurplusDecision),
        c.closed_by_a_decision(),
    )

    id: UUID = Field(primary_key=True)
    order_id: UUID = Field(foreign_key="orders.id")
    provider_ref: str | None = c.text()
    """The provider's id of it; ``None`` where that provider gives none."""
    reason: str = c.text()
    """How we know of it."""
    found_at: datetime = c.now()
    closed_at: datetime | None = c.moment()
    closed_by: str | None = c.text()
    decision: str | None = c.text()
    why: str | None = c.text()
