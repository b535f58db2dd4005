"""Deeds: what people did, each written in the very commit that did it.

An order's own story tells what concerns it (``events``), and is purged with it. A deed says who did
what, when and why, of anything, for good; also that somebody had personal data shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Self
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import new_uuid
from schemas.operators import DeedView
from worker.store.session import Boundary, Database, as_rows
from worker.store.tables_operators import Via
from worker.store.views import snapshot

_NOTE: Final = text("""
INSERT INTO deeds (id, by, via, action, order_id, about, why, data)
VALUES (:id, :by, :via, :action, :order_id, :about, :why, CAST(:data AS jsonb))
ON CONFLICT (id) DO NOTHING
""")

_DEEDS: Final = """
SELECT id AS deed_id, at, by, via, action, order_id, about, why, data FROM deeds
WHERE {where} ORDER BY id DESC LIMIT :limit
"""


class Act(StrEnum):
    """What was done."""

    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    REVEALED = "personal data shown"
    RESOLVED = "order resolved"
    SURPLUS_CLOSED = "surplus order closed"
    CALLED_OFF = "order to be called off"
    PAUSED = "account paused"
    RESUMED = "account resumed"
    DISABLED = "endpoint disabled"
    ENABLED = "endpoint enabled"
    REPLAYED = "notifications replayed"
    RETRIED = "quarantined entry taken in again"
    DROPPED = "quarantined entry dropped"
    DIFFERENCE_CLOSED = "difference closed"
    OPERATOR_ADDED = "operator added"
    OPERATOR_CHANGED = "operator changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that a person does. Written twice, by its id, it is one."""

    act: Act
    by: str
    via: Via
    order_id: UUID | None = None
    about: str | None = None
    why: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    deed_id: UUID = field(default_factory=new_uuid)

    def came_to(self, **facts: Any) -> Self:
        """The deed, with what it came to."""
        return replace(self, data={**self.data, **facts})


async def note(connection: AsyncConnection, deed: Deed | None) -> None:
    """Write a deed down in the transaction of what it does; nothing where there is none."""
    if deed is None:
        return
    values = {
        "id": deed.deed_id,
        "by": deed.by,
        "via": deed.via,
        "action": deed.act,
        "order_id": deed.order_id,
        "about": deed.about,
        "why": deed.why,
        "data": as_rows({key: value for key, value in deed.data.items() if value is not None}),
    }
    await connection.execute(_NOTE, values)


async def note_alone(db: Database, deed: Deed) -> None:
    """Write a deed down that changes no other row."""
    async with db.transaction(Boundary.OPERATOR) as connection:
        await note(connection, deed)


async def deeds(
    db: Database,
    *,
    by: str | None = None,
    order_id: UUID | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[DeedView]:
    """What was done, the latest first. What is left out does not limit."""
    conditions = {"by = :by": by, "order_id = :order_id": order_id, "id < :before": before}
    where = [sql for sql, value in conditions.items() if value is not None]
    values = {"by": by, "order_id": order_id, "before": before, "limit": limit}
    given = {name: value for name, value in values.items() if value is not None}
    async with snapshot(db) as connection:
        rows = await connection.execute(
            text(_DEEDS.format(where=" AND ".join(where) or "true")), given
        )
        return [DeedView(**row._mapping) for row in rows]  # noqa: SLF001 -- SQLAlchemy's public name
