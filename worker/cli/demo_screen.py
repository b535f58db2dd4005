"""What is seen of the demonstration: DeliverIDs moving, and the verdict.

On a terminal the lines under way stand in a region that is drawn again and again; a line that
has come to rest is printed once above it and scrolls away, so the screen never overflows.
Elsewhere each is printed once, when it has come to rest.
"""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Final

from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from schemas.orders import RecentLine
from worker.cli.output import coloured, printable
from worker.cli.promises_table import show_promises
from worker.demo.books import AT_REST
from worker.demo.verdict import Verdict
from worker.lifecycle import TERMINAL_LINES

_HEAD: Final = ("DeliverID", "provider", "state", "tries", "quote", "told", "story")
_WIDTHS: Final = (9, 14, 10, 5, 5, 4)
_RIGHT: Final = {3, 4, 5}
_BELOW: Final = 4
"""Rows that the region has beside its lines."""


class Screen:
    """A console that shows the demonstration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )
        self._begun = time.monotonic()
        self._act = ""
        self._headed = False
        self._rested: set[str] = set()
        self._under_way: list[Text] = []
        self._quarantined = 0

    def running(self) -> AbstractContextManager[object]:
        """Draw while the block lasts."""
        return self._live or nullcontext()

    def say(self, sentence: str) -> None:
        """What begins now."""
        self._act = sentence
        self._print(Text(f"{self._seconds()}  {sentence}", style="bold"))
        self._draw()

    def show(self, lines: Sequence[tuple[RecentLine, str]], quarantined: int) -> None:
        """Where every line stands now, each with its story; and how many intents became none."""
        self._quarantined = quarantined
        self._under_way = []
        if lines and not self._headed:
            self._headed = True
            self._print(_cells(_HEAD, "dim"))
        for line, story in lines:
            if not (line.order_state in AT_REST and line.owed == 0):
                self._under_way.append(_row(line, story))
            elif line.deliver_id not in self._rested:
                self._rested.add(line.deliver_id)
                self._print(_row(line, story))
        self._draw()

    def judge(self, verdict: Verdict) -> None:
        """Print the verdict, promise by promise."""
        show_promises(self._console, verdict.promises, verdict.seconds)

    def _draw(self) -> None:
        if self._live is None:
            return
        room = max(1, self._console.size.height - _BELOW)
        hidden = len(self._under_way[room:])
        counts = (
            f"{len(self._rested)} at rest, {len(self._under_way)} under way"
            f"{f' ({hidden} not shown)' if hidden else ''}, {self._quarantined} quarantined"
        )
        region = Group(
            Rule(style="dim"),
            *map(self._cut, self._under_way[:room]),
            self._cut(Text(f"{self._seconds()}  {self._act}", "bold")),
            self._cut(Text(f"{'':9}{counts}", "dim")),
        )
        self._live.update(region, refresh=True)

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._begun:5.1f} s"

    def _cut(self, text: Text) -> Text:
        text.truncate(self._console.size.width, overflow="ellipsis")
        return text

    def _print(self, text: Text) -> None:
        shown = text if self._live is None else self._cut(text)
        self._console.print(shown, soft_wrap=True, highlight=False)


def _row(line: RecentLine, story: str) -> Text:
    known = line.told + line.owed + line.given_up
    state = line.state if line.state in TERMINAL_LINES else line.order_state
    return _cells(
        (
            line.deliver_id,
            line.provider,
            coloured(state),
            str(line.attempts),
            _left(line.quote_left),
            f"{line.told}/{known}" if known else "",
            story,
        )
    )


def _cells(cells: Sequence[str | Text], style: str = "") -> Text:
    row = Text(style=style)
    for place, cell in enumerate(cells):
        text = cell.copy() if isinstance(cell, Text) else Text(printable(cell))
        if place < len(_WIDTHS):
            text.align("right" if place in _RIGHT else "left", _WIDTHS[place])
            text.append(" ")
        row.append_text(text)
    return row


def _left(quote_left: timedelta | None) -> Text:
    """What is left of a quote, as ``9:58``; red when a call could soon no longer be made."""
    if quote_left is None:
        return Text()
    minutes, seconds = divmod(int(quote_left.total_seconds()), 60)
    return Text(f"{minutes}:{seconds:02}", style="" if minutes else "bold red")
