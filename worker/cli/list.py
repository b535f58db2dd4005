"""``orderline list``."""

import asyncio
from typing import Annotated, Final

import typer

from schemas.orders import OrderView
from worker.cli.output import NOTHING, Cell, Column, Json, coloured, left, print_json, print_table
from worker.cli.session import opened
from worker.lifecycle import OrderState
from worker.store import views
from worker.store.views import Wanted

_COLUMNS: Final = (
    Column("order", whole=True),
    Column("intent"),
    Column("producer"),
    Column("provider"),
    Column("state", whole=True),
    Column("delivered", right=True),
    Column("attempts", right=True),
    Column("quote left"),
    Column("next"),
    Column("reason"),
)


def list_orders(
    *,
    state: Annotated[list[OrderState] | None, typer.Option(help="Only in this state.")] = None,
    producer: Annotated[str | None, typer.Option(help="Only of this producer.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only at this provider.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only what should be worked on now, and is not.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List orders, newest first.

    Example: orderline list --state parked --state in_doubt
    """
    wanted = Wanted(states=state or (), producer=producer, provider=provider, overdue=overdue)
    found = asyncio.run(_read(wanted, limit))
    if as_json:
        print_json(found)
    else:
        print_table(_COLUMNS, [_row(order) for order in found], "There are no such orders.")


async def _read(wanted: Wanted, limit: int) -> list[OrderView]:
    async with opened() as session:
        return await views.orders(session.db, wanted, limit=limit)


def _row(order: OrderView) -> list[Cell]:
    return [
        str(order.order_id),
        order.intent_id,
        order.producer,
        f"{order.provider}/{order.account}",
        coloured(order.state),
        f"{order.lines_delivered}/{order.lines}",
        str(order.attempts),
        left(order.quote_left),
        order.brief,
        order.reason or order.parked_reason or NOTHING,
    ]
