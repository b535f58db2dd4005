"""Finding the one thing that a person means by a name."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from schemas.orders import OrderView
from worker.errors import NotFound, OrderlineError
from worker.store import views
from worker.store.session import Database
from worker.store.views_tombstones import buried

Named = TypeVar("Named")


class Ambiguous(OrderlineError):
    """A name fits several things."""


def only(
    found: Sequence[Named], name: str, *, several: str, nothing: str, told: Callable[[Named], str]
) -> Named:
    """The one that was found. Raises ``NotFound`` with ``nothing``, or ``Ambiguous``.

    ``several`` is what they are called, ``told`` says of each which it is.
    """
    match found:
        case []:
            raise NotFound(nothing)
        case [one]:
            return one
        case _:
            candidates = "\n".join(f"  {told(each)}" for each in found)
            raise Ambiguous(f"{name!r} fits several {several}; say which by its id:\n{candidates}")


async def find_order(db: Database, name: str) -> OrderView:
    """The order of that name. Raises ``NotFound``, ``Ambiguous``.

    Of an order that was purged there is nothing to be found, but what is still known is said.
    """
    found = await views.find(db, name)
    if not found and (purged := await buried(db, name)):
        raise NotFound("\n".join(map(str, purged)))
    return only(
        found,
        name,
        several="orders",
        nothing=f"There is no order {name!r}; `orderline list` shows those there are.",
        told=lambda each: (
            f"{each.order_id}  intent {each.intent_id} of {each.producer}, {each.state}"
        ),
    )
