"""The tables of those who operate Orderline: who may sign in, who is, and what was done by hand."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from worker.store import columns as c


class Role(StrEnum):
    """What an operator may do in the console."""

    VIEW = "view"
    """Read, with personal data hidden."""
    OPERATE = "operate"
    """Decide, too, and have personal data shown."""


class Via(StrEnum):
    """By which way somebody acted."""

    CONSOLE = "console"
    """Signed in: the name is that of an operator."""
    COMMAND = "command"
    """On a machine of ours: the name is what ``--by`` said."""


class OperatorRow(SQLModel, table=True):
    """Somebody who may sign in to the console. Never deleted: deeds go by the name."""

    __tablename__ = "operators"
    __table_args__: ClassVar[Any] = (
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'", name="a_name_can_be_typed"),
        c.one_of("role", Role),
    )

    name: str = c.text(primary_key=True)
    role: str = c.text()
    password_hash: str = c.text()
    """Argon2id, with its parameters and salt."""
    created_at: datetime = c.now()
    disabled_at: datetime | None = c.moment()
    """Since when nobody gets in under this name."""


class OperatorSessionRow(SQLModel, table=True):
    """Somebody who is signed in, on one browser."""

    __tablename__ = "operator_sessions"
    __table_args__: ClassVar[Any] = (Index("sessions_of_an_operator", "operator"),)

    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    """SHA-256 of the token that only the browser has."""
    operator: str = c.text(foreign_key="operators.name")
    created_at: datetime = c.now()
    seen_at: datetime = c.now()
    """When it was last used, to the minute; one that lies idle ends."""
    ends_at: datetime = c.moment()
    """When it ends, however much it is used."""


class DeedRow(SQLModel, table=True):
    """What a person did, written with what it did. Only inserted; kept when its order is purged."""

    __tablename__ = "deeds"
    __table_args__: ClassVar[Any] = (
        c.one_of("via", Via),
        Index("deeds_of_an_order", "order_id", "id", postgresql_where=text("order_id IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    at: datetime = c.now()
    by: str = c.text()
    via: str = c.text()
    action: str = c.text()
    order_id: UUID | None = None
    about: str | None = c.text()
    """What else it was done to: an account, an endpoint, an entry, an operator."""
    why: str | None = c.text()
    data: dict[str, Any] = c.document()
