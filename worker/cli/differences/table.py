"""Differences as a table, and, of those that need a person, all that one has to know."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from schemas.books import DifferenceView, DifferingLine
from schemas.orders import stamp
from worker.cli.output import NOTHING, Cell, Column, print_pairs, print_table, printable, say
from worker.operating.advice import shown

_COLUMNS: Final = (
    Column("id", whole=True),
    Column("found", whole=True),
    Column("account", whole=True),
    Column("kind", whole=True),
    Column("rule", whole=True),
    Column("done", whole=True),
    Column("order", whole=True),
    Column("intent"),
    Column("their id"),
    Column("ours"),
    Column("theirs"),
)
_NEW: Final = Column("new", whole=True)

_ENOUGH: Final = 18
"""Characters of an order's id: its milliseconds and some chance."""


def print_differences(found: Sequence[DifferenceView], nothing: str, *, news: bool = False) -> None:
    """Print a row for each; with ``news`` also whether it was found just now."""
    columns = (_NEW, *_COLUMNS) if news else _COLUMNS
    rows = [([_news(each)] if news else []) + _row(each) for each in found]
    print_table(columns, rows, nothing)


def tell_what_to_do(found: Sequence[DifferenceView]) -> None:
    """Print what a person needs who deals with them."""
    for each in found:
        if each.needs_person:
            _tell(each)


def _tell(each: DifferenceView) -> None:
    say("")
    say(Text(printable(f"{each.short_id}: {each.kind} at {each.provider}/{each.account}"), "bold"))
    known = each.intent_id is not None
    of_order = f"{each.order_id} ({each.intent_id} of {each.producer}), {each.order_state}"
    print_pairs(
        [
            ("order", of_order if known else _gone(each)),
            ("their id", _their_id(each)),
            *((("costs", shown(each.total)),) if each.total is not None else ()),
            *((("at most", shown(each.max_total)),) if each.max_total is not None else ()),
            *(("line", _line(line)) for line in each.lines),
            ("do", each.advice),
        ],
        indent=2,
    )


def _line(line: DifferingLine) -> str:
    ref = line.provider_line_ref or NOTHING
    said = f"{line.deliver_id}: {line.state}, their id {ref}, our line_ref {line.line_ref}"
    return said if line.price is None else f"{said}, {shown(line.price)}"


def _gone(each: DifferenceView) -> str | None:
    return None if each.order_id is None else f"{each.order_id}, purged since"


def _news(each: DifferenceView) -> Cell:
    return Text("new", style="bold yellow") if each.new else NOTHING


def _row(each: DifferenceView) -> list[Cell]:
    return [
        each.short_id,
        stamp(each.found_at),
        f"{each.provider}/{each.account}",
        each.kind,
        each.rule,
        Text(each.done, style="bold red" if each.needs_person else ""),
        NOTHING if each.order_id is None else str(each.order_id)[:_ENOUGH],
        each.intent_id or NOTHING,
        _their_id(each),
        each.ours,
        each.theirs,
    ]


def _their_id(each: DifferenceView) -> str:
    ref = each.provider_ref or NOTHING
    return f"{ref} line {each.line}" if each.line else ref
