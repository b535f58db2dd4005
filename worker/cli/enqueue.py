"""``orderline enqueue``."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Final

import pydantic_core
import typer
from rich.text import Text

from worker.cli.handover import Handed, Verdict, hand_over
from worker.cli.output import printable, say
from worker.cli.session import opened, opened_redis
from worker.cli.sources import Source, read_sources

_COLOURS: Final = {
    Verdict.ACCEPTED: "green",
    Verdict.REPEATED: "cyan",
    Verdict.QUEUED: "yellow",
    Verdict.REFUSED: "red",
}


def enqueue(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="JSON: one intent, one a line, or an array. - is standard input.",
        ),
    ],
    *,
    producer: Annotated[
        str | None, typer.Option(help="Who asks, for intents that do not say so themselves.")
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a worker to take the intents in.")
    ] = 5.0,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="The same as --wait 0.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object for each intent.")
    ] = False,
) -> None:
    """Check intents and put the good ones on their producer's stream.

    Says what became of each: accepted (with its order), repeated (same content: the order there
    is), refused (where and why; never sent), or queued, when no worker took it in meanwhile.
    Ends with 1 if any was refused.

    Example: orderline enqueue deploy/examples/gifthub.json
    """
    sources = read_sources(files)
    handed = asyncio.run(_hand_over(sources, producer, 0.0 if no_wait else wait))
    for each in handed:
        if as_json:
            typer.echo(pydantic_core.to_json(asdict(each), exclude_none=True))
        else:
            _say(each)
    if any(each.verdict is Verdict.REFUSED for each in handed):
        raise typer.Exit(1)


async def _hand_over(sources: list[Source], producer: str | None, wait: float) -> list[Handed]:
    async with opened() as session, opened_redis(session.settings) as redis:
        return await hand_over(session, redis, sources, producer=producer, wait=wait)


def _say(handed: Handed) -> None:
    intent = "" if handed.intent_id is None else f"  {handed.producer} {handed.intent_id}"
    verdict = Text(f"{handed.verdict:<8}", style=_COLOURS[handed.verdict])
    say(verdict + Text(printable(f"  {handed.source}{intent}  {_told(handed)}")))


def _told(handed: Handed) -> str:
    match handed.verdict:
        case Verdict.ACCEPTED:
            return f"order {handed.order_id}"
        case Verdict.REPEATED:
            return f"the same as order {handed.order_id}" if handed.order_id else "said above"
        case Verdict.QUEUED:
            waited = f"; no worker took it in within {handed.waited:g} s" if handed.waited else ""
            return f"entry {handed.entry_id}{waited}"
        case Verdict.REFUSED:
            place = f"{handed.path}: " if handed.path else ""
            return f"{place}{handed.detail} ({handed.code})"
