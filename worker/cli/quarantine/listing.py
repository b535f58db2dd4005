"""``orderline quarantine`` alone: the listing."""

import asyncio
from typing import Annotated, Final

import typer

from schemas.orders import stamp
from schemas.quarantine import QuarantineView
from worker.cli.options import refuse_options
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table
from worker.cli.quarantine.options import Codes, Filters, Kind, Producer, Since
from worker.cli.session import opened
from worker.store.views_quarantine import Sought, quarantined

_COLUMNS: Final = (
    Column("id", whole=True),
    Column("at", whole=True),
    Column("producer"),
    Column("kind"),
    Column("fault"),
)
_DECIDED: Final = Column("decided")


def listing(
    ctx: typer.Context,
    *,
    producer: Producer = None,
    code: Codes = None,
    kind: Kind = None,
    since: Since = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that were replayed or dropped.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what could not become an order, newest first: who, where and why.

    With a command of its own: show one, take them in again, or drop them. What an entry says is
    not listed: it may hold anything.

    Example: orderline quarantine --producer shop-eu --code unknown_field
    """
    if ctx.invoked_subcommand is not None:
        refuse_options(ctx)
        return
    filters = Filters(producer=producer, codes=code, kind=kind, since=since, limit=limit)
    found = asyncio.run(_read(filters.sought(closed_too=every), limit))
    if as_json:
        print_json(found)
        return
    columns = (*_COLUMNS, _DECIDED) if every else _COLUMNS
    rows = [_row(entry)[: len(columns)] for entry in found]
    print_table(columns, rows, "No such entry is in quarantine.")


async def _read(sought: Sought, limit: int) -> list[QuarantineView]:
    async with opened() as session:
        return await quarantined(session.db, sought, limit=limit)


def _row(entry: QuarantineView) -> list[Cell]:
    return [
        entry.short_id,
        stamp(entry.at),
        entry.producer,
        entry.kind,
        entry.fault,
        f"{entry.decision} by {entry.closed_by}" if entry.decision else NOTHING,
    ]
