"""The command's front: its sub-commands, and what a person sees when something is wrong."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from worker import logs
from worker.cli import (
    accounts,
    api_keys,
    differences,
    endpoints,
    notifications,
    operators,
    producers,
    quarantine,
)
from worker.cli.cancel import cancel
from worker.cli.chaos import chaos
from worker.cli.demo import demo
from worker.cli.doctor import doctor
from worker.cli.enqueue import enqueue
from worker.cli.gateway import gateway
from worker.cli.health import health
from worker.cli.list import list_orders
from worker.cli.migrate import migrate
from worker.cli.new_key import new_key
from worker.cli.parked import parked
from worker.cli.providers import providers
from worker.cli.reconcile import reconcile
from worker.cli.rekey import rekey
from worker.cli.report import report
from worker.cli.resolve import decide
from worker.cli.schema import schema
from worker.cli.setup import setup
from worker.cli.show import show
from worker.cli.up import up
from worker.cli.watch import watch
from worker.errors import OrderlineError, SettingsError
from worker.settings import PREFIX

PLAYGROUND: Final = Path(".orderline") / "env"
"""Where `orderline up` writes how to reach what it runs. Its own module comes with an extra."""

USAGE_ERROR = 2
FAILED = 1

app = typer.Typer(
    name="orderline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Places order intents with providers at most once, and tells each DeliverID's producer"
    " what became of it.",
)

app.command("demo")(demo)
app.command("chaos")(chaos)
app.command("up")(up)
app.command("gateway")(gateway)
app.command("doctor")(doctor)
app.command("health")(health)
app.command("enqueue")(enqueue)
app.command("list")(list_orders)
app.command("show")(show)
app.command("watch")(watch)
app.command("cancel")(cancel)
app.command("parked")(parked)
app.command("resolve")(decide)
app.add_typer(quarantine.app, name="quarantine")
app.command("reconcile")(reconcile)
app.add_typer(differences.app, name="differences")
app.command("report")(report)
app.add_typer(notifications.app, name="notifications")
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(producers.app, name="producers")
app.add_typer(api_keys.app, name="api-keys")
app.add_typer(operators.app, name="operators")
app.command("accounts")(accounts.accounts)
app.command("pause")(accounts.pause)
app.command("resume")(accounts.resume)
app.command("providers")(providers)
app.command("schema")(schema)
app.command("migrate")(migrate)
app.command("new-key")(new_key)
app.command("setup")(setup)
app.command("rekey")(rekey)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 -- typer calls it with the flag's value
    if wanted:
        typer.echo(f"orderline {version('orderline')}")
        raise typer.Exit


@app.callback()
def front(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """See the help text of ``app``."""
    del show_version


def main() -> None:
    """The installed command. What goes wrong inside is logged as a worker would log it.

    Unconfigured, the logs would go to standard output, and show with each exception what every
    function held: access tokens, and customers' data.
    """
    logs.configure("auto", "warning")
    run()


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command. Errors that a person can mend are one line, never a traceback."""
    try:
        app(arguments)
    except SettingsError as error:
        sys.stderr.write(f"orderline: {error}\n")
        if PLAYGROUND.is_file() and f"{PREFIX}DATABASE_URL" not in os.environ:
            sys.stderr.write(f"What `orderline up` runs here: set -a; . {PLAYGROUND}; set +a\n")
        sys.exit(USAGE_ERROR)
    except OrderlineError as error:
        sys.stderr.write(f"orderline: {error}\n")
        sys.exit(FAILED)
