"""Taking an entry in quarantine in again, as it is or mended, and telling what became of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from schemas.orders import stamp
from schemas.quarantine import Became, QuarantineView
from worker.crypto import SealBroken, Vault
from worker.settings import Settings
from worker.steps.replay import replay
from worker.store.open_orders import OpenOrders
from worker.store.quarantine import Decided, Erased, Kept
from worker.store.session import Database
from worker.store.views_quarantine import entry_story, kept

Mend = Callable[[bytes], bytes]
"""What is made of an entry's text. Raises ``Unmended``."""


class Unmended(Exception):
    """What was to be changed is not there. The sentence quotes nothing of the text."""

    def __init__(self, path: str, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one entry."""

    id: UUID
    result: Became
    producer: str
    stream_entry: str
    order_id: UUID | None = None
    expires_at: datetime | None = None
    code: str | None = None
    path: str | None = None
    detail: str | None = None
    dry_run: bool | None = None

    @classmethod
    def of(cls, entry: QuarantineView, result: Became, **facts: Any) -> Self:
        """What became of an entry, with what else is known of that."""
        return cls(
            id=entry.quarantine_id,
            result=result,
            producer=entry.producer,
            stream_entry=entry.entry_id,
            **facts,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How entries are taken in again. A rehearsal changes nothing."""

    db: Database
    vault: Vault
    settings: Settings
    open_orders: OpenOrders
    mend: Mend
    as_arrived: bool = False
    rehearse: bool = False

    async def take_in(self, entry: QuarantineView, decided: Decided) -> Told:
        """Take an entry in, in one commit with what it becomes."""
        try:
            found = await kept_text(
                self.db, self.vault, entry.quarantine_id, as_arrived=self.as_arrived
            )
            mended = found.saying(self.mend(found.newest.raw))
        except SealBroken as broken:
            return Told.of(entry, Became.SEALED, detail=str(broken))
        except Erased:
            return await already_closed(self.db, self.vault, entry)
        except Unmended as unmended:
            return Told.of(entry, Became.UNMENDED, path=unmended.path, detail=unmended.detail)
        replayed = await replay(
            self.db,
            self.vault,
            self.settings,
            mended,
            decided,
            rehearse=self.rehearse,
            open_orders=self.open_orders,
        )
        if replayed.result is Became.CLOSED:
            return await already_closed(self.db, self.vault, entry)
        if (fault := replayed.fault) is not None:
            why = {"code": fault.code.value, "path": fault.path, "detail": fault.detail}
            return Told.of(entry, replayed.result, **why)
        return Told.of(
            entry, replayed.result, order_id=replayed.order_id, expires_at=replayed.expires_at
        )


async def kept_text(db: Database, vault: Vault, quarantine_id: UUID, *, as_arrived: bool) -> Kept:
    """An entry with what it says. Raises ``SealBroken``, ``Erased``."""
    found = await kept(db, vault, quarantine_id)
    return replace(found, mended=None) if as_arrived else found


async def already_closed(db: Database, vault: Vault, entry: QuarantineView) -> Told:
    """What to tell of an entry about which somebody has decided."""
    now = await entry_story(db, vault, entry.quarantine_id)
    when = "" if now.closed_at is None else f" {stamp(now.closed_at)}"
    why = "" if now.why is None else f": {now.why}"
    detail = f"it was {now.decision}{when} by {now.closed_by}{why}"
    return Told.of(entry, Became.CLOSED, order_id=now.order_id, detail=detail)
