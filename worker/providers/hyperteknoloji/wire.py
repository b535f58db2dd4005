"""Hyperteknoloji's JSON, both ways, as pure functions.

The documentation writes PascalCase, live tenants answer in camelCase: the one is sent, any
case is read. Texts are in the tenant's language, so they are only searched for word stems.
What the pages leave open, and this module had to assume, says "assumed".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from schemas import jsontext
from schemas.intents.hyperteknoloji import HyperteknolojiIntent, HyperteknolojiLine
from schemas.money import Money
from worker.http import Reply
from worker.lifecycle import LineState
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Check,
    Checked,
    Confirmed,
    Goods,
    InDoubt,
    LineReport,
    NotSent,
    Outcome,
    RefusalCode,
    Refused,
)
from worker.provider import Token
from worker.providers.account import fits_header
from worker.providers.asked import each_line, intent_of, personal_in
from worker.providers.reading import (
    document,
    evidence,
    identifier,
    moment,
    money,
    objects,
    plain,
    wish,
    words,
)

KEPT: Final = frozenset(
    {
        "success", "message", "errorcode", "orderid", "orderdetailid", "deliverid", "quantity",
        "price", "productid", "reason", "status", "page", "pagesize", "totalcount",
    }
)  # fmt: skip
"""The fields of an answer a person may read: none holds codes, notes, tokens or customers."""

_STEMS: Final[Sequence[tuple[RefusalCode, tuple[str, ...]]]] = (
    (RefusalCode.INSUFFICIENT_FUNDS, ("bakiye", "balance", "funds")),
    (RefusalCode.OUT_OF_STOCK, ("stok", "stock", "tuken")),
    (RefusalCode.PRICE_CHANGED, ("fiyat", "price")),
)
"""Stems of the documented refusals, in English and Turkish, without accents."""

_Told = TypeVar("_Told", bound=Confirmed | Refused | NotSent | InDoubt)


@dataclass(frozen=True, slots=True)
class Pricing:
    """How a ``Price`` is to be read: whether of one unit (assumed) or of the whole line."""

    currency: str
    per_unit: bool

    def of_line(self, price: Any, quantity: int) -> Money | None:
        """The total of a line; ``None`` where the answer's price is none."""
        read = money(price, self.currency)
        return replace(read, amount=read.amount * quantity) if read and self.per_unit else read


def login_body(email: str, password: str) -> bytes:
    """The body of a login."""
    return jsontext.canonical({"Email": email, "Password": password})


def read_login(reply: Reply) -> Token | NotSent:
    """A token, or why there is none. A login changes nothing, so that is never doubt."""
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": {"token": str(token), **data}} if fits_header(token):
            return Token(token, moment(data.get("expiration")))
        case 429, _:
            return NotSent("login_throttled", retry_after=wish(reply))
        case 400 | 401 | 403, _:
            reason = "login_refused"
        case _:
            reason = "login_unreadable"
    return NotSent(reason, evidence=evidence(reply, None, KEPT))


def create_body(order: Ordered, notify_url: str | None) -> bytes:
    """The basket; every line carries our own ``line_ref`` as its ``DeliverID``."""
    body: dict[str, Any] = {
        "basketData": [
            {
                "DeliverID": line.line_ref,
                "CustomerStoreProductID": wanted.customer_store_product_id,
                "Quantity": wanted.quantity,
                "RequireData": [
                    _present(
                        ProductRequireID=answer.product_require_id,
                        Identifier=answer.identifier,
                        title=answer.title,
                        Value=answer.value,
                    )
                    for answer in wanted.require_data
                ],
            }
            for line, wanted in _wanted(order)
        ]
    }
    billing = _intent(order).billing_address_id
    return jsontext.canonical(body | _present(BillingAddressID=billing, NotifyURL=notify_url))


def read_created(reply: Reply, order: Ordered, pricing: Pricing) -> Outcome:
    """What a create call came to. Yes is 200, ``success`` and every one of our lines."""
    outcome: Confirmed | Refused | NotSent | InDoubt
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": {"orderid": order_id, "details": [_, *_] as details}}:
            outcome = _bought(order, identifier(order_id), details, pricing)
        case status, {"success": True}:
            outcome = InDoubt(f"HTTP {status} says success and names no lines")
        case (200 | 400) as status, {"success": False} as answer:
            outcome = _refused(status, answer, order)
        case 401 | 429, _:
            outcome = turned_away(reply)
        case 403, _:
            outcome = Refused(RefusalCode.FORBIDDEN, "forbidden")
        case 404, _:
            outcome = NotSent("api_off")
        case status, _:
            outcome = InDoubt(f"HTTP {status} says neither yes nor no")
    return told(outcome, reply, order)


def told(outcome: _Told, reply: Reply, order: Ordered) -> _Told:
    """The outcome with its evidence. The provider can find our call by its first DeliverID."""
    seen = evidence(reply, request_ref(order), KEPT, personal_in(order))
    return replace(outcome, evidence=seen)


def request_ref(order: Ordered) -> str:
    """What the provider can find the whole basket by."""
    return order.lines[0].line_ref


def _bought(
    order: Ordered, order_id: str | None, details: list[Any], pricing: Pricing
) -> Confirmed | InDoubt:
    by_ref = {identifier(one.get("deliverid")): one for one in objects(details)}
    missing = sum(line.line_ref not in by_ref for line in order.lines)
    if missing or order_id is None:
        whose = "the order" if order_id is None else f"{missing} of {len(order.lines)} lines"
        return InDoubt(f"success, without {whose}")
    reports = tuple(
        LineReport(
            line.line_ref,
            LineState.ACCEPTED,
            provider_line_ref=identifier(by_ref[line.line_ref].get("orderdetailid")),
            price=pricing.of_line(by_ref[line.line_ref].get("price"), wanted.quantity),
        )
        for line, wanted in _wanted(order)
    )
    prices = [report.price.amount for report in reports if report.price is not None]
    known = len(prices) == len(reports)
    total = Money(sum(prices, Decimal(0)), pricing.currency) if known else None
    return Confirmed(order_id, reports, total)


def _refused(status: int, answer: Mapping[Any, Any], order: Ordered) -> Refused | InDoubt:
    data = answer.get("data")
    fields = data if isinstance(data, dict) else {}
    if identifier(fields.get("orderid")) or fields.get("details"):
        return InDoubt("no success, yet an order")
    personal = personal_in(order)
    reasons = [
        f"product {identifier(item.get('productid')) or '?'}: {said}"
        for item in objects(fields.get("items"))
        if (said := words(item.get("reason"), personal))
    ]
    message = words(answer.get("message"), personal)
    reason = "; ".join(reasons) or message or "refused without a reason"
    default = RefusalCode.INVALID if status == 400 and not reasons else RefusalCode.OTHER  # noqa: PLR2004 -- HTTP
    return Refused(_code(f"{reason} {message or ''}", default), reason)


def _code(said: str, default: RefusalCode) -> RefusalCode:
    text = plain(said)
    matches = (code for code, stems in _STEMS if any(stem in text for stem in stems))
    return next(matches, default)


_STANDINGS: Final[Mapping[int, tuple[LineState, str | None]]] = {
    0: (LineState.CANCELLED, "cancelled by the provider"),
    1: (LineState.DELIVERED, None),
    2: (LineState.ACCEPTED, None),
    3: (LineState.ACCEPTED, "taken out of processing"),
}
"""What a line's ``Status`` says. That 3 is not final is assumed."""


def read_detail(reply: Reply, order: Ordered, line: OrderedLine) -> LineReport | NotSent | InDoubt:
    """Where one line stands."""
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": {"status": _} as data} if _is_of(line, data):
            report = _standing(line, data, _intent(order).lines[line.index].quantity)
            return report or told(InDoubt("the delivered codes are unreadable"), reply, order)
        case 401 | 429, _:
            return told(turned_away(reply), reply, order)
        case status, _:
            return told(InDoubt(f"the order detail is unreadable (HTTP {status})"), reply, order)


def _is_of(line: OrderedLine, data: Mapping[str, Any]) -> bool:
    """Whether a detail is the line's, as far as it says whose it is."""
    return data.get("deliverid", line.line_ref) == line.line_ref and (
        data.get("orderdetailid") is None
        or identifier(data["orderdetailid"]) == line.provider_line_ref
    )


def _standing(line: OrderedLine, data: Mapping[str, Any], quantity: int) -> LineReport | None:
    """A line's report; ``None`` where it was delivered, but what cannot be read."""
    status = data["status"]
    known = _STANDINGS.get(status) if type(status) is int else None
    state, reason = known or (LineState.ACCEPTED, "unknown status")
    goods = None
    if state is LineState.DELIVERED:
        codes, notes = _texts(data.get("deliverydata")), _texts(data.get("deliverynote"))
        if codes is None or notes is None:
            return None
        if 0 < len(codes) < quantity:
            reason = f"{len(codes)} of {quantity} codes came"
        items = [{"code": code} for code in codes] + [{"note": note} for note in notes]
        goods = Goods(tuple(items)) if items else None
    return LineReport(line.line_ref, state, line.provider_line_ref, goods=goods, reason=reason)


def _texts(value: Any) -> list[str] | None:
    """Codes or notes, which come as null, one text or a list of them; ``None`` for all else."""
    texts = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        return None
    return [text for text in texts if text.strip()]


def read_account(reply: Reply, currency: str) -> Check:
    """Whether we are let in, and our balance; in ``currency`` where the answer names none."""
    finding: Check
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": dict(data)}:
            held = money(data.get("balance"), identifier(data.get("currencycode")) or currency)
            finding = Checked((held,) if held else ())
        case 401 | 429, _:
            finding = turned_away(reply)
        case 403, _:
            finding = Refused(RefusalCode.FORBIDDEN, "forbidden")
        case 404, _:
            finding = NotSent("api_off")
        case status, _:
            finding = InDoubt(f"the account is unreadable (HTTP {status})")
    return replace(finding, evidence=evidence(reply, None, KEPT))


def turned_away(reply: Reply) -> NotSent:
    """401 or 429: the call was not executed."""
    if reply.status == 401:  # noqa: PLR2004 -- HTTP
        return NotSent("unauthorized", token_rejected=True)
    return NotSent("throttled", retry_after=wish(reply))


def read_json(reply: Reply) -> Any:
    """The answer with lower-case keys; ``None`` where it has not one clear meaning."""
    try:
        return _folded(document(reply))
    except KeyError:
        return None


def _folded(value: Any) -> Any:
    """Raises ``KeyError`` where two keys differ only in their case."""
    if isinstance(value, list):
        return [_folded(item) for item in value]
    if not isinstance(value, dict):
        return value
    folded = {key.lower(): _folded(item) for key, item in value.items()}
    if len(folded) < len(value):
        raise KeyError("two keys that differ only in their case")
    return folded


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _intent(order: Ordered) -> HyperteknolojiIntent:
    return intent_of(order, HyperteknolojiIntent)


def _wanted(order: Ordered) -> Iterator[tuple[OrderedLine, HyperteknolojiLine]]:
    return each_line(order, _intent(order).lines)
