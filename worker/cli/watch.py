"""``orderline watch``."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from schemas.orders import RecentLine
from worker.cli.lines_table import COLUMNS, line_row, lines_table
from worker.cli.output import print_table
from worker.cli.session import opened
from worker.lifecycle import LineState
from worker.store import views
from worker.store.session import Database
from worker.store.views import Wanted

_EVERY = 1.0


def watch(
    *,
    producer: Annotated[str | None, typer.Option(help="Only of this producer.")] = None,
    state: Annotated[list[LineState] | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
    once: Annotated[bool, typer.Option("--once", help="Print the table once and end.")] = False,
) -> None:
    """Watch DeliverIDs, newest first, until Ctrl-C. In a pipe it prints once.

    Example: orderline watch --producer shop-eu --state in_doubt
    """
    wanted = Wanted(states=state or (), producer=producer)
    console = Console()
    if once or not console.is_terminal:
        lines = asyncio.run(_read(wanted, limit))
        print_table(COLUMNS, [line_row(line) for line in lines], "There are no such lines.")
        return
    with suppress(KeyboardInterrupt):
        asyncio.run(_watch(wanted, limit, console))


async def _read(wanted: Wanted, limit: int) -> list[RecentLine]:
    async with opened() as session:
        return await views.recent_lines(session.db, wanted, limit=limit)


async def _watch(wanted: Wanted, limit: int, console: Console) -> None:
    async with opened() as session:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(lines_table(await _fitting(session.db, wanted, limit, console)))
                live.refresh()
                await asyncio.sleep(_EVERY)


async def _fitting(db: Database, wanted: Wanted, limit: int, console: Console) -> list[RecentLine]:
    """As many lines as the terminal has room for under the table's head."""
    head = 3
    room = max(1, console.size.height - head)
    return await views.recent_lines(db, wanted, limit=min(limit, room))
