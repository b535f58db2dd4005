"""``orderline operators``: one module per sub-command, registered here."""

import typer

from worker.cli.operators.add import add
from worker.cli.operators.change import disable, enable, passwd
from worker.cli.operators.listing import listing

app = typer.Typer(
    no_args_is_help=True,
    help="Say who may sign in to the console, and what they may do there.",
)
app.command("add")(add)
app.command("list")(listing)
app.command("passwd")(passwd)
app.command("disable")(disable)
app.command("enable")(enable)
