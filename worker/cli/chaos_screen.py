"""What is seen of a chaos run, on stderr: each trouble as it comes, how things stand, the verdict.

On a terminal the standing is one region that is drawn again and again; elsewhere it is a line
now and then.
"""

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.text import Text

from worker.chaos.run import Progress
from worker.chaos.verdict import Verdict
from worker.cli.output import printable, screen_console
from worker.cli.promises_table import show_promises

_EVERY: Final = 10.0
"""Seconds between two lines on how things stand, where there is no terminal."""
_LAG: Final = 0.7
"""Seconds; the margin by which a purchase ends before its quote does is one."""
_NAMED: Final = 5
"""How many breaches of each kind are spelled out for a person; the JSON has more."""


class Screen:
    """Standard error, as a run is shown there."""

    def __init__(self) -> None:
        self._console = screen_console(stderr=True)
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True)
            if self._console.is_terminal
            else None
        )
        self._begun = time.monotonic()
        self._shown = self._begun

    def running(self) -> AbstractContextManager[object]:
        """Draw while the block lasts."""
        return self._live or nullcontext()

    def say(self, sentence: str) -> None:
        """What begins now."""
        self._console.print(Text(f"{self._seconds()}  {sentence}"), soft_wrap=True)

    def show(self, progress: Progress) -> None:
        """How things stand."""
        standing = Text(f"{self._seconds()}  {_standing(progress)}", "bold")
        if self._live is not None:
            now = ", ".join(map(str, progress.under_way)) or "no trouble"
            lines = [standing, Text(f"{'':9}now: {now}", "yellow")]
            for line in lines:
                line.truncate(self._console.size.width, overflow="ellipsis")
            self._live.update(Group(*lines), refresh=True)
        elif time.monotonic() - self._shown >= _EVERY:
            self._shown = time.monotonic()
            self._console.print(standing, soft_wrap=True)

    def judge(self, verdict: Verdict, replay: str, logs: Path | None) -> None:
        """Print the verdict, promise by promise, and how to look into what was broken."""
        show_promises(self._console, verdict.promises, verdict.seconds)
        for kind, breaches in verdict.breaches.items():
            for breach in breaches[:_NAMED]:
                self._print(f"  {kind}: {printable(breach)}", "red")
            if len(breaches) > _NAMED:
                self._print(f"  {kind}: {len(breaches) - _NAMED} more", "red")
        if verdict.longest_lag > _LAG:
            self._print(
                f"This machine was busy: the providers stood still for {verdict.longest_lag:g} s at"
                " worst, and may have bought that much later than they were asked.",
                "yellow",
            )
        if verdict.broken:
            self._print(f"Again:  {replay}", "bold")
        if logs is not None:
            self._print(f"Logs:   {logs}", "bold")

    def _print(self, line: str, style: str) -> None:
        self._console.print(Text(line, style), soft_wrap=True)

    def _seconds(self) -> str:
        return f"{time.monotonic() - self._begun:5.1f} s"


def _standing(progress: Progress) -> str:
    look = progress.look
    return (
        f"{progress.reached} of {progress.planned} submitted, {look.accepted} orders,"
        f" {look.at_rest} at rest, {look.parked} parked, {look.standing.open_orders} open,"
        f" {look.owed} notifications owed"
    )
