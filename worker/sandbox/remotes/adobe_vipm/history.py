"""A customer's order history: its filters and its pages, newest first."""

from collections.abc import Mapping, Sequence
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
    found = [one for one in reversed(orders) if _matches(one, query, now)]
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


def _matches(order: Order, query: Mapping[str, str], now: datetime) -> bool:
    """All that is asked for at once; several values of one filter are one or another."""
    has = {
        "order-type": {order.asked.order_type},
        "status": {order.status(now)},
        "reference-order-id": {order.asked.returns},
        "offer-id": {item.offer_id for item in order.asked.items},
    }
    wanted = {name: set(_values(query, name)) for name in has}
    start, end = _moment(query.get("start-date", "")), _moment(query.get("end-date", ""))
    return (
        now >= order.listed_at
        and all(not values or values & has[name] for name, values in wanted.items())
        and (start is None or order.created_at >= start)
        and (end is None or order.created_at <= end)
    )


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
