"""The tables of provider accounts: their bells, their rests, and how their calls went."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from worker.store import columns as c


class AccountRow(SQLModel, table=True):
    """A provider account that has had an order; what the sweep rings.

    It rests while its breaker is open, and while somebody paused it: then none of its orders is
    claimed, and nothing is written to them.
    """

    __tablename__ = "accounts"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "(opened_at IS NULL) = (probe_at IS NULL)"
            " AND (opened_at IS NULL) = (opened_because IS NULL)"
            " AND (opened_at IS NOT NULL OR probing_until IS NULL)",
            name="an_open_breaker_is_probed",
        ),
        CheckConstraint(
            "(paused_at IS NULL) = (paused_by IS NULL)"
            " AND (paused_at IS NOT NULL OR paused_until IS NULL)",
            name="a_pause_is_somebodys",
        ),
    )

    provider: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    rung_at: datetime | None = c.moment()
    """When the sweep last rang for it; ``None`` once a worker answered."""
    clock_ahead: float | None = None
    """By how many seconds its provider's clock is ahead of the database's, by the latest look."""
    clock_unsure: float | None = None
    """How far off that may be, either way; an answer's ``Date`` has whole seconds only."""
    clock_seen_at: datetime | None = c.moment()
    opened_at: datetime | None = c.moment()
    """Since when its breaker is open; ``None`` while it is closed."""
    opened_because: str | None = c.text()
    openings: int = c.count()
    """How often it opened without having closed in between."""
    probe_at: datetime | None = c.moment()
    """From when on one call at a time may find out whether the provider is back."""
    probing_until: datetime | None = c.moment()
    """While set and in the future, one worker is finding that out."""
    probes: int = c.count()
    """How many of those calls went well in a row."""
    paused_at: datetime | None = c.moment()
    """Since when somebody has it paused."""
    paused_until: datetime | None = c.moment()
    """When that ends by itself; ``None``: only when it is resumed."""
    paused_by: str | None = c.text()
    paused_because: str | None = c.text()


class AccountCallsRow(SQLModel, table=True):
    """How the calls of one account went within a few seconds; only there while some failed."""

    __tablename__ = "account_calls"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["provider", "account"],
            ["accounts.provider", "accounts.account"],
            name="account_calls_provider_account_fkey",
        ),
        CheckConstraint("failed BETWEEN 0 AND made", name="no_more_failed_than_were_made"),
    )

    provider: str = c.text(primary_key=True)
    account: str = c.text(primary_key=True)
    at: datetime = c.moment(primary_key=True)
    """When those seconds began."""
    made: int
    failed: int
