"""Hyperteknoloji's JSON, both ways, as pure functions.

The documentation writes PascalCase, live tenants answer in camelCase: the one is sent, any
case is read. What the pages leave open, and this module had to assume, says "assumed".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    InDoubt,
    LineReport,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.provider import Token
from worker.providers.account import fits_header
from worker.providers.asked import each_line, intent_of, personal_in, present
from worker.providers.hyperteknoloji import errors
from worker.providers.reading import (
    document,
    evidence,
    identifier,
    moment,
    money,
    objects,
    readable,
    words,
)

KEPT: Final = frozenset(
    {
        "success", "message", "errorcode", "orderid", "orderdetailid", "deliverid", "quantity",
        "price", "productid", "reason", "status", "page", "pagesize", "totalcount",
    }
)  # fmt: skip
"""The fields of an answer a person may read: none holds codes, notes, tokens or customers."""

_Told = TypeVar("_Told", bound=Confirmed | Refused | Pending | NotSent | InDoubt)


@dataclass(frozen=True, slots=True)
class Pricing:
    """How a ``Price`` is to be read: whether of one unit (assumed) or of the whole line."""

    currency: str
    per_unit: bool

    def of_line(self, price: Any, quantity: int | None) -> Money | None:
        """The total of a line; ``None`` where the answer's price is none, or of how many."""
        read = money(price, self.currency)
        if read is None or not self.per_unit:
            return read
        return None if quantity is None else replace(read, amount=read.amount * quantity)

    def total(self, reports: Sequence[LineReport]) -> Money | None:
        """The total of an order; ``None`` where a line's is not known."""
        prices = [report.price.amount for report in reports if report.price is not None]
        known = len(prices) == len(reports)
        return Money(sum(prices, Decimal(0)), self.currency) if known else None


def login_body(email: str, password: str) -> bytes:
    """The body of a login."""
    return jsontext.canonical({"Email": email, "Password": password})


def read_login(reply: Reply, secrets: Iterable[str] = ()) -> Token | NotSent:
    """A token, or why there is none. A login changes nothing, so that is never doubt."""
    answer = read_json(reply)
    match reply.status, answer:
        case 200, {"success": True, "data": {"token": str(token), **data}} if fits_header(token):
            return Token(token, moment(data.get("expiration")))
        case _:
            refused = isinstance(answer, dict) and answer.get("success") is False
            failure = errors.no_login(reply, refused=refused)
            return replace(failure, evidence=evidence(reply, None, KEPT, secrets))


def create_body(order: Ordered, notify_url: str | None) -> bytes:
    """The basket; every line carries our own ``line_ref`` as its ``DeliverID``."""
    body: dict[str, Any] = {
        "basketData": [
            {
                "DeliverID": line.line_ref,
                "CustomerStoreProductID": wanted.customer_store_product_id,
                "Quantity": wanted.quantity,
                "RequireData": [
                    present(
                        ProductRequireID=answer.product_require_id,
                        Identifier=answer.identifier,
                        title=answer.title,
                        Value=answer.value,
                    )
                    for answer in wanted.require_data
                ],
            }
            for line, wanted in asked_by(order)
        ]
    }
    billing = _intent(order).billing_address_id
    return jsontext.canonical(body | present(BillingAddressID=billing, NotifyURL=notify_url))


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
        case _:
            outcome = neither(reply)
    return told(outcome, reply, order)


def neither(reply: Reply) -> Refused | NotSent | InDoubt:
    """What an answer comes to whose body says neither yes nor no."""
    return errors.by_status(reply) or InDoubt(f"HTTP {reply.status} says neither yes nor no")


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
        for line, wanted in asked_by(order)
    )
    return Confirmed(order_id, reports, pricing.total(reports))


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
    return Refused(errors.code_of(f"{reason} {message or ''}", default), reason)


def read_account(reply: Reply, currency: str, secrets: Iterable[str] = ()) -> Check:
    """Whether we are let in, and our balance; in ``currency`` where the answer names none."""
    finding: Check
    match reply.status, read_json(reply):
        case 200, {"success": True, "data": dict(data)}:
            held = money(data.get("balance"), identifier(data.get("currencycode")) or currency)
            finding = Checked((held,) if held else ())
        case _:
            finding = neither(reply)
    return replace(finding, evidence=evidence(reply, None, KEPT, secrets))


def mentioned(callback: bytes) -> frozenset[str]:
    """The ``DeliverID`` in a callback about a line; the one about product changes has none."""
    match _lower_case(readable(callback)):
        case {"deliverid": str(ref)} if ref:
            return frozenset({ref})
        case _:
            return frozenset()


def read_json(reply: Reply) -> Any:
    """The answer with lower-case keys; ``None`` where it has not one clear meaning."""
    return _lower_case(document(reply))


def _lower_case(value: Any) -> Any:
    try:
        return _folded(value)
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


def _intent(order: Ordered) -> HyperteknolojiIntent:
    return intent_of(order, HyperteknolojiIntent)


def asked_by(order: Ordered) -> Iterator[tuple[OrderedLine, HyperteknolojiLine]]:
    """Every line of the order beside what its intent wants."""
    return each_line(order, _intent(order).lines)
