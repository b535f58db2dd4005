"""A customer's order history: its filters and its pages, newest first."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from multidict import MultiMapping

from worker.sandbox.remote import Json, Reply
from worker.sandbox.remotes.adobe_vipm.documented import error
from worker.sandbox.remotes.adobe_vipm.order import Order

LIMIT: Final = 25
MAX_LIMIT: Final = 100
TYPES: Final = frozenset({"NEW", "TRANSFER", "RENEWAL"})
"""The types that the page lets one narrow the list to."""

_FILTERS: Final[Mapping[str, Callable[[Order, datetime], set[str]]]] = {
    "order-type": lambda order, _: {order.asked.order_type},
    "status": lambda order, now: {order.status(now)},
    "reference-order-id": lambda order, _: {order.asked.returns},
    "offer-id": lambda order, _: {item.offer_id for item in order.asked.items},
}
"""What of an order is asked for. Several values of one filter are one or another."""
_FIELDS: Final = frozenset(
    {
        "order-type", "reseller-id", "status", "reference-order-id", "offer-id", "start-date",
        "end-date", "limit", "offset", "fetch-price",
    }
)  # fmt: skip


def history(orders: Sequence[Order], query: Mapping[str, str], now: datetime, path: str) -> Reply:
    """One page of those ``orders`` that the query asks for; they come oldest first."""
    if wrong := _wrong(query):
        return error("1132", *wrong)
    wanted = {name: values for name in _FILTERS if (values := set(_values(query, name)))}
    start, end = _moment(query.get("start-date", "")), _moment(query.get("end-date", ""))
    found = [
        one
        for one in reversed(orders)
        if now >= one.listed_at
        and (start is None or one.created_at >= start)
        and (end is None or one.created_at <= end)
        and all(values & _FILTERS[name](one, now) for name, values in wanted.items())
    ]
    limit = min(int(query.get("limit", LIMIT)), MAX_LIMIT)
    offset = int(query.get("offset", 0))
    if offset > len(found):
        return error("1133")
    page = found[offset : offset + limit]
    prices = query.get("fetch-price") == "true"
    links: Json = {"self": _link(path, offset, limit)}
    if offset + limit < len(found):
        links["next"] = _link(path, offset + limit, limit)
    if offset:
        links["prev"] = _link(path, max(offset - limit, 0), limit)
    items = [one.shown(now, prices=prices) for one in page]
    sizes = {"totalCount": len(found), "count": len(page), "offset": offset, "limit": limit}
    return Reply(200, {**sizes, "items": items, "links": links})


def _wrong(query: Mapping[str, str]) -> list[str]:
    wrong = sorted(set(query) - _FIELDS)
    wrong += [name for name in ("limit", "offset") if not query.get(name, "1").isdecimal()]
    if int(query.get("limit", "1") if "limit" not in wrong else 1) < 1:
        wrong.append("limit")
    if not set(_values(query, "order-type")) <= TYPES:
        wrong.append("order-type")
    dates = ("start-date", "end-date")
    return wrong + [name for name in dates if name in query and _moment(query[name]) is None]


def _values(query: Mapping[str, str], name: str) -> list[str]:
    if isinstance(query, MultiMapping):
        return list(query.getall(name, ()))
    return [query[name]] if name in query else []


def _moment(text: str) -> datetime | None:
    """A day, from midnight UTC on, or a moment in Zulu time."""
    for form in ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _link(path: str, offset: int, limit: int) -> Json:
    return {"uri": f"{path}?offset={offset}&limit={limit}", "method": "GET", "headers": []}
