"""``orderline notifications list``."""

import asyncio
from typing import Annotated, Final

import typer

from schemas.orders import stamp
from schemas.told import OwedView
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
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table
from worker.cli.session import opened
from worker.store.views_notifications import owed

COLUMNS: Final = (
    Column("id", whole=True),
    Column("at", whole=True),
    Column("producer"),
    Column("DeliverID"),
    Column("no.", right=True),
    Column("type", whole=True),
    Column("state", whole=True),
    Column("tries", right=True),
    Column("last"),
    Column("next"),
)


def listing(  # noqa: PLR0913 -- each is an option of the command
    *,
    ids: Ids = None,
    order: OfOrder = None,
    producer: Producer = None,
    endpoint: Endpoint = None,
    state: State = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """List notifications, newest first: to whom, what became of each, and what it waits for.

    Example: orderline notifications list --producer shop-eu --state exhausted --since 7d
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
    found = asyncio.run(_read(filters, limit))
    if as_json:
        print_json(found)
        return
    print_table(COLUMNS, [row_of(each) for each in found], "No notification fits.")


async def _read(filters: Filters, limit: int) -> list[OwedView]:
    async with opened() as session:
        return await owed(session.db, await filters.sought(session.db), limit=limit)


def row_of(each: OwedView) -> list[Cell]:
    """A notification in the listing's columns."""
    due = None if each.due_at is None else stamp(each.due_at)
    return [
        each.webhook_id,
        stamp(each.at),
        each.producer,
        each.deliver_id or NOTHING,
        str(each.sequence),
        each.type,
        each.state,
        str(each.tries) + (f" (replay {each.replays})" if each.replays else ""),
        each.last or NOTHING,
        each.waits or due or NOTHING,
    ]
