"""The table of DeliverIDs that ``watch`` and ``demo`` show: one row a line, newest first."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from schemas.orders import RecentLine
from worker.cli.output import NOTHING, Cell, Column, coloured, left, table_of

COLUMNS: Final = (
    Column("DeliverID", whole=True),
    Column("provider"),
    Column("line", whole=True),
    Column("order", whole=True),
    Column("attempts", right=True),
    Column("quote left"),
    Column("told"),
)


def lines_table(lines: Sequence[RecentLine]) -> Table:
    """The lines as a table for a terminal."""
    return table_of(COLUMNS, [line_row(line) for line in lines])


def line_row(line: RecentLine) -> list[Cell]:
    """One line's cells, in the order of ``COLUMNS``."""
    return [
        line.deliver_id,
        f"{line.provider}/{line.account}",
        coloured(line.state),
        coloured(line.order_state),
        str(line.attempts),
        left(line.quote_left),
        _told(line),
    ]


def _told(line: RecentLine) -> Cell:
    """How many of its notifications the producer has, as ``2 of 3``."""
    due = line.told + line.owed + line.given_up
    if not due:
        return NOTHING
    text = f"{line.told} of {due}"
    if line.given_up:
        return Text(f"{text}, {line.given_up} given up", style="bold red")
    return Text(text, style="yellow" if line.owed else "green")
