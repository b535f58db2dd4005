"""``orderline chaos``: the command; ``chaos_play`` does what it says, ``chaos_screen`` shows it."""

import sys
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import pydantic_core
import typer

from worker.chaos.schedule import WORKERS, Kind
from worker.cli.local import needing_extra

_FAILED = 1
_INTERRUPTED = 130
_SEEDS = 1_000_000
_AGAIN = "may be repeated."

Kinds = list[Kind] | None


def chaos(
    *,
    orders: Annotated[
        int, typer.Option(min=1, help="Intents of their own, beside repeats.")
    ] = 2000,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of troubles and intents; any, if left out.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=9, help="Celery workers.")] = WORKERS,
    only: Annotated[Kinds, typer.Option(metavar="KIND", help=f"Only this kind; {_AGAIN}")] = None,
    without: Annotated[Kinds, typer.Option(metavar="KIND", help=f"Not this kind; {_AGAIN}")] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--for", min=1, help="Stretch submitting, and the troubles, over so long."),
    ] = None,
    keep_logs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep the logs there, also of a clean run."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdict as JSON, and nothing else, on stdout.")
    ] = False,
) -> None:
    """Break everything under load, on a seeded schedule, and audit what became of every order.

    KIND is one of: kill-worker, stop-worker, restart-worker, kill-beat (the processes);
    restart-postgres, crash-postgres, crash-redis, wipe-redis (the servers); blackhole-postgres,
    blackhole-redis (the lines to them); refuse-provider, dark-provider, fail-provider. Calls that
    fail at random, callbacks twice, early and late, repeats and nonsense are always there.

    Then our database, the simulated providers' books and the receivers' notes are held against
    each other. Ends with 1 if a promise was broken, and says how to replay it: one seed is one
    schedule and one set of intents, though not one race.

    It starts servers of its own and destroys them; servers and accounts of yours are never used,
    whatever ORDERLINE_* says.

    Example: orderline chaos --orders 200 --seed 7
    """
    kinds = [kind for kind in only or Kind if kind not in (without or ())]
    chosen = SystemRandom().randrange(_SEEDS) if seed is None else seed
    with needing_extra():
        from worker.chaos.run import Asked  # noqa: PLC0415 -- parts of it come with an extra
        from worker.cli.chaos_play import play  # noqa: PLC0415 -- as above
    asked = Asked(orders=orders, seed=chosen, workers=workers, kinds=kinds, seconds=seconds)
    try:
        told = play(asked, keep_logs=keep_logs)
    except KeyboardInterrupt:
        sys.stderr.write("orderline: interrupted; everything was stopped\n")
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        typer.echo(pydantic_core.to_json(told.as_json()))
    if told.verdict.broken:
        raise typer.Exit(_FAILED)
