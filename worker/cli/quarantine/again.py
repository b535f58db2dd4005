"""Taking entries in again, one after the other, each mended as the command line says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import typer

from schemas.quarantine import QuarantineView
from worker.cli.quarantine.chosen import under
from worker.cli.quarantine.editor import edit
from worker.cli.quarantine.mend import BadEdit, Edit, compact, edited, readable
from worker.cli.quarantine.told import Teller
from worker.cli.session import opened
from worker.cli.sources import NotReadable, read_file
from worker.operating.retrying import Mend, Retry, kept_text
from worker.store.deeds import Act
from worker.store.open_orders import OpenOrders
from worker.store.quarantine import KEPT_BYTES, Decided


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
            retry = Retry(
                db=session.db,
                vault=session.vault,
                settings=session.settings,
                open_orders=OpenOrders(session.settings.open_per_producer),
                mend=self.mend,
                as_arrived=self.as_arrived,
                rehearse=self.dry_run,
            )
            for entry in entries:
                told = await retry.take_in(entry, under(self.decided, Act.RETRIED, entry))
                teller.tell(entry, replace(told, dry_run=True) if self.dry_run else told)


async def _text(entry: QuarantineView, *, as_arrived: bool) -> bytes:
    async with opened() as session:
        found = await kept_text(
            session.db, session.vault, entry.quarantine_id, as_arrived=as_arrived
        )
        return found.newest.raw


def _unchanged(raw: bytes) -> bytes:
    return raw


def _saying(text: bytes, source: str) -> Mend:
    """A mend that makes this of anything."""
    if not text.strip() or len(text) > KEPT_BYTES:
        raise NotReadable(f"{source}: is {'too large' if text.strip() else 'empty'}")
    return lambda _: text
