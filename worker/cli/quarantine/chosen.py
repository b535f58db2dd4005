"""Which entries a command means: those named, or, once somebody has agreed, those that fit."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import typer

from schemas.quarantine import QuarantineView
from worker.cli.named import only
from worker.cli.quarantine.options import Filters
from worker.cli.session import opened
from worker.operating.hand import Hand
from worker.store.deeds import Act
from worker.store.quarantine import Decided
from worker.store.session import Database
from worker.store.tables_operators import Via
from worker.store.views_quarantine import find_entries, quarantined

_DECLINED: Final = 1


async def find_entry(db: Database, name: str) -> QuarantineView:
    """The entry of that name. Raises ``NotFound``, ``Ambiguous``."""
    return only(
        await find_entries(db, name),
        name,
        several="entries",
        nothing=f"There is no entry {name!r} in quarantine; `orderline quarantine --all` shows"
        " those there are.",
        told=lambda each: (
            f"{each.short_id}  {each.kind} of {each.producer}, {each.code}, entry"
            f" {each.entry_id} of its stream"
        ),
    )


def choose(names: Sequence[str] | None, filters: Filters) -> list[QuarantineView]:
    """The entries that are meant, the oldest first. Raises ``NotFound``, ``Ambiguous``."""
    if bool(names) == filters.given:
        raise typer.BadParameter(
            "either name entries by their ids, or choose open ones by --producer, --code, --kind,"
            " --since or --limit",
            param_hint="ID",
        )
    return asyncio.run(_choose(names or (), filters))


async def _choose(names: Sequence[str], filters: Filters) -> list[QuarantineView]:
    async with opened() as session:
        if not names:
            return await quarantined(
                session.db, filters.sought(), limit=filters.limit, order="oldest first"
            )
        found = [await find_entry(session.db, name) for name in names]
    return sorted(
        {each.quarantine_id: each for each in found}.values(), key=lambda e: e.quarantine_id
    )


def agree(what: str, entries: Sequence[QuarantineView]) -> None:
    """Ask before what was chosen by a filter is changed; without a terminal, refuse."""
    counts = Counter(entry.code for entry in entries)
    said = ", ".join(f"{count} {code}" for code, count in counts.most_common())
    many = f"{len(entries)} {'entry fits' if len(entries) == 1 else 'entries fit'}: {said}"
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{many}. --yes goes ahead", param_hint="--yes")
    if not typer.confirm(f"{many}. {what}?", err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(_DECLINED)


def under(decided: Decided, act: Act, entry: QuarantineView) -> Decided:
    """The decision with its record, as that of one entry."""
    about = f"quarantine/{entry.quarantine_id}"
    deed = Hand(decided.by, Via.COMMAND).deed(act, about=about, why=decided.why)
    return replace(decided, deed=deed)
