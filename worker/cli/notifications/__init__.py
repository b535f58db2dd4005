"""``orderline notifications``: one module per sub-command, registered here."""

import typer

from worker.cli.notifications.listing import listing
from worker.cli.notifications.replay import replay
from worker.cli.notifications.show import show

app = typer.Typer(
    no_args_is_help=True,
    help="What producers were told, or are owed: list it, show it, deliver it once more.",
)
app.command("list")(listing)
app.command("show")(show)
app.command("replay")(replay)
