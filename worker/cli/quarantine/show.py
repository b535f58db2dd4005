"""``orderline quarantine show``."""

import asyncio
from typing import Annotated

import typer
from rich.text import Text

from schemas.orders import stamp
from schemas.quarantine import NoticeView, QuarantineStory
from worker.cli.output import Cell, Json, print_json, print_pairs, printable, say
from worker.cli.quarantine.chosen import find_entry
from worker.cli.quarantine.mend import readable
from worker.cli.quarantine.options import AsArrived, Name
from worker.cli.session import opened
from worker.store.views_quarantine import entry_story, kept


def show(
    name: Name,
    *,
    body: Annotated[
        bool, typer.Option("--body", help="Also what it says, which may be personal.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Only what it says, byte for byte, to be redirected.")
    ] = False,
    as_arrived: AsArrived = False,
    as_json: Json = False,
) -> None:
    """Tell everything about one entry: who sent it, what is wrong with it, what was decided.

    Example: orderline quarantine show 01a204c6 --raw > intent.json
    """
    if raw and (body or as_json):
        raise typer.BadParameter("it writes nothing else", param_hint="--raw")
    if as_arrived and not (raw or body):
        raise typer.BadParameter("it goes with --body or --raw", param_hint="--as-arrived")
    if raw:
        typer.echo(asyncio.run(_text(name, as_arrived=as_arrived)), nl=False)
        return
    told = asyncio.run(_story(name))
    wanted = body and not told.erased
    text = asyncio.run(_text(name, as_arrived=as_arrived)) if wanted else None
    if as_json:
        said = {} if text is None else {"body": text.decode(errors="replace")}
        print_json(told.model_dump() | said)
    else:
        _tell(told, text)


async def _story(name: str) -> QuarantineStory:
    async with opened() as session:
        entry = await find_entry(session.db, name)
        return await entry_story(session.db, session.vault, entry.quarantine_id)


async def _text(name: str, *, as_arrived: bool) -> bytes:
    async with opened() as session:
        entry = await find_entry(session.db, name)
        text = await kept(session.db, session.vault, entry.quarantine_id)
    return (text.entry if as_arrived else text.newest).raw


def _tell(told: QuarantineStory, text: bytes | None) -> None:
    say(Text(f"Entry {told.quarantine_id}", style="bold"))
    print_pairs(
        [
            ("state", _state(told)),
            ("why", told.why),
            ("order", None if told.order_id is None else str(told.order_id)),
            ("kind", told.kind),
            ("producer", told.producer),
            ("stream", f"{told.stream}, entry {told.entry_id}"),
            ("set aside", stamp(told.at)),
            ("fault", told.fault),
            ("text", _kept_text(told)),
            ("sha256", f"{told.digest} (as it arrived)"),
            *[("told", _told(notice)) for notice in told.notices],
        ]
    )
    if told.erased:
        return
    if text is None:
        say("What it says may be personal: --body shows it, --raw writes its bytes for a file.")
        return
    say("")
    for line in readable(text).decode(errors="replace").splitlines():
        say(f"  {printable(line)}")


def _state(told: QuarantineStory) -> Cell:
    if told.closed_at is None:
        return Text("open", style="yellow")
    return f"{told.decision} {stamp(told.closed_at)} by {told.closed_by}"


def _told(notice: NoticeView) -> str:
    """A notice to the producer, and whether it was acknowledged."""
    said = f"{notice.type} at {notice.url}"
    if notice.acknowledged_at is not None:
        return f"{said}, acknowledged {stamp(notice.acknowledged_at)}"
    if notice.due_at is None:
        return f"{said}, {notice.state} after {notice.tries} tries"
    tried = f" after {notice.tries} tries" if notice.tries else ""
    return f"{said}, not acknowledged{tried}; next try {stamp(notice.due_at)}"


def _kept_text(told: QuarantineStory) -> str:
    if told.erased:
        return "erased: it was closed long ago"
    if told.size is None:
        return "sealed, and no configured key opens it"
    mended = ", as it was mended; --as-arrived for what came" if told.mended else ", as it arrived"
    cut = "" if told.whole else "; only its beginning is kept"
    return f"{told.size} bytes{mended}{cut}"
