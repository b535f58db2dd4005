"""How far reconciliations are, on stderr: bars on a terminal, lines now and then elsewhere."""

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from schemas.books import RunView
from schemas.orders import span, stamp
from worker.cli.output import printable, screen_console
from worker.health.progress import plural
from worker.reconciliation import Progress
from worker.store.reconciliations import Run
from worker.store.tables_books import RunState

_EVERY: Final = 5.0
"""Seconds between two lines on how far a run is, where there is no terminal."""


class Screen:
    """Standard error, as reconciliations are shown there; nothing of them where it is quiet."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = screen_console(stderr=True)
        bars = self._console.is_terminal and not quiet
        self._bars = _bars(self._console) if bars else None
        self._task: TaskID | None = None
        self._shown = 0.0

    def running(self) -> AbstractContextManager[object]:
        """Draw while the block lasts."""
        return self._bars or nullcontext()

    def begun(self, run: Run, *, goes_on: bool) -> None:
        """A run begins, or goes on where it was left."""
        name = f"{run.provider}/{run.account}"
        left = f", going on where the run of {stamp(run.started_at)} was left" if goes_on else ""
        self._say(f"{name}: comparing what was ordered since {stamp(run.since)}{left}")
        self._shown = time.monotonic()
        if self._bars is not None:
            self._task = self._bars.add_task(name, total=None, what="")

    def show(self, progress: Progress) -> None:
        """How far the run is."""
        reading = progress.state is RunState.READING
        done = progress.shelves_read if reading else min(progress.compared, progress.orders)
        of = progress.shelves if reading else progress.orders
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=of, what=_standing(progress))
        elif time.monotonic() - self._shown >= _EVERY:
            self._shown = time.monotonic()
            self._say(f"{progress.provider}/{progress.account}: {_standing(progress)}")

    def held(self, provider: str, account: str, run: RunView | None) -> None:
        """Somebody else is at it."""
        if run is None:
            self._say(f"{provider}/{account}: another run has just ended; nothing is done again")
            return
        self._say(
            f"{provider}/{account}: a run is under way already: {run.leased_by} holds it, and began"
            f" {stamp(run.started_at)}"
        )

    def ended(self, run: RunView) -> None:
        """A run has ended, or was left."""
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        self._say(f"{run.name}: {_end(run)}")

    def _say(self, sentence: str) -> None:
        if not self._quiet:
            self._console.print(Text(printable(sentence)), soft_wrap=True)


def _bars(console: Console) -> Bars:
    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[what]}", markup=False),
        console=console,
        transient=True,
    )


def _standing(progress: Progress) -> str:
    found = plural(sum(progress.found.values()), "new difference")
    if progress.state is RunState.READING:
        shelves = (
            f"{progress.shelves_read} of {plural(progress.shelves, 'list')}, "
            if progress.shelves > 1
            else ""
        )
        read = f"{plural(progress.pages, 'page')}, {_entries(progress.entries)}"
        return f"reading: {shelves}{read}"
    return f"comparing: {progress.compared} of {plural(progress.orders, 'order')}, {found}"


def _end(run: RunView) -> str:
    read = f"{plural(run.pages, 'page')} with {_entries(run.entries)}"
    if run.state == RunState.FAILED:
        return f"failed after {read}: {run.reason}"
    if run.ended_at is None:
        if run.leased_until is not None and run.leased_until > run.as_of:
            return f"taken over by {run.leased_by}, who goes on with it"
        return f"left while {run.state}, after {read}; the next run goes on from there"
    took = span(run.ended_at - run.started_at)
    return (
        f"compared {run.compared} of {plural(run.orders, 'order')} with {read} in {took},"
        f" {plural(run.new, 'new difference')}"
    )


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"
