"""``orderline show``."""

import asyncio
from typing import Annotated

import typer

from schemas.orders import OrderStory, OrderView
from worker.cli.output import Json, print_json
from worker.cli.session import opened
from worker.cli.story import tell
from worker.errors import NotFound, OrderlineError
from worker.store import views
from worker.store.views_story import story


class Ambiguous(OrderlineError):
    """A name fits several orders."""


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="ORDER",
            help="The order's id or its beginning, its intent's id, a DeliverID, our line_ref, or"
            " the provider's reference.",
        ),
    ],
    *,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the personal data in the intent, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell the whole story of one order: asked, tried, delivered, told, and what happens next.

    Delivered codes are never shown, only counted.

    Example: orderline show 100045-1
    """
    told = asyncio.run(_read(name, reveal=reveal))
    if as_json:
        print_json(told)
    else:
        tell(told)


async def _read(name: str, *, reveal: bool) -> OrderStory:
    async with opened() as session:
        order = _only(name, await views.find(session.db, name))
        return await story(session.db, session.vault, order.order_id, reveal=reveal)


def _only(name: str, found: list[OrderView]) -> OrderView:
    match found:
        case []:
            raise NotFound(f"There is no order {name!r}; `orderline list` shows those there are.")
        case [order]:
            return order
        case _:
            candidates = "\n".join(
                f"  {order.order_id}  intent {order.intent_id} of {order.producer}, {order.state}"
                for order in found
            )
            raise Ambiguous(f"{name!r} fits several orders; say which by its id:\n{candidates}")
