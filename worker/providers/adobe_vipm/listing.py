"""Looking up an order: Adobe's list of a customer's orders, newest first. Pure.

It has no filter for our reference, so it is read from shortly before the call and compared here
(page "Get order details").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from worker.http import Reply
from worker.lifecycle import Step
from worker.order import Attempted, Ordered
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    InDoubt,
    LookUp,
    NotSent,
)
from worker.providers.adobe_vipm import asking, returns, wire
from worker.providers.reading import document, identifier, objects

PAGE_SIZE: Final = 100
"""The most that one page holds."""
MARGIN: Final = timedelta(minutes=10)
"""How far before the call orders are looked for: clocks differ."""
RETURN_WINDOW: Final = timedelta(days=14)
"""For how long an order can be given back (page "Order scenarios")."""

Listed = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list, and how many orders there are in all."""

    orders: Sequence[Listed]
    total: int


def page_query(order: Ordered, attempt: Attempted, offset: int) -> str:
    """What one page is asked for by.

    The page lists no RETURN among the types that the list can be narrowed to; RETURN orders are
    found by the order they give back. Those by others' hands may be older than our wish.
    """
    gives_back = attempt.step is Step.CANCEL
    since = attempt.opened_at - MARGIN - (RETURN_WINDOW if gives_back else timedelta())
    order_type = sought(order, attempt)
    returned = order.provider_ref if gives_back else asking.intent_of(order).reference_order_id
    return urlencode(
        {
            **({"order-type": order_type} if order_type != "RETURN" else {}),
            **({"reference-order-id": returned} if returned else {}),
            **since_query(since, offset),
        }
    )


def since_query(since: datetime, offset: int) -> dict[str, str | int]:
    """The part of a query that every page has. Left out, the list starts with the term."""
    return {
        "start-date": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "limit": PAGE_SIZE,
        "offset": offset,
    }


def sought(order: Ordered, attempt: Attempted) -> str:
    """The type of the orders that are looked for: a preview leaves none."""
    step = Step.CANCEL if attempt.step is Step.CANCEL else Step.CONFIRM
    return asking.type_of(order, step)


def read_page(reply: Reply, request_ref: str | None) -> Page | NotSent | InDoubt:
    """One page; an order that cannot be read makes all of it unreadable."""
    match reply.status, document(reply):
        case 200, {"totalCount": int(total), "items": list(items)} if (
            type(total) is int
            and total >= 0
            and len(objects(items)) == len(items)
            and all(identifier(item.get("orderId")) for item in items)
        ):
            return Page(items, total)
        case _:
            failure = wire.unread(reply)
            return wire.told(failure, reply, request_ref)


def finding(found: Sequence[Listed], order: Ordered, attempt: Attempted) -> LookUp:
    """What a whole list says of an attempt."""
    seen = Evidence(200, attempt.reference, f"{len(found)} orders read")
    if attempt.step is Step.CANCEL:
        return returns.finding(found, order, seen)
    kind, ref = sought(order, attempt), asking.reference(order)
    ours = [
        one
        for one in found
        if (one.get("orderType"), one.get("externalReferenceId")) == (kind, ref)
    ]
    if any(not _is_what_was_sent(one, order) for one in ours):
        return InDoubt("an order bears our reference and other lines than ours", seen)
    ids = list(dict.fromkeys(str(one["orderId"]) for one in ours))
    if not ids:
        return Absent(seen)
    *surplus, oldest = ids
    return Confirmed(oldest, wire.standing(order, ours[-1]), surplus=tuple(surplus), evidence=seen)


def _is_what_was_sent(listed: Listed, order: Ordered) -> bool:
    """Whether it has our lines: the same numbers, offers and quantities."""
    items = wire.by_number(listed)
    wanted = {
        asking.number_of(line, one): (asking.offer_of(line, one), one.quantity)
        for line, one in asking.wanted_lines(order)
    }
    return wanted == {n: (item.get("offerId"), item.get("quantity")) for n, item in items.items()}
