"""How commands take the name of an order; what it means is found by ``worker.operating``."""

from typing import Annotated

import typer

from worker.operating.naming import Ambiguous, find_order, only

__all__ = ["Ambiguous", "OrderName", "find_order", "only"]

OrderName = Annotated[
    str,
    typer.Argument(
        metavar="ORDER",
        help="The order's id or its beginning, its intent's id, a DeliverID, our line_ref, or"
        " the provider's reference.",
    ),
]
