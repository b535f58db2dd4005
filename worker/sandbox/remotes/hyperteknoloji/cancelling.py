"""Calling an order off, which is possible until it is delivered.

That the page exists and that it is for orders before their delivery is documented; its body is
not public. Assumed: it names one order (``OrderID``) or one line (``OrderDetailID``), all of it or
nothing is called off, and what has ended already is refused under HTTP 400.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from worker.sandbox.remotes.hyperteknoloji.basket import Line, folded
from worker.sandbox.remotes.hyperteknoloji.magic import CANCELLED, DELIVERED


def named(body: Any, lines: Iterable[Line]) -> list[Line] | str:
    """The lines that a cancelling call is about, or what is wrong with it."""
    match folded(body):
        case {"orderid": int(order_id), **rest} if type(order_id) is int and not rest:
            found = [line for line in lines if line.order_id == order_id]
        case {"orderdetailid": int(detail_id), **rest} if type(detail_id) is int and not rest:
            found = [line for line in lines if line.detail_id == detail_id]
        case _:
            return "OrderID or OrderDetailID must be an integer, and nothing else"
    return found or "Order not found"


def refusal(lines: Iterable[Line], now: datetime) -> str | None:
    """Why these lines cannot be called off."""
    standings = {line.status(now) for line in lines}
    if DELIVERED in standings:
        return "A delivered order cannot be cancelled"
    return "The order is already cancelled" if standings == {CANCELLED} else None
