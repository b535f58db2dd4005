"""The tables of a reconciliation: its run, what it read so far, and what it found to differ."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from worker.books import DifferenceKind, Rule
from worker.store import columns as c


class RunState(StrEnum):
    """How far a reconciliation is."""

    READING = "reading"
    """Their books are being read, page by page."""
    COMPARING = "comparing"
    """All of them is read; ours are held beside them, and differences are dealt with."""
    DONE = "done"
    """It has ended; what is open still has its difference."""
    FAILED = "failed"
    """Their books could not be read for long; nothing was compared."""


class ShelfState(StrEnum):
    """How far one shelf of a run is."""

    UNREAD = "unread"
    READ = "read"
    REFUSED = "refused"
    """It can never be read, so nothing is concluded from what is not on it."""


class Handling(StrEnum):
    """What became of a difference."""

    MOVED = "moved"
    """Ours follows theirs."""
    PARKED = "parked"
    """The order is with a person."""
    RECORDED = "recorded"
    """Their price is ours now."""
    ATTACHED = "attached"
    """Our order knows now that it is there."""
    AGREED = "agreed"
    """Asked about the order itself, the provider says what our books say: only its list lags."""
    SURPLUS = "surplus"
    """It stands among the surplus orders, for a person."""
    GONE = "gone"
    """A later run did not find it any more."""
    CLOSED = "closed"
    """A person has dealt with it."""


class ReconciliationRow(SQLModel, table=True):
    """One run over one account."""

    __tablename__ = "reconciliations"
    __table_args__: ClassVar[Any] = (
        c.one_of("state", RunState),
        Index(
            "one_run_under_way_per_account",
            "provider",
            "account",
            unique=True,
            postgresql_where=text("state IN ('reading', 'comparing')"),
        ),
        Index("reconciliations_of_an_account", "provider", "account", "started_at"),
        Index("reconciliations_by_age", "started_at"),
    )

    id: UUID = Field(primary_key=True)
    provider: str = c.text()
    account: str = c.text()
    since: datetime = c.moment()
    """Orders that were accepted since then are compared, and entries made there since then."""
    asked_by: str = c.text()
    """``beat``, or who asked for it."""
    state: str = c.text()
    after: UUID | None
    """The order up to which it got: collecting shelves while it reads, comparing after that."""
    collected: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """Whether the shelves of all its orders are known."""
    pages: int = c.count()
    entries: int = c.count()
    orders: int = c.count()
    compared: int = c.count()
    found: dict[str, Any] = c.document(sa_column_kwargs={"server_default": "{}"})
    """How many differences of each kind were found that were not known before."""
    tries: int = c.count()
    """How many questions in a row went unanswered."""
    reason: str | None = c.text()
    started_at: datetime = c.now()
    ended_at: datetime | None = c.moment()
    lease_until: datetime | None = c.moment()
    leased_by: str | None = c.text()
    fence: int = c.count()


class ShelfRow(SQLModel, table=True):
    """One shelf that a run reads."""

    __tablename__ = "reconciled_shelves"
    __table_args__: ClassVar[Any] = (c.one_of("state", ShelfState),)

    run_id: UUID = Field(primary_key=True, foreign_key="reconciliations.id")
    shelf: str = c.text(primary_key=True)
    state: str = c.text()
    next_page: str | None = c.text()


class ReconciledOrderRow(SQLModel, table=True):
    """One order that a run compares, and the shelf on which it should stand."""

    __tablename__ = "reconciled_orders"

    run_id: UUID = Field(primary_key=True, foreign_key="reconciliations.id")
    order_id: UUID = Field(primary_key=True)
    shelf: str | None = c.text()


class BookEntryRow(SQLModel, table=True):
    """One entry of their books, as a run read it."""

    __tablename__ = "book_entries"
    __table_args__: ClassVar[Any] = (
        Index("book_entries_by_ref", "run_id", "ref", postgresql_where=text("ref IS NOT NULL")),
        Index(
            "book_entries_by_gives_back",
            "run_id",
            "gives_back",
            postgresql_where=text("gives_back IS NOT NULL"),
        ),
    )

    run_id: UUID = Field(primary_key=True, foreign_key="reconciliations.id")
    provider_ref: str = c.text(primary_key=True)
    provider_line_ref: str = c.text(primary_key=True)
    ref: str | None = c.text()
    state: str | None = c.text()
    said: str = c.text()
    price: Decimal | None = c.money()
    currency: str | None = c.text()
    placed_at: datetime | None = c.moment()
    gives_back: str | None = c.text()


class DifferenceRow(SQLModel, table=True):
    """Something in which the books differ. Open until it is dealt with, or gone."""

    __tablename__ = "differences"
    __table_args__: ClassVar[Any] = (
        c.one_of("kind", DifferenceKind),
        c.one_of("rule", Rule),
        c.one_of("handling", Handling),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        Index(
            "a_difference_is_open_once",
            "provider",
            "account",
            "kind",
            text("coalesce(order_id::text, '')"),
            text("coalesce(provider_ref, '')"),
            "line",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index(
            "differences_closed",
            "provider",
            "account",
            "kind",
            text("coalesce(order_id::text, '')"),
            text("coalesce(provider_ref, '')"),
            "line",
            postgresql_where=text("handling = 'closed'"),
        ),
        Index("differences_of_an_order", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("differences_found", "found_at"),
        Index("differences_seen", "seen_in"),
    )

    id: UUID = Field(primary_key=True)
    provider: str = c.text()
    account: str = c.text()
    kind: str = c.text()
    rule: str = c.text()
    order_id: UUID | None
    provider_ref: str | None = c.text()
    line: str = c.text()
    ours: str = c.text()
    theirs: str = c.text()
    handling: str | None = c.text()
    """What was done about it; ``None`` where nothing could be done yet, or only a person can."""
    found_in: UUID
    """The run that found it."""
    seen_in: UUID
    """The newest run that saw it."""
    found_at: datetime = c.now()
    closed_at: datetime | None = c.moment()
    closed_by: str | None = c.text()
    why: str | None = c.text()
