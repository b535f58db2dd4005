"""``orderline endpoints``: one module per sub-command, registered here."""

import typer

from worker.cli.endpoints.listing import list_endpoints, listing
from worker.cli.endpoints.show import show
from worker.cli.endpoints.switch import disable, enable

app = typer.Typer()
app.callback(invoke_without_command=True)(listing)
app.command("list")(list_endpoints)
app.command("show")(show)
app.command("disable")(disable)
app.command("enable")(enable)
