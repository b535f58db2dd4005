"""Threekit's JSON, both ways, as pure functions.

``items`` is never sent: data of a wrong shape there is taken in silence and leaves an empty cart.
For the same reason a yes is only a yes with our key and every line in the cart that came back.
What the public pages leave open, and this module had to assume, says "assumed".
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

from schemas import jsontext
from schemas.intents.threekit import LINE_KEY, ORDER_KEY, ThreekitIntent, ThreekitLine
from worker.http import Reply
from worker.lifecycle import TERMINAL_LINES, LineState
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Confirmed,
    InDoubt,
    LineReport,
    NotSent,
    Outcome,
    Pending,
)
from worker.providers.asked import each_line, intent_of, personal_in
from worker.providers.reading import document, evidence, identifier, known_by, objects, words
from worker.providers.threekit.errors import Failures, of_reading

ORDERS: Final = "/api/orders"
PLACED_STATUS: Final = "New"
"""Sent with every order: left out it is "New" too, but Threekit's own SDK defaults to a list."""

KEPT: Final = frozenset(
    {
        "id", "shortid", "status", "createdat", "updatedat", "configurationid", "count",
        ORDER_KEY.lower(), LINE_KEY.lower(), "message", "error",
    }
)  # fmt: skip
"""The fields of an answer a person may read: none holds a token or what a customer wrote."""

_COMPLETE: Final = "Complete"
_UNDER_WAY: Final = frozenset({"New", "In Progress"})
_DRAFTS: Final = frozenset({"List", "In Cart"})
_SUCCESS: Final = range(200, 300)
"""Which of them says that an order was created is not public (assumed: any)."""

_Told = TypeVar("_Told", Outcome, NotSent | InDoubt)


def order_key(order: Ordered) -> str:
    """Our key there: the same over every try, so that whatever came of any is found by it."""
    return order.order_id.hex


def create_body(order: Ordered, org_id: str | None) -> bytes:
    """What creating an order says."""
    intent = _intent(order)
    body: dict[str, Any] = {
        "platform": platform_of(order),
        "metadata": {**intent.metadata, ORDER_KEY: order_key(order)},
        "status": PLACED_STATUS,
        "cart": [
            {
                "configurationId": wanted.configuration_id,
                "count": wanted.quantity,
                "metadata": {**wanted.metadata, LINE_KEY: line.line_ref},
            }
            for line, wanted in _wanted(order)
        ],
    }
    named = {
        "name": intent.name,
        "customerId": intent.customer_id,
        "originOrgId": intent.origin_org_id,
        "orgId": org_id,
    }
    said = {name: value for name, value in named.items() if value is not None}
    return jsontext.canonical(body | said)


def platform_said(order: Ordered) -> str:
    """The order's whole ``platform``, as it is sent."""
    return jsontext.canonical(platform_of(order)).decode()


def list_path(platform: str, org_id: str | None, page: int | None, per_page: int) -> str:
    """Asks for the orders of a ``platform``, the whole object as it was sent.

    The first page is asked for without its number: whether it is 0 or 1 is not public.
    """
    return ORDERS + _query(platform=platform, orgId=org_id, page=page, perPage=per_page)


def check_path(org_id: str | None) -> str:
    """Asks for one order, whichever."""
    return ORDERS + _query(orgId=org_id, perPage=1)


def order_path(order_id: str) -> str:
    """Asks for one order by its id."""
    return f"{ORDERS}/{quote(order_id, safe='')}"


def read_created(
    reply: Reply, order: Ordered, failures: Failures, *, until_complete: bool
) -> Outcome:
    """What creating came to. A yes is any 2xx with an id, our key, and the whole cart."""
    outcome: Outcome
    match reply.status in _SUCCESS, document(reply):
        case False, _:
            outcome = failures.of_creating(reply)
        case True, {"id": _} as answer if bears_our_key(answer, order):
            outcome = recorded(answer, order, until_complete=until_complete)
        case _:
            outcome = InDoubt(f"HTTP {reply.status} without an order that is ours")
    return told(outcome, reply, order)


def read_polled(reply: Reply, order: Ordered, *, until_complete: bool) -> Outcome:
    """Where a recorded order stands."""
    outcome: Outcome
    match reply.status, document(reply):
        case 200, {"id": got, "status": str()} as answer if identifier(
            got
        ) == order.provider_ref and not _bears_anothers_key(answer, order):
            outcome = _standing(answer, order, until_complete=until_complete)
        case _:
            outcome = of_reading(reply, "the order")
    return told(outcome, reply, order)


def recorded(
    answer: Mapping[Any, Any], order: Ordered, *, until_complete: bool
) -> Confirmed | InDoubt:
    """What an order there that bears our key says of the call that made it."""
    order_id, found = identifier(answer.get("id")), held(answer, order)
    if order_id is None:
        return InDoubt("recorded, without a readable id")
    if found < len(order.lines):
        return InDoubt(f"recorded, with {found} of {len(order.lines)} lines in its cart")
    return Confirmed(order_id, _reports(answer, order, until_complete=until_complete))


def bears_our_key(answer: Mapping[Any, Any], order: Ordered) -> bool:
    """Whether an order there is ours."""
    texts = answer.get("metadata")
    return isinstance(texts, dict) and texts.get(ORDER_KEY) == order_key(order)


def _bears_anothers_key(answer: Mapping[Any, Any], order: Ordered) -> bool:
    """Whether it is another order of ours: a person may have named the wrong one."""
    texts = answer.get("metadata")
    ours = order_key(order)
    return isinstance(texts, dict) and texts.get(ORDER_KEY, ours) != ours


def held(answer: Mapping[Any, Any], order: Ordered) -> int:
    """How many of our lines are in an order's cart as they were asked for."""
    cart = set(map(_entry, objects(answer.get("cart"))))
    return sum(
        (line.line_ref, wanted.configuration_id, wanted.quantity) in cart
        for line, wanted in _wanted(order)
    )


def platform_of(order: Ordered) -> dict[str, str]:
    """The order's ``platform``, with the keys in lower case as live clients send them."""
    said = _intent(order).platform
    return {"id": said.id, "platform": said.platform, "storeName": said.store_name}


def told(outcome: _Told, reply: Reply, order: Ordered) -> _Told:
    """The outcome with what was said, and with the key that the order is to be found by."""
    return replace(outcome, evidence=evidence(reply, order_key(order), KEPT, personal_in(order)))


def not_answered(outcome: NotSent | InDoubt, order: Ordered) -> NotSent | InDoubt:
    """A call without an answer, with the key that the order is to be found by."""
    return known_by(order_key(order), outcome)


def _standing(
    answer: Mapping[Any, Any], order: Ordered, *, until_complete: bool
) -> Confirmed | Pending:
    reports = _reports(answer, order, until_complete=until_complete)
    if order.provider_ref and all(report.state in TERMINAL_LINES for report in reports):
        return Confirmed(order.provider_ref, reports)
    return Pending(order.provider_ref, reports)


def _reports(
    answer: Mapping[Any, Any], order: Ordered, *, until_complete: bool
) -> tuple[LineReport, ...]:
    """The lines of one order stand where it stands."""
    state, reason = _state(answer.get("status")) if until_complete else (LineState.DELIVERED, None)
    short_id = identifier(answer.get("shortId"))
    details = {"short_id": short_id} if short_id else {}
    return tuple(
        LineReport(line.line_ref, state, reason=reason, details=details) for line in order.lines
    )


def _state(status: Any) -> tuple[LineState, str | None]:
    """What a status says where the work is waited for; there is none for work that failed."""
    if status == _COMPLETE:
        return LineState.DELIVERED, None
    said = words(status)
    if said in _UNDER_WAY:
        return LineState.ACCEPTED, None
    kind = "a draft" if said in _DRAFTS else "in an unknown status"
    return LineState.ACCEPTED, f"the order is {kind} there: {said!r}"


def stands(status: Any, *, until_complete: bool) -> LineState | None:
    """Where a recorded order stands; ``None`` where its status is waited for, and unknown."""
    if not until_complete or status == _COMPLETE:
        return LineState.DELIVERED
    return LineState.ACCEPTED if words(status) in _UNDER_WAY | _DRAFTS else None


def _entry(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """A cart entry, as far as it can be held against what was asked."""
    texts = entry.get("metadata")
    ref = texts.get(LINE_KEY) if isinstance(texts, dict) else None
    count = entry.get("count")
    whole = count if type(count) is int else None
    return identifier(ref), identifier(entry.get("configurationId")), whole


def _query(**fields: str | int | None) -> str:
    said = {name: value for name, value in fields.items() if value is not None}
    return "?" + urlencode(said, quote_via=quote)


def _wanted(order: Ordered) -> Iterator[tuple[OrderedLine, ThreekitLine]]:
    return each_line(order, _intent(order).lines)


def _intent(order: Ordered) -> ThreekitIntent:
    return intent_of(order, ThreekitIntent)
