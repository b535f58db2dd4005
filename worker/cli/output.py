"""How commands print: tables in colour on a terminal, aligned text in a pipe, JSON for programs.

What a provider or a producer wrote is shown as text only: neither markup nor a terminal's
control sequences in it have any effect.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

import pydantic_core
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.orders import span
from worker.health.finding import Level

Cell = str | Text
"""A table's cell; ``Text`` where it has a colour."""

NOTHING: Final = "-"
"""What stands where there is no value."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
"""The option that every listing has."""

_COLOURS: Final[Mapping[str, str]] = {
    "waiting": "dim",
    "accepted": "cyan",
    "placing": "cyan",
    "quoted": "cyan",
    "confirming": "cyan",
    "placed": "blue",
    "partially_delivered": "blue",
    "in_doubt": "bold yellow",
    "parked": "bold magenta",
    "delivered": "green",
    "fulfilled": "green",
    "partially_fulfilled": "yellow",
    "refused": "red",
    "failed": "red",
    "expired": "red",
    "cancelled": "red",
}
"""Colours of the states of orders and of lines."""

_WIDE: Final = 200
"""Columns where there is no terminal: enough that no line is broken."""

_OF_LEVELS: Final = {
    Level.OK: "green",
    Level.WARN: "yellow",
    Level.UNSAFE: "bold red",
    Level.FAIL: "bold red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; ``right`` for numbers, ``whole`` for ids that must not be broken."""

    name: str
    right: bool = False
    whole: bool = False


def screen_console(*, stderr: bool) -> Console:
    """What a screen that is drawn again and again stands on, or a very wide page."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(stderr=stderr, width=_WIDE)


def printable(text: str) -> str:
    """One line of text without anything that a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text)


def coloured(state: str) -> Text:
    """A state in its colour."""
    return Text(state, style=_COLOURS.get(state, ""))


def verdict(level: Level) -> Text:
    """A finding's level in its colour."""
    return Text(level, style=_OF_LEVELS[level])


def left(quote_left: timedelta | None) -> Cell:
    """What is left of a quote's window."""
    if quote_left is None:
        return NOTHING
    return span(quote_left) if quote_left else Text("over", style="red")


def table_of(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table for a terminal."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=column.whole,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(_text(cell) for cell in row))
    return table


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], nothing: str) -> None:
    """Print a listing, or what to say when it is empty."""
    console = Console(highlight=False)
    if not rows:
        typer.echo(nothing)
    elif console.is_terminal:
        console.print(table_of(columns, rows))
    else:
        for line in aligned(columns, rows):
            typer.echo(line)


def aligned(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> list[str]:
    """A listing as lines of plain text, as wide as they have to be."""
    heads = [column.name for column in columns]
    lines = [heads, *([_text(cell).plain for cell in row] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column.right else cell.ljust(width)
            for column, cell, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def print_pairs(pairs: Iterable[tuple[str, Cell | None]], *, indent: int = 0) -> None:
    """Print names and values, one pair a line; a pair without a value is left out."""
    said = [(name, _text(value)) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in said), default=0)
    for name, value in said:
        say(Text.assemble(" " * indent, (name.ljust(width), "dim"), "  ", value))


def say(line: Text | str) -> None:
    """Print one line; colours only on a terminal, wrapped only by the terminal itself."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(line if isinstance(line, Text) else Text(line), soft_wrap=True)
    else:
        typer.echo(line.plain if isinstance(line, Text) else line)


def print_json(value: Any) -> None:
    """Print a value, views included, as indented JSON."""
    typer.echo(pydantic_core.to_json(value, indent=2))


def _text(cell: Cell) -> Text:
    if isinstance(cell, str):
        return Text(printable(cell))
    shown = cell.copy()
    shown.plain = printable(cell.plain)
    return shown
