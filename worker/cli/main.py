"""The command's front: its sub-commands, and what a person sees when something is wrong."""

import sys

import typer

from worker.errors import OrderlineError, SettingsError

USAGE_ERROR = 2
FAILED = 1

app = typer.Typer(
    name="orderline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Places order intents with providers at most once, and tells each DeliverID's producer"
    " what became of it.",
)


def main() -> None:
    """Run a command. Errors that a person can mend are one line, never a traceback."""
    try:
        app()
    except SettingsError as error:
        sys.stderr.write(f"orderline: {error}\n")
        sys.exit(USAGE_ERROR)
    except OrderlineError as error:
        sys.stderr.write(f"orderline: {error}\n")
        sys.exit(FAILED)
