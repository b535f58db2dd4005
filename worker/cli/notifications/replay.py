"""``orderline notifications replay``."""

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from schemas.intents.urls import check_url
from schemas.told import OwedView
from worker.cli.notifications.listing import COLUMNS, row_of
from worker.cli.notifications.options import (
    Endpoint,
    Filters,
    Ids,
    Kind,
    OfOrder,
    Producer,
    Since,
    State,
    Until,
)
from worker.cli.operator import By
from worker.cli.options import Why
from worker.cli.output import Json, print_json, print_table, say
from worker.cli.session import Session, opened
from worker.errors import NotFound
from worker.operating.hand import Hand
from worker.store import redeliveries
from worker.store.deeds import Act
from worker.store.redeliveries import Replay
from worker.store.tables_operators import Via
from worker.store.views_notifications import owed, urls_of

_DECLINED: Final = 1
_LIMIT: Final = 1000

_URL = Annotated[
    str | None,
    typer.Option(
        "--url", help="Send them there from now on: a host that their producer is told at."
    ),
]
_LIMITED = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the oldest.")]
_DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Only say which they are.")]
_YES = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many are replayed.")]


def replay(  # noqa: PLR0913 -- each is an option of the command
    *,
    ids: Ids = None,
    order: OfOrder = None,
    producer: Producer = None,
    endpoint: Endpoint = None,
    state: State = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    limit: _LIMITED = _LIMIT,
    url: _URL = None,
    why: Why = None,
    by: By,
    dry_run: _DRY_RUN = False,
    yes: _YES = False,
    as_json: Json = False,
) -> None:
    """Deliver events once more, whatever became of them: the same webhook-id, a new schedule.

    What was received before holds back no later event; several events of one DeliverID go in
    their order. More than one are replayed after a yes on the terminal, or with --yes.

    Ends with 0 when they are due, 1 when none fits or you said no, 2 when it was called wrongly.

    Example: orderline notifications replay --producer shop-eu --since 2h --state exhausted --yes
    """
    filters = Filters(
        ids=ids,
        order=order,
        producer=producer,
        endpoint=endpoint,
        state=state,
        kind=kind,
        since=since,
        until=until,
    )
    if not filters.given:
        raise typer.BadParameter("say which: --id, --order, --producer, --endpoint, --since, ...")
    found = asyncio.run(_choose(filters, limit, url))
    if not dry_run:
        _agree(found, yes=yes)
        chosen = [each.event_id for each in found]
        deed = Hand(by, Via.COMMAND).deed(
            Act.REPLAYED, about=_about(found), why=why, count=len(found), url=url
        )
        asyncio.run(_replay(Replay(event_ids=chosen, by=by, why=why, url=url, deed=deed)))
    _tell(found, dry_run=dry_run, as_json=as_json)


async def _choose(filters: Filters, limit: int, url: str | None) -> list[OwedView]:
    async with opened() as session:
        sought = await filters.sought(session.db)
        found = await owed(session.db, sought, limit=limit, order="oldest first")
        if not found:
            raise NotFound(
                "No notification fits; `orderline notifications list` shows those there are."
            )
        if url is not None:
            await _check(session, url, {each.producer for each in found})
        return found


def _about(found: Sequence[OwedView]) -> str:
    """What was replayed, as far as it fits: one is named, of many the producers."""
    if len(found) == 1:
        return found[0].webhook_id
    return f"of {', '.join(sorted({each.producer for each in found}))}"


def _tell(found: Sequence[OwedView], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({"replayed": 0 if dry_run else len(found), "notifications": found})
        return
    if dry_run:
        print_table(COLUMNS, [row_of(each) for each in found], "")
    say(f"{len(found)} would be replayed." if dry_run else f"{len(found)} replayed, due now.")


async def _check(session: Session, url: str, producers: set[str]) -> None:
    """Only where the producer is told anyway: a replay must not carry codes to a stranger."""
    refused = check_url(url, session.settings.development_host_set)
    if refused is None and len(producers) > 1:
        refused = f"those chosen are of several producers: {', '.join(sorted(producers))}"
    if refused is None:
        [producer] = producers
        hosts = {urlsplit(each).netloc.lower() for each in await urls_of(session.db, producer)}
        if urlsplit(url).netloc.lower() not in hosts:
            refused = f"{producer} is not told at that host"
    if refused is not None:
        raise typer.BadParameter(refused, param_hint="--url")


def _agree(found: Sequence[OwedView], *, yes: bool) -> None:
    if yes or len(found) == 1:
        return
    counts = Counter(each.state for each in found)
    many = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"{len(found)} fit: {many}. --yes goes ahead", param_hint="--yes")
    if not typer.confirm(f"{len(found)} fit: {many}. Replay?", err=True):
        typer.echo("Nothing was replayed.", err=True)
        raise typer.Exit(_DECLINED)


async def _replay(wanted: Replay) -> None:
    async with opened() as session:
        await redeliveries.replay(session.db, wanted)
