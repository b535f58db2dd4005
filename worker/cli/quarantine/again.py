"""Taking entries in again, one after the other, each mended as the command line says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import typer

from schemas.quarantine import Became, QuarantineView
from worker.cli.quarantine.editor import edit
from worker.cli.quarantine.mend import BadEdit, Edit, Mend, Unmended, compact, edited, readable
from worker.cli.quarantine.told import Teller, Told, already_closed
from worker.cli.session import Session, opened
from worker.cli.sources import NotReadable, read_file
from worker.crypto import SealBroken
from worker.steps.replay import replay
from worker.store.open_orders import OpenOrders
from worker.store.quarantine import KEPT_BYTES, Decided, Erased, Kept
from worker.store.views_quarantine import kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Mending:
    """How entries are to be mended: by a file, in an editor, by edits; or not at all."""

    file: str | None = None
    in_editor: bool = False
    edits: Sequence[Edit] = ()

    @classmethod
    def asked(
        cls, file: str | None, put: Sequence[str], take: Sequence[str], *, in_editor: bool
    ) -> Self:
        """As the options ask for it: in one way at most."""
        if sum((file is not None, in_editor, bool(put or take))) > 1:
            raise typer.BadParameter("give only one of --with, --edit, and --set with --unset")
        try:
            edits = [*map(Edit.put, put), *map(Edit.take, take)]
        except BadEdit as error:
            raise typer.BadParameter(str(error)) from None
        return cls(file=file, in_editor=in_editor, edits=edits)

    @property
    def is_for_one(self) -> bool:
        """Whether it makes a whole text, which can be only one entry's."""
        return self.file is not None or self.in_editor

    def ready(self, entries: Sequence[QuarantineView], *, as_arrived: bool) -> Mend:
        """The mend, once a person has made what only a person can make."""
        if self.file is not None:
            return _saying(read_file(self.file), self.file)
        if self.in_editor:
            [entry] = entries
            text = asyncio.run(_text(entry, as_arrived=as_arrived))
            typer.echo(entry.fault, err=True)
            return _saying(compact(edit(readable(text)), at_most=KEPT_BYTES), "the edited text")
        return edited(self.edits) if self.edits else _unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How entries are taken in again."""

    mend: Mend
    decided: Decided
    as_arrived: bool
    dry_run: bool

    async def take_in(self, entries: Sequence[QuarantineView], teller: Teller) -> None:
        """Take in one after the other, each in a commit of its own, and tell what each became."""
        async with opened() as session:
            open_orders = OpenOrders(session.settings.open_per_producer)
            for entry in entries:
                told = await self._take_in(session, entry, open_orders)
                teller.tell(entry, replace(told, dry_run=True) if self.dry_run else told)

    async def _take_in(
        self, session: Session, entry: QuarantineView, open_orders: OpenOrders
    ) -> Told:
        try:
            found = await _kept(session, entry, as_arrived=self.as_arrived)
            mended = found.saying(self.mend(found.newest.raw))
        except SealBroken as broken:
            return Told.of(entry, Became.SEALED, detail=str(broken))
        except Erased:
            return await already_closed(session, entry)
        except Unmended as unmended:
            return Told.of(entry, Became.UNMENDED, path=unmended.path, detail=unmended.detail)
        replayed = await replay(
            session.db,
            session.vault,
            session.settings,
            mended,
            self.decided,
            rehearse=self.dry_run,
            open_orders=open_orders,
        )
        if replayed.result is Became.CLOSED:
            return await already_closed(session, entry)
        if (fault := replayed.fault) is not None:
            why = {"code": fault.code.value, "path": fault.path, "detail": fault.detail}
            return Told.of(entry, replayed.result, **why)
        return Told.of(
            entry, replayed.result, order_id=replayed.order_id, expires_at=replayed.expires_at
        )


async def _kept(session: Session, entry: QuarantineView, *, as_arrived: bool) -> Kept:
    found = await kept(session.db, session.vault, entry.quarantine_id)
    return replace(found, mended=None) if as_arrived else found


async def _text(entry: QuarantineView, *, as_arrived: bool) -> bytes:
    async with opened() as session:
        return (await _kept(session, entry, as_arrived=as_arrived)).newest.raw


def _unchanged(raw: bytes) -> bytes:
    return raw


def _saying(text: bytes, source: str) -> Mend:
    """A mend that makes this of anything."""
    if not text.strip() or len(text) > KEPT_BYTES:
        raise NotReadable(f"{source}: is {'too large' if text.strip() else 'empty'}")
    return lambda _: text
