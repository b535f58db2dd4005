"""What a RETURN may give back: the rules of the page "Order scenarios"."""

from datetime import datetime, timedelta
from typing import Final

from worker.sandbox.remote import Reply
from worker.sandbox.remotes.adobe_vipm.asked import Asked, Item
from worker.sandbox.remotes.adobe_vipm.documented import error
from worker.sandbox.remotes.adobe_vipm.magic import COMPLETE, RETURNED
from worker.sandbox.remotes.adobe_vipm.order import Order

WINDOW: Final = timedelta(days=14)


def problem_of_return(
    asked: Asked, order: Order | None, customer: str, now: datetime
) -> Reply | None:
    """Why lines of an order cannot be given back; ``None`` where they can."""
    if order is None or order.customer_id != customer:
        return error("2115")
    status = order.status(now)
    if status == RETURNED:
        return error("2118")
    if order.asked.order_type not in {"NEW", "RENEWAL"} or status != COMPLETE:
        return error("2116")
    if now - order.created_at > WINDOW:
        return error("2117")
    for place, item in enumerate(asked.items, start=1):
        if code := _fault(item, order, now):
            return error(code, f"Line Item: {place}, Reason: {code}")
    return None


def _fault(item: Item, order: Order, now: datetime) -> str | None:
    found = [line for line in order.lines if line.item.number == item.number]
    if not found:
        return "2131"
    (line,) = found
    if line.item.offer_id != item.offer_id:
        return "2130"
    if order.remaining(line, now) == 0 or order.line_status(line, now) != COMPLETE:
        return "2133"
    if item.quantity > line.item.quantity:
        return "2132"
    if item.quantity > order.remaining(line, now):
        return "RETURN_QTY_EXCEEDS_REMAINING"
    return None
