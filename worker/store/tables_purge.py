"""What stays of an order for ever, once all else of it was purged: so that a repeat is one."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from worker.lifecycle import TERMINAL_ORDERS
from worker.store import columns as c


class TombstoneRow(SQLModel, table=True):
    """An order that was purged. Written in the transaction that deletes it; never deleted."""

    __tablename__ = "tombstones"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("order_id", name="an_order_is_buried_once"),
        CheckConstraint(c.listed("state", TERMINAL_ORDERS), name="only_what_ended_is_buried"),
    )

    producer: str = c.text(primary_key=True, foreign_key="producers.name")
    intent_id: str = c.text(primary_key=True)
    fingerprint: str = c.text()
    """As the order's: a changed repeat is still told from a repeat."""
    order_id: UUID
    state: str = c.text()
    """The state it ended in."""
    ended_at: datetime = c.moment()
    buried_at: datetime = c.now()


class UsedDeliverIdRow(SQLModel, table=True):
    """A DeliverID of an order that was purged. Never deleted: it is never used again."""

    __tablename__ = "used_deliver_ids"

    producer: str = c.text(primary_key=True)
    deliver_id: str = c.text(primary_key=True)
    order_id: UUID = Field(foreign_key="tombstones.order_id")
