"""Finding the one order that a person means."""

from typing import Annotated

import typer

from schemas.orders import OrderView
from worker.errors import NotFound, OrderlineError
from worker.store import views
from worker.store.session import Database

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
    """The order of that name. Raises ``NotFound``, ``Ambiguous``."""
    match await views.find(db, name):
        case []:
            raise NotFound(f"There is no order {name!r}; `orderline list` shows those there are.")
        case [order]:
            return order
        case found:
            candidates = "\n".join(
                f"  {order.order_id}  intent {order.intent_id} of {order.producer}, {order.state}"
                for order in found
            )
            raise Ambiguous(f"{name!r} fits several orders; say which by its id:\n{candidates}")
