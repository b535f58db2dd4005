"""Reading the quarantine: entries listed, chosen, found by name, and told whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import QuarantineId
from schemas.quarantine import NoticeView, QuarantineStory, QuarantineView
from worker.crypto import SealBroken, Vault
from worker.store.intake import Entry, EntryKind
from worker.store.notifications import webhook_id
from worker.store.quarantine import Erased, Kept
from worker.store.session import Database, Row
from worker.store.views import CANDIDATES, id_range, short, snapshot
from worker.store.views_story import shown_url

_ENTRIES: Final = """
SELECT q.id, q.producer, q.stream, q.entry_id, q.kind, q.code, q.path, q.detail, q.at,
    q.closed_at, q.closed_by, q.decision, q.why,
    (SELECT id FROM quarantine WHERE id < q.id ORDER BY id DESC LIMIT 1) AS before,
    (SELECT id FROM quarantine WHERE id > q.id ORDER BY id LIMIT 1) AS after
FROM quarantine q
WHERE {where}
ORDER BY q.id {order}
LIMIT :limit
"""

_NAMED: Final = "q.id BETWEEN CAST(:low AS uuid) AND CAST(:high AS uuid) OR q.entry_id = :name"

_TEXT: Final = text("""
SELECT q.producer, q.stream, q.entry_id, q.kind, q.digest, q.sealed_entry, q.sealed_mended,
    e.order_id
FROM quarantine q LEFT JOIN events e ON e.id = q.id
WHERE q.id = :id
""")

_NOTICES: Final = text("""
SELECT n.event_id, n.sequence, e.type, e.at, n.url, n.state, n.tries, n.due_at, n.acknowledged_at
FROM events e JOIN notifications n ON n.event_id = e.id
WHERE e.quarantine_id = :id ORDER BY n.sequence
""")

Order = Literal["newest first", "oldest first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which entries are meant. What is left out does not limit; closed ones are left out.

    ``since`` is a moment, or how long ago it was by the database's clock.
    """

    producer: str | None = None
    codes: Sequence[str] = ()
    kind: EntryKind | None = None
    since: datetime | timedelta | None = None
    closed_too: bool = False

    def where(self) -> str:
        """These wishes as SQL; values are parameters."""
        conditions = {
            "q.closed_at IS NULL": not self.closed_too,
            "q.producer = :producer": self.producer is not None,
            "q.code = ANY(:codes)": bool(self.codes),
            "q.kind = :kind": self.kind is not None,
            "q.at >= :since": isinstance(self.since, datetime),
            "q.at >= orderline_now() - CAST(:since AS interval)": isinstance(self.since, timedelta),
        }
        return " AND ".join(sql for sql, wanted in conditions.items() if wanted) or "true"

    def values(self) -> dict[str, Any]:
        """The parameters of ``where``."""
        kind = None if self.kind is None else self.kind.value
        named = {"producer": self.producer, "kind": kind, "since": self.since}
        given = {name: value for name, value in named.items() if value is not None}
        return given | ({"codes": list(self.codes)} if self.codes else {})


OPEN: Final = Sought()


async def quarantined(
    db: Database, sought: Sought = OPEN, *, limit: int | None = 50, order: Order = "newest first"
) -> list[QuarantineView]:
    """The entries that are sought."""
    async with snapshot(db) as connection:
        return await _select(connection, sought.where(), sought.values(), limit=limit, order=order)


async def find_entries(db: Database, name: str) -> list[QuarantineView]:
    """The entries that a name may mean, newest first; at most ``CANDIDATES``.

    A name is an entry's id here, its beginning, or its id in its stream.
    """
    low, high = id_range(name)
    async with snapshot(db) as connection:
        return await _select(
            connection, _NAMED, {"low": low, "high": high, "name": name}, limit=CANDIDATES
        )


async def kept(db: Database, vault: Vault, quarantine_id: UUID) -> Kept:
    """An entry that exists, with what it says. Raises ``SealBroken``, ``Erased``."""
    async with snapshot(db) as connection:
        return _kept(vault, quarantine_id, await _text_of(connection, quarantine_id))


async def entry_story(db: Database, vault: Vault, quarantine_id: UUID) -> QuarantineStory:
    """Everything about an entry that exists, but what it says."""
    async with snapshot(db) as connection:
        [view] = await _select(connection, "q.id = :id", {"id": quarantine_id}, limit=1)
        row = await _text_of(connection, quarantine_id)
        told = (await connection.execute(_NOTICES, {"id": quarantine_id})).all()
    try:
        opened = _kept(vault, quarantine_id, row)
    except (SealBroken, Erased):
        opened = None
    return QuarantineStory(
        **view.model_dump(),
        digest=row.digest,
        size=None if opened is None else len(opened.newest.raw),
        whole=None if opened is None else _digest(opened) == row.digest,
        mended=row.sealed_mended is not None,
        erased=row.sealed_entry is None,
        order_id=row.order_id,
        notices=tuple(map(_notice, told)),
    )


async def _text_of(connection: AsyncConnection, quarantine_id: UUID) -> Row:
    return (await connection.execute(_TEXT, {"id": quarantine_id})).one()


def _kept(vault: Vault, quarantine_id: UUID, row: Row) -> Kept:
    if row.sealed_entry is None:
        raise Erased(f"What entry {quarantine_id} said was erased: it was closed long ago.")
    mended = None if row.sealed_mended is None else vault.unseal(row.sealed_mended)
    raw = vault.unseal(row.sealed_entry)
    entry = Entry(row.producer, row.stream, row.entry_id, raw, EntryKind(row.kind))
    return Kept(quarantine_id=QuarantineId(quarantine_id), entry=entry, mended=mended)


def _digest(opened: Kept) -> str:
    return sha256(opened.entry.raw).hexdigest()


async def _select(
    connection: AsyncConnection,
    where: str,
    values: dict[str, Any],
    *,
    limit: int | None,
    order: Order = "newest first",
) -> list[QuarantineView]:
    direction = "DESC" if order == "newest first" else "ASC"
    statement = text(_ENTRIES.format(where=where, order=direction))
    rows = await connection.execute(statement, {**values, "limit": limit})
    return [_view(row) for row in rows]


def _view(row: Row) -> QuarantineView:
    return QuarantineView(
        quarantine_id=row.id,
        short_id=short(row.id, row.before, row.after),
        producer=row.producer,
        stream=row.stream,
        entry_id=row.entry_id,
        kind=row.kind,
        code=row.code,
        path=row.path,
        detail=row.detail,
        at=row.at,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        decision=row.decision,
        why=row.why,
    )


def _notice(row: Row) -> NoticeView:
    return NoticeView(
        webhook_id=webhook_id(row.event_id),
        sequence=row.sequence,
        type=row.type,
        at=row.at,
        url=shown_url(row.url),
        state=row.state,
        tries=row.tries,
        due_at=row.due_at,
        acknowledged_at=row.acknowledged_at,
    )
