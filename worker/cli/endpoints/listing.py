"""``orderline endpoints`` alone, and ``list``: where notifications go, and whether they arrive."""

import asyncio
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.text import Text

from schemas.endpoints import EndpointView
from schemas.orders import distance, stamp
from worker.cli.options import refuse_options
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table
from worker.cli.session import opened
from worker.store.views_endpoints import Reached, endpoints


class State(StrEnum):
    """How an endpoint stands."""

    OK = "ok"
    """It acknowledges, or nothing was sent there yet."""
    FAILING = "failing"
    """What was sent there last failed; it is tried again."""
    RESTING = "resting"
    """It asked for some time without deliveries."""
    DISABLED = "disabled"
    """Nothing is sent there until somebody enables it."""


_COLUMNS: Final = (
    Column("state", whole=True),
    Column("producer", whole=True),
    Column("url"),
    Column("failing since", whole=True),
    Column("failures", right=True),
    Column("waiting", right=True),
    Column("oldest", whole=True),
    Column("last delivered", whole=True),
)
_STYLES: Final = {"failing": "yellow", "resting": "yellow", "disabled": "bold red"}
_NOTHING: Final = "There is no such endpoint; `orderline producers list` shows who is registered."

Producer = Annotated[str | None, typer.Option(help="Only of this producer.")]
InState = Annotated[State | None, typer.Option("--state", help="Only those that stand so.")]
AtMost = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]


def listing(
    ctx: typer.Context,
    *,
    producer: Producer = None,
    state: InState = None,
    limit: AtMost = 50,
    as_json: Json = False,
) -> None:
    """List the endpoints that notifications go to, those in trouble first.

    An endpoint is a producer's URL without its query. One that fails is tried a little; one that
    did nothing but fail for days, or answered 410, is disabled: what it is owed waits until
    `orderline endpoints enable`.

    Example: orderline endpoints --state disabled
    """
    if ctx.invoked_subcommand is not None:
        refuse_options(ctx)
        return
    _list(Reached(producer=producer, state=state), limit, as_json=as_json)


def list_endpoints(
    *,
    producer: Producer = None,
    state: InState = None,
    limit: AtMost = 50,
    as_json: Json = False,
) -> None:
    """List the endpoints: the same as `orderline endpoints` alone.

    Example: orderline endpoints list --producer shop-eu
    """
    _list(Reached(producer=producer, state=state), limit, as_json=as_json)


def _list(reached: Reached, limit: int, *, as_json: bool) -> None:
    found = asyncio.run(_read(reached, limit))
    if as_json:
        print_json(found)
    else:
        print_table(_COLUMNS, [_row(each) for each in found], _NOTHING)


async def _read(reached: Reached, limit: int) -> list[EndpointView]:
    async with opened() as session:
        return await endpoints(session.db, reached, limit=limit)


def _row(each: EndpointView) -> list[Cell]:
    state = f"{each.state} ({each.disabled_because})" if each.disabled_because else each.state
    return [
        Text(state, style=_STYLES.get(each.state, "")),
        each.producer,
        each.url,
        NOTHING if each.failing_since is None else stamp(each.failing_since),
        str(each.failures),
        str(each.waiting),
        NOTHING if each.oldest_at is None else distance(each.oldest_at, each.as_of),
        NOTHING if each.delivered_at is None else stamp(each.delivered_at),
    ]
