"""``orderline demo``: the command; ``demo_play`` does what it says, ``demo_screen`` shows it."""

import sys
from pathlib import Path
from typing import Annotated

import pydantic_core
import typer

from worker.cli.local import REDIS_URL, given, needing_extra

_FAILED = 1
_INTERRUPTED = 130


def demo(
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdict as JSON, as the last line.")
    ] = False,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Also wipe Redis and kill a worker, in the middle.")
    ] = False,
    keep_logs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the logs of the workers there.", file_okay=False),
    ] = None,
) -> None:
    """Watch some eighty intents go through simulated providers that do everything wrong.

    Starts real servers for it; ORDERLINE_DATABASE_URL and ORDERLINE_REDIS_URL name others, which
    must be empty. A verdict counts what became of every promise. Ends with 1 if one of
    the promises was broken.

    Example: orderline demo --chaos
    """
    if chaos and given(REDIS_URL):
        raise typer.BadParameter(
            f"it wipes Redis, so not with a {REDIS_URL} of yours", param_hint="--chaos"
        )
    with needing_extra():
        from worker.cli.demo_play import play  # noqa: PLC0415 -- parts of it come with an extra
    try:
        verdict = play(chaos=chaos, keep_logs=keep_logs, on_stderr=as_json)
    except KeyboardInterrupt:
        sys.stderr.write("orderline: interrupted; everything was stopped\n")
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        typer.echo(pydantic_core.to_json(verdict.as_json()))
    if verdict.broken:
        raise typer.Exit(_FAILED)
