"""``orderline producers``: one module per sub-command, registered here."""

import typer

from worker.cli.producers.acl import acl
from worker.cli.producers.add import add
from worker.cli.producers.change import change
from worker.cli.producers.disable import disable, enable
from worker.cli.producers.listing import list_producers
from worker.cli.producers.rotate import rotate
from worker.cli.producers.show import show

app = typer.Typer(
    no_args_is_help=True,
    help="Register producers, say where each is told, change their secrets, shut them out.",
)
app.command("add")(add)
app.command("list")(list_producers)
app.command("show")(show)
app.command("set")(change)
app.command("rotate")(rotate)
app.command("disable")(disable)
app.command("enable")(enable)
app.command("acl")(acl)
