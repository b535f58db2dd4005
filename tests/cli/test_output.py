"""What is printed is aligned, and nothing that others wrote is obeyed by a terminal."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from worker.cli import output
from worker.cli.output import Column, aligned, printable, table_of
from worker.lifecycle import LineState, OrderState

HOSTILE = "\x1b[2J\x07[red]gone[/red]\u202etxt\nnext"


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    columns = [Column("id"), Column("n", right=True), Column("why")]
    rows: list[list[str | Text]] = [["long-id", "1", Text("red", style="red")], ["x", "100", ""]]
    assert aligned(columns, rows) == ["id         n  why", "long-id    1  red", "x        100"]


def test_control_sequences_are_defused() -> None:
    assert printable(HOSTILE) == "�[2J�[red]gone[/red]�txt next"


@pytest.mark.parametrize("cell", [HOSTILE, Text(HOSTILE, style="red")])
def test_neither_markup_nor_escapes_reach_a_terminal(cell: str | Text) -> None:
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, color_system=None, width=80)
    console.print(table_of([Column("reason")], [[cell]]))
    assert "[red]gone[/red]" in terminal.getvalue()
    assert not {"\x1b[2J", "\x07", "\u202e"} & set(terminal.getvalue())
    assert "\x1b[2J" not in terminal.getvalue()


def test_every_state_has_a_colour() -> None:
    assert set(output._COLOURS) == {*LineState, *OrderState}
