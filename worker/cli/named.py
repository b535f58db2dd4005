"""Finding the one order that a person means."""

from typing import Annotated

import typer

from schemas.orders import OrderView
from worker.errors import NotFound, OrderlineError
from worker.store import views
from worker.store.session import Database
from worker.store.views_tombstones import buried

OrderName = Annotated[
    str,
    typer.Argument(
        metavar="ORDER",
        help="The order's id or its beginning, its intent's id, a DeliverID, our line_ref, or"
        " the provider's reference.",
    ),
]


class Ambiguous(OrderlineError):
    """A name fits several orders."""


async def find_order(db: Database, name: str) -> OrderView:
    """The order of that name. Raises ``NotFound``, ``Ambiguous``.

    Of an order that was purged there is nothing to be found, but what is still known is said.
    """
    match await views.find(db, name):
        case []:
            purged = await buried(db, name)
            if purged:
                raise NotFound("\n".join(map(str, purged)))
            raise NotFound(f"There is no order {name!r}; `orderline list` shows those there are.")
        case [order]:
            return order
        case found:
            candidates = "\n".join(
                f"  {order.order_id}  intent {order.intent_id} of {order.producer}, {order.state}"
                for order in found
            )
            raise Ambiguous(f"{name!r} fits several orders; say which by its id:\n{candidates}")
