"""``orderline quarantine``: one module per sub-command, registered here."""

import typer

from worker.cli.quarantine.drop import drop
from worker.cli.quarantine.listing import listing
from worker.cli.quarantine.replay import replay
from worker.cli.quarantine.show import show

app = typer.Typer()
app.callback(invoke_without_command=True)(listing)
app.command("show")(show)
app.command("replay")(replay)
app.command("drop")(drop)
