"""``orderline differences``: one module per sub-command, registered here."""

import typer

from worker.cli.differences.close import close
from worker.cli.differences.listing import list_differences, listing

app = typer.Typer()
app.callback(invoke_without_command=True)(listing)
app.command("list")(list_differences)
app.command("close")(close)
