"""How a verdict on promises is shown."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.demo.verdict import Promise


def show_promises(console: Console, promises: Sequence[Promise], seconds: float) -> None:
    """Print which promises were kept, and by what that is seen."""
    console.print(Text(f"\nVerdict after {seconds:g} s\n", style="bold"))
    table = Table.grid(padding=(0, 2, 0, 0))
    for promise in promises:
        kept = Text("kept", "green") if promise.kept else Text("BROKEN", "bold red")
        table.add_row(Text(promise.name), kept, Text(promise.claim), Text(promise.evidence))
    console.print(table)
    broken = [promise.name for promise in promises if not promise.kept]
    if broken:
        console.print(Text(f"\nBroken: {', '.join(broken)}", style="bold red"))
    else:
        console.print(Text("\nEvery promise was kept.", style="bold green"))
