"""The tables beside an order's life: who may ask, whom we ask, and what was set aside."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from worker.store import columns as c


class ProducerRow(SQLModel, table=True):
    """A registered upstream service."""

    __tablename__ = "producers"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("max_open > 0", name="a_limit_lets_something_in"),
    )

    name: str = Field(primary_key=True)
    """Also the last part of its stream's key."""
    notify_url: str = c.text()
    """Where its notifications go unless an intent names another place."""
    notify_hosts: list[str] = Field(sa_type=ARRAY(Text), sa_column_kwargs={"server_default": "{}"})
    """Further hosts that its intents may name; that of ``notify_url`` always is one."""
    created_at: datetime = c.now()
    disabled_at: datetime | None = c.moment()
    """Since when nothing is taken from it."""
    max_open: int | None = None
    """How many of its orders may be open at once; ``None``: as many as the settings say."""


class WebhookSecretRow(SQLModel, table=True):
    """A producer's webhook signing secret. All that live sign each notification."""

    __tablename__ = "webhook_secrets"
    __table_args__: ClassVar[Any] = (
        Index(
            "one_current_secret_per_producer",
            "producer",
            unique=True,
            postgresql_where=text("ends_at IS NULL"),
        ),
        Index("webhook_secrets_of_a_producer", "producer", "created_at"),
    )

    id: UUID = Field(primary_key=True)
    producer: str = c.text(foreign_key="producers.name")
    sealed_secret: bytes = Field(sa_type=LargeBinary)
    """Encrypted."""
    created_at: datetime = c.now()
    ends_at: datetime | None = c.moment()
    """Until when it signs, too, after it was replaced; ``None`` for the current one."""


class ApiKeyRow(SQLModel, table=True):
    """What a producer shows at the gateway."""

    __tablename__ = "api_keys"

    id: str = c.text(primary_key=True)
    """Its public part."""
    producer: str = c.text(foreign_key="producers.name")
    digest: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the whole key, which is random enough to need no more."""
    created_at: datetime = c.now()
    revoked_at: datetime | None = c.moment()


class TokenRow(SQLModel, table=True):
    """The one living access token of a provider account, shared by all workers."""

    __tablename__ = "tokens"

    provider: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    sealed_token: bytes | None = Field(sa_type=LargeBinary)
    version: int = c.count()
    """Grows with each renewal, so that a rejected token is renewed once, not by everybody."""
    expires_at: datetime | None = c.moment()
    lease_until: datetime | None = c.moment()
    """While set and in the future, one worker is logging in."""
    failures: int = c.count()
    """How many logins failed in a row."""
    rests_until: datetime | None = c.moment()
    """Until when nobody tries again after that."""


class QuarantineDecision(StrEnum):
    """What a person decided about an entry in quarantine."""

    REPLAYED = "replayed"
    """Taken in after all, mended or as it was."""
    DROPPED = "dropped"
    """Nothing will become of it."""


class QuarantineRow(SQLModel, table=True):
    """An intent that cannot become an order, exactly as it arrived, with the reason."""

    __tablename__ = "quarantine"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("stream", "entry_id", "digest", name="an_entry_is_quarantined_once"),
        c.one_of("decision", QuarantineDecision),
        c.closed_by_a_decision(),
        CheckConstraint(
            "sealed_entry IS NOT NULL OR closed_at IS NOT NULL", name="what_is_open_says_something"
        ),
        Index("quarantine_closed", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
        Index(
            "quarantine_to_erase",
            "closed_at",
            postgresql_where=text("closed_at IS NOT NULL AND sealed_entry IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    producer: str = c.text()
    """The name in the stream's key."""
    kind: str = Field(default="intent", sa_type=Text, sa_column_kwargs={"server_default": "intent"})
    """The field of the entry that held it: ``intent`` or ``cancel``."""
    stream: str = c.text()
    entry_id: str = c.text()
    digest: str = c.text()
    """SHA-256 of the whole entry."""
    sealed_entry: bytes | None = Field(sa_type=LargeBinary)
    """The entry as it arrived (its first MiB), encrypted: it may hold anything. Erased some time
    after it was closed, and ``None`` since."""
    code: str = c.text()
    path: str = c.text()
    detail: str = c.text()
    """What was wrong with it when it was last taken in, or tried to be."""
    at: datetime = c.now()
    closed_at: datetime | None = c.moment()
    closed_by: str | None = c.text()
    decision: str | None = c.text()
    why: str | None = c.text()
    sealed_mended: bytes | None = Field(sa_type=LargeBinary)
    """What a person made of the entry, encrypted: what a replay takes in."""


class JobRow(SQLModel, table=True):
    """Something that beat rings for, and when it was last done."""

    __tablename__ = "jobs"

    name: str = c.text(primary_key=True)
    every: float | None = None
    """After how many seconds it is to be done again."""
    ran_at: datetime | None = c.moment()
    missed: int = c.count()
    """How many of its turns were missed before ``missed_at``, the last time that some were."""
    missed_at: datetime | None = c.moment()
