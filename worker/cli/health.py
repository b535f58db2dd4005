"""``orderline health``: a probe's question, answered in a moment by an exit code."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

import typer

from schemas.orders import span
from worker.cli.output import (
    NOTHING,
    Cell,
    Column,
    Json,
    print_json,
    print_table,
    printable,
    say,
    verdict,
)
from worker.cli.probe import (
    Seen,
    look_at_beat,
    look_at_installation,
    look_at_loops,
    look_at_workers,
)
from worker.health.finding import Finding, Level
from worker.settings import Settings, load_settings

_Look = Callable[[Settings, float], Coroutine[Any, Any, Seen]]

_UNHEALTHY: Final = 1
_COLUMNS: Final = (
    Column("check", whole=True),
    Column("found"),
    Column("limit", right=True, whole=True),
    Column("verdict", whole=True),
)


def health(
    *,
    worker: Annotated[
        bool, typer.Option("--worker", help="Only whether the workers of this host move.")
    ] = False,
    loop: Annotated[
        bool, typer.Option("--loop", help="Only whether their loops turn: asks no server.")
    ] = False,
    beat: Annotated[bool, typer.Option("--beat", help="Only whether beat rings.")] = False,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds; what does not answer by then is not well.")
    ] = 5.0,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing: the exit code is the answer.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say whether due work moves: for probes and monitors.

    Ends with 0 when what was asked about is well, else with 1.

    Looks at ages, not at processes: the longest overdue order and notification, the oldest intent
    not taken in, the last sweep. With --worker it is one host's workers that are judged: whether
    their loop turns, their streams can be read, and their pumps look while something is due. With
    --loop only the first of these, which a restart mends: an outage of a server it does not.

    Example: orderline health --worker --timeout 3
    """
    if worker + beat + loop > 1:
        raise typer.BadParameter("--worker, --loop and --beat are different questions: ask one")
    look = _question(worker=worker, beat=beat, loop=loop)
    tell = _tell_nobody if quiet else _tell_programs if as_json else _tell_people
    if not asyncio.run(_answer(look(load_settings(), timeout), tell)):
        raise typer.Exit(_UNHEALTHY)


def _question(*, worker: bool, beat: bool, loop: bool) -> _Look:
    if loop:
        return look_at_loops
    return look_at_workers if worker else look_at_beat if beat else look_at_installation


async def _answer(look: Coroutine[Any, Any, Seen], tell: Callable[[Seen], None]) -> bool:
    seen = await look
    tell(seen)
    if seen.late:
        # A server that is silent would be waited for again while its connection is closed.
        sys.stdout.flush()
        os._exit(0 if seen.healthy else _UNHEALTHY)
    return seen.healthy


def _tell_nobody(_: Seen) -> None:
    """Only the exit code tells."""


def _tell_programs(seen: Seen) -> None:
    print_json({"healthy": seen.healthy, "checks": [each.for_programs() for each in seen.findings]})


def _tell_people(seen: Seen) -> None:
    print_table(_COLUMNS, [_row(each) for each in seen.findings], "")
    for each in seen.findings:
        if each.level is Level.FAIL and each.advice:
            say(printable(f"{each.check}: {each.advice}"))


def _row(finding: Finding) -> Sequence[Cell]:
    limit = NOTHING if finding.limit is None else span(timedelta(seconds=finding.limit))
    return finding.check, finding.said, limit, verdict(finding.level)
