"""``orderline quarantine replay``."""

import asyncio
from typing import Annotated

import typer

from worker.cli.operator import By
from worker.cli.options import Why
from worker.cli.quarantine.again import Again, Mending
from worker.cli.quarantine.chosen import agree, choose
from worker.cli.quarantine.options import (
    AsArrived,
    AtMost,
    Codes,
    Filters,
    JsonLines,
    Kind,
    Names,
    Producer,
    Since,
    Yes,
)
from worker.cli.quarantine.told import Teller
from worker.store.quarantine import Decided

_PUT = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Put a value where a fault's path says; JSON, else text. Several may be given.",
    ),
]
_TAKE = Annotated[
    list[str] | None,
    typer.Option("--unset", metavar="PATH", help="Take away what is there, after every --set."),
]
_WITH = Annotated[
    str | None,
    typer.Option(
        "--with", metavar="FILE", help="Take this in instead, for one entry; - is standard input."
    ),
]
_EDIT = Annotated[
    bool, typer.Option("--edit", help="Mend the text of one entry in $VISUAL or $EDITOR.")
]
_DRY_RUN = Annotated[
    bool, typer.Option("--dry-run", help="Only say what each would come to, by itself.")
]


def replay(  # noqa: PLR0913 -- each is an option of the command
    names: Names = None,
    *,
    with_file: _WITH = None,
    put: _PUT = None,
    take: _TAKE = None,
    in_editor: _EDIT = False,
    as_arrived: AsArrived = False,
    dry_run: _DRY_RUN = False,
    why: Why = None,
    by: By,
    producer: Producer = None,
    code: Codes = None,
    kind: Kind = None,
    since: Since = None,
    limit: AtMost = None,
    yes: Yes = False,
    as_json: JsonLines = False,
) -> None:
    """Take entries in again: as they are (what was in their way may be gone), or mended.

    Each is read as strictly as the first time, in one commit with the order it becomes. One that
    is faulty still stays open, with its new fault; what you made of it is kept, and the next replay
    goes on from there. What arrived is kept, whatever happens. Name entries by their ids, or choose
    among the open ones by filters: then --yes is needed, or a yes on the terminal.

    Ends with 0 when each was taken in, 1 when one was not (still faulty, nothing there to change,
    decided about before, or sealed with a missing key), 2 when it was called wrongly.

    Example: orderline quarantine replay 01a204c6 --set lines[0].quantity=2 --unset lines[0].qty
    """
    mending = Mending.asked(with_file, put or (), take or (), in_editor=in_editor)
    filters = Filters(producer=producer, codes=code, kind=kind, since=since, limit=limit)
    entries = choose(names, filters)
    if mending.is_for_one and len(entries) != 1:
        raise typer.BadParameter(f"--with and --edit mend one entry; {len(entries)} are meant")
    if entries and not (names or yes or dry_run):
        agree("Replay", entries)
    teller = Teller(as_json=as_json, dry_run=dry_run)
    again = Again(
        mend=mending.ready(entries, as_arrived=as_arrived),
        decided=Decided(by=by, why=why),
        as_arrived=as_arrived,
        dry_run=dry_run,
    )
    asyncio.run(again.take_in(entries, teller))
    teller.end()
