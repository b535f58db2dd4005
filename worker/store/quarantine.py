"""Quarantine: what cannot become an order is set aside, and closed once a person has decided.

An entry stays as it arrived, whatever is decided, until ``erasing`` and ``purge`` take what has
long been closed. It is open until it is replayed (taken in after
all, in the commit of what became of it) or dropped; of several decisions the first one counts.
Its neighbour ``views_quarantine`` reads, ``notices`` tells its producer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, Self

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from schemas.ids import OrderId, QuarantineId, new_uuid
from schemas.intents import IntentFault
from worker.crypto import Vault
from worker.errors import OrderlineError
from worker.store import notices
from worker.store.deeds import Deed, note
from worker.store.intake import Entry
from worker.store.session import Boundary, Database, as_bytea, as_rows
from worker.store.tables_upkeep import QuarantineDecision

KEPT_BYTES: Final = 1 << 20
"""How much of an entry is kept: anything that could be mended is far smaller."""

TAKEN: Final = "order.taken_from_quarantine"
"""The event of the order that an entry came to. Its id is the entry's: there is one at most."""

_SET_ASIDE: Final = text("""
INSERT INTO quarantine
    (id, producer, stream, entry_id, digest, sealed_entry, kind, code, path, detail)
SELECT id, producer, stream, entry_id, digest, sealed_entry, kind, code, path, detail
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS _(
    id uuid, producer text, stream text, entry_id text, digest text, sealed_entry bytea,
    kind text, code text, path text, detail text)
ORDER BY stream, entry_id
ON CONFLICT (stream, entry_id, digest) DO NOTHING
RETURNING id
""")

_REPLAYED: Final = text("""
UPDATE quarantine SET closed_at = orderline_now(), closed_by = :by, decision = :decision,
    why = :why, sealed_mended = :sealed_mended
WHERE id = :id AND closed_at IS NULL
RETURNING id
""")

_STILL_FAULTY: Final = text("""
UPDATE quarantine SET code = :code, path = :path, detail = :detail, sealed_mended = :sealed_mended
WHERE id = :id AND closed_at IS NULL
RETURNING id
""")

_DROPPED: Final = text("""
UPDATE quarantine SET closed_at = orderline_now(), closed_by = :by, decision = :decision, why = :why
WHERE id = :id AND closed_at IS NULL
RETURNING id
""")

_TELL: Final = text("""
INSERT INTO events (id, order_id, line_id, sequence, type, data)
SELECT CAST(:id AS uuid), id, NULL, NULL, CAST(:type AS text),
    jsonb_strip_nulls(jsonb_build_object(
        'by', CAST(:by AS text), 'reason', CAST(:why AS text), 'mended', CAST(:mended AS boolean)))
FROM orders WHERE id = :order_id
ON CONFLICT (id) DO NOTHING
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """Who decided about an entry, and why."""

    by: str
    why: str | None
    deed: Deed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An entry in quarantine, and what a person made of it."""

    quarantine_id: QuarantineId
    entry: Entry
    """It as it arrived; at most ``KEPT_BYTES`` of what it said."""
    mended: bytes | None = field(default=None, repr=False)
    """What it is to say instead."""

    @property
    def newest(self) -> Entry:
        """The entry as it would be taken in now."""
        return self.entry if self.mended is None else replace(self.entry, raw=self.mended)

    def saying(self, raw: bytes) -> Self:
        """The entry, mended to say this."""
        return replace(self, mended=None if raw == self.entry.raw else raw)


class Erased(OrderlineError):
    """What the entry said was erased, some time after it was closed."""


class AlreadyClosed(Exception):
    """Somebody decided about the entry before."""


async def set_aside(
    connection: AsyncConnection, vault: Vault, faulty: Sequence[tuple[Entry, IntentFault]]
) -> None:
    """Set entries aside, exactly as they came, each with its fault, and tell their producers.

    What was set aside before is neither kept nor told twice. Their ids sort as they are given, so
    that a wish that follows its intent also does here.
    """
    if not faulty:
        return
    ids = sorted(QuarantineId(new_uuid()) for _ in faulty)
    rows = [
        {
            "id": quarantine_id,
            "producer": entry.producer,
            "stream": entry.stream,
            "entry_id": entry.entry_id,
            "digest": sha256(entry.raw).hexdigest(),
            "sealed_entry": as_bytea(vault.seal(entry.raw[:KEPT_BYTES])),
            "kind": entry.kind,
            "code": fault.code,
            "path": fault.path,
            "detail": fault.detail,
        }
        for quarantine_id, (entry, fault) in zip(ids, faulty, strict=True)
    ]
    fresh = set((await connection.execute(_SET_ASIDE, {"rows": as_rows(rows)})).scalars())
    await notices.tell(
        connection,
        [(i, *each) for i, each in zip(ids, faulty, strict=True) if i in fresh],
    )


async def replayed(
    connection: AsyncConnection, vault: Vault, kept: Kept, order_id: OrderId, decided: Decided
) -> None:
    """Close an entry that was taken in, and tell its order's story so, unless that was purged.

    Raises ``AlreadyClosed``.
    """
    values = {"by": decided.by, "why": decided.why}
    await _change(
        connection,
        _REPLAYED,
        kept.quarantine_id,
        **values,
        decision=QuarantineDecision.REPLAYED.value,
        sealed_mended=_sealed(vault, kept),
    )
    told = {"order_id": order_id, "type": TAKEN, "mended": kept.mended is not None}
    await connection.execute(_TELL, {"id": kept.quarantine_id, **values, **told})


async def still_faulty(
    connection: AsyncConnection, vault: Vault, kept: Kept, fault: IntentFault
) -> None:
    """Keep what a person made of an entry, and its new fault. Raises ``AlreadyClosed``."""
    await _change(
        connection,
        _STILL_FAULTY,
        kept.quarantine_id,
        code=fault.code.value,
        path=fault.path,
        detail=fault.detail,
        sealed_mended=_sealed(vault, kept),
    )


async def drop(db: Database, quarantine_id: QuarantineId, decided: Decided) -> None:
    """Close an entry of which nothing will become; its producer is told, with the reason.

    Raises ``AlreadyClosed``.
    """
    async with db.transaction(Boundary.QUARANTINE) as connection:
        await _change(
            connection,
            _DROPPED,
            quarantine_id,
            by=decided.by,
            why=decided.why,
            decision=QuarantineDecision.DROPPED.value,
        )
        await notices.tell_dropped(connection, quarantine_id, decided.why)
        await note(connection, decided.deed)


def _sealed(vault: Vault, kept: Kept) -> bytes | None:
    return None if kept.mended is None else vault.seal(kept.mended)


async def _change(
    connection: AsyncConnection, change: TextClause, quarantine_id: QuarantineId, **values: Any
) -> None:
    changed = await connection.execute(change, {"id": quarantine_id, **values})
    if changed.one_or_none() is None:
        raise AlreadyClosed
