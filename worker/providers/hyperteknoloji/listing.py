"""Finding our lines in a tenant's order list: the only way to ask about a call without answer.

No look-up by ``DeliverID`` is documented, and the list's page is not public. So its shape is
assumed and read generously, and what it does *not* show proves nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from schemas import jsontext
from worker.http import Reply
from worker.lifecycle import LineState
from worker.order import Ordered
from worker.outcome import Absent, Confirmed, Evidence, InDoubt, LineReport, LookUp, NotSent
from worker.providers.hyperteknoloji.errors import unasked
from worker.providers.hyperteknoloji.wire import Pricing, asked_by, read_json, request_ref, told
from worker.providers.paging import reaches_back as ends_before
from worker.providers.reading import amount, identifier, moment, objects

PAGE_SIZE: Final = 100
LIST_MARGIN: Final = timedelta(hours=1)
"""How much further back than the attempt the order list is read: clocks differ."""

_PLACED_AT: Final = ("createdate", "createddate", "createdat", "orderdate", "date")
"""What a listed order's time may be called; the page is not public, so all are assumed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line in the order list, as far as it could be read."""

    line_ref: str | None
    order_id: str | None
    detail_id: str | None
    placed_at: datetime | None
    price: Decimal | None = None
    """That a row carries it, and that it means what it means in a create answer, is assumed."""
    quantity: int | None = None
    status: int | str | None = None
    """That a row carries it, and in the numbers of the detail, is assumed."""


def page_body(page: int) -> bytes:
    """The body that asks for one page of our orders."""
    return jsontext.canonical({"page": page, "pageSize": PAGE_SIZE})


def read_page(reply: Reply, order: Ordered) -> list[Row] | NotSent | InDoubt:
    """One page of the order list. Its shape is assumed, so it is read generously."""
    rows = rows_of(reply)
    return told(unread(reply), reply, order) if rows is None else rows


def rows_of(reply: Reply) -> list[Row] | None:
    """The lines of one page, if it is one."""
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": data} if (entries := _listing(data)) is not None:
            return [row for entry in entries for row in _rows(entry, None, None)]
        case _:
            return None


def unread(reply: Reply) -> NotSent | InDoubt:
    """What an answer says that is no page."""
    doubt = InDoubt(f"the order list is unreadable (HTTP {reply.status})")
    return unasked(reply) or doubt


def reaches_back(page: Sequence[Row], opened_at: datetime) -> bool:
    """Whether a page, newest first, ends before anything that was ordered at ``opened_at``."""
    return ends_before((row.placed_at for row in page), opened_at - LIST_MARGIN)


def all_found(rows: Iterable[Row], order: Ordered) -> bool:
    """Whether every line of the order is in the list."""
    return {line.line_ref for line in order.lines} <= {row.line_ref for row in rows}


def seen(rows: Sequence[Row], order: Ordered) -> Evidence:
    """What a person may know of a look-up; the pages themselves hold other orders."""
    return Evidence(200, request_ref(order), f"{len(rows)} lines of the order list were read")


def finding(rows: Sequence[Row], order: Ordered, pricing: Pricing) -> LookUp:
    """What the whole list, as far back as it matters, says about an order.

    Where a basket is there more than once, the oldest is ours and the others are ``surplus``.
    """
    refs = {line.line_ref for line in order.lines}
    baskets: dict[str | None, dict[str | None, Row]] = {}
    for row in rows:
        if row.line_ref in refs:
            baskets.setdefault(row.order_id, {})[row.line_ref] = row
    found = set().union(*baskets.values())
    whole = [name for name, basket in baskets.items() if name and len(basket) == len(refs)]
    problem = None
    if rows and all(row.line_ref is None for row in rows):
        problem = "the order list carries no DeliverID"
    elif not found:
        return Absent(seen(rows, order))
    elif found < refs:
        problem = f"only part of the order is listed: {len(found)} of {len(refs)} lines"
    elif not whole:
        problem = "the listed lines are not of one order"
    if problem:
        return InDoubt(problem, seen(rows, order))
    oldest = whole[-1]
    surplus = tuple(name for name in baskets if name and name != oldest)
    return _found(oldest, baskets[oldest], order, pricing, surplus, seen(rows, order))


def _found(
    order_id: str,
    basket: Mapping[str | None, Row],
    order: Ordered,
    pricing: Pricing,
    surplus: tuple[str, ...],
    evidence: Evidence,
) -> Confirmed:
    reports = tuple(
        LineReport(
            line.line_ref,
            LineState.ACCEPTED,
            provider_line_ref=basket[line.line_ref].detail_id,
            price=pricing.of_line(basket[line.line_ref].price, wanted.quantity),
        )
        for line, wanted in asked_by(order)
    )
    return Confirmed(order_id, reports, pricing.total(reports), surplus=surplus, evidence=evidence)


def _listing(data: Any) -> list[Any] | None:
    """The list in a page, whatever its field is called."""
    values = data.values() if isinstance(data, dict) else [data]
    lists = [value for value in values if isinstance(value, list)]
    if not lists or not all(isinstance(entry, dict) for entry in lists[0]):
        return None
    return lists[0]


def _rows(
    entry: Mapping[str, Any], order_id: str | None, placed_at: datetime | None
) -> Iterator[Row]:
    """The lines in one entry, which is a line itself or an order that holds lines."""
    order_id = identifier(entry.get("orderid")) or order_id
    times = (moment(entry.get(name)) for name in _PLACED_AT)
    placed_at = next((time for time in times if time is not None), placed_at)
    inner = [one for value in entry.values() for one in objects(value) if "deliverid" in one]
    if "deliverid" in entry or not inner:
        ref, detail = identifier(entry.get("deliverid")), identifier(entry.get("orderdetailid"))
        price, quantity = amount(entry.get("price")), entry.get("quantity")
        status = entry.get("status")
        yield Row(
            line_ref=ref,
            order_id=order_id,
            detail_id=detail,
            placed_at=placed_at,
            price=price,
            quantity=quantity if type(quantity) is int and quantity > 0 else None,
            status=status if type(status) in {int, str} else None,
        )
        return
    for one in inner:
        yield from _rows(one, order_id, placed_at)
