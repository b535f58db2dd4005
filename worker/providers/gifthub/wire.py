"""Gifthub's JSON, both ways, as pure functions.

Its refusals are told apart by their text first and by the HTTP status second: "out of stock"
comes as a 500. An order's id is ``data.id``, ``orderId`` or ``data.uid``, depending on the call.
What the public pages leave open, and this module had to assume, says "assumed".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from schemas import jsontext
from schemas.intents.gifthub import GifthubIntent, GifthubLine
from schemas.money import Money
from worker.http import Reply
from worker.lifecycle import TERMINAL_LINES, LineState
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Absent,
    Check,
    Checked,
    Confirmed,
    Goods,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.asked import each_line, intent_of
from worker.providers.reading import (
    amount,
    document,
    evidence,
    from_epoch,
    identifier,
    money,
    objects,
    plain,
    wish,
    words,
)

KEPT: Final = frozenset(
    {"message", "id", "uid", "state", "status", "total", "wallet", "sku", "expiresat"}
)
"""The fields of an answer a person may read: none holds cards or credentials."""

_BOUGHT: Final = frozenset({"confirmed", "successful", "partial"})
_LOST: Final = frozenset({"failed", "rejected"})
"""Bought, and come to nothing; the wallet is untouched or restored (assumed)."""
_EXPIRED: Final = "expired"
"""Never bought (assumed to be what ``get`` calls it)."""

_TEXTS: Final[Sequence[tuple[RefusalCode, tuple[str, ...]]]] = (
    (RefusalCode.OUT_OF_STOCK, ("out of stock",)),
    (RefusalCode.INVALID, ("exchange", "not supported")),
    (RefusalCode.INVALID, ("list", "bigger")),
    (RefusalCode.INVALID, ("list", "well formatted")),
    (RefusalCode.PRICE_CHANGED, ("quote", "match")),
    (RefusalCode.INVALID, ("quote", "range")),
    (RefusalCode.UNKNOWN_PRODUCT, ("product", "not found")),
    (RefusalCode.INVALID, ("no valid orderid",)),
)
"""The documented refusals, each with everything its text has to hold."""

_UNKNOWN: Final = "the credentials were refused"

_Told = TypeVar("_Told", Outcome, LookUp, Check)


def reference(order: Ordered) -> str:
    """Our reference there: the same over every create of an order, so that people find them all."""
    return order.order_id.hex


def create_body(order: Ordered, webhook_url: str | None) -> bytes:
    """What creating an order says. Face values are written exactly, never through a float."""
    body: dict[str, Any] = {
        "productList": [
            {
                "sku": wanted.sku,
                "productType": wanted.product_type,
                "quote": wanted.face_value,
                "quantity": wanted.quantity,
            }
            for _, wanted in _wanted(order)
        ],
        "wallet": _intent(order).wallet,
        "reference": reference(order),
    }
    return jsontext.canonical(body if webhook_url is None else body | {"webhookUrl": webhook_url})


def read_created(reply: Reply, order: Ordered) -> Outcome:
    """What creating came to. A yes is 200 with an id, and has bought nothing yet."""
    outcome: Outcome
    match reply.status, document(reply):
        case 200, {"data": {"id": got} as data} if (order_id := identifier(got)) is not None:
            outcome = _quoted(order, order_id, data)
        case status, answer:
            outcome = _refusal(status, answer, reply) or InDoubt(_neither(status))
    return _told(outcome, reply, reference(order))


def confirm_body(provider_ref: str) -> bytes:
    """What confirming an order says."""
    return jsontext.canonical({"orderId": provider_ref})


def read_confirmed(reply: Reply, order: Ordered) -> Outcome:
    """What confirming came to. A yes is 200 with our id and a state that is bought.

    404 is doubt: "not a pending order" is also what an order says that is confirmed already.
    """
    outcome: Outcome | None
    match reply.status, document(reply):
        case 200, {"data": {"id": order.provider_ref, "state": str(state)}}:
            outcome = _settled(state, order)
        case 419, _:
            outcome = Refused(RefusalCode.EXPIRED, "the frozen price has expired")
        case status, answer:
            outcome = _refusal(status, answer, reply)
    return _told(outcome or InDoubt(_neither(reply.status)), reply, order.provider_ref)


def read_looked_up(reply: Reply, order: Ordered, pending_state: str) -> LookUp:
    """Whether a confirming call of unknown outcome was carried out."""
    finding: LookUp
    match _state(reply, order):
        case NotSent() | InDoubt() as finding:
            pass
        case state, _ if state == pending_state:
            finding = Absent()
        case state, _:
            finding = _settled(state, order) or InDoubt(f"unknown state {words(state)!r}")
    return _told(finding, reply, order.provider_ref)


def read_polled(reply: Reply, order: Ordered, pending_state: str) -> Outcome:
    """Where a confirmed order stands, SKU by SKU."""
    outcome: Outcome
    match _state(reply, order):
        case NotSent() | InDoubt() as outcome:
            pass
        case state, _ if state == pending_state:
            outcome = InDoubt("the provider says that it was never confirmed")
        case state, data:
            outcome = _standing(order, state, data)
    return _told(outcome, reply, order.provider_ref)


def read_customer(reply: Reply, *, frozen_within: bool) -> Check:
    """Whether we are known, and what each wallet has left to spend."""
    finding: Check
    match reply.status, document(reply):
        case 200, {"data": {"wallet": dict(wallets)}}:
            free = (_free(code, held, frozen_within) for code, held in wallets.items())
            finding = Checked(tuple(money for money in free if money is not None))
        case 403, _:
            finding = Refused(RefusalCode.FORBIDDEN, _UNKNOWN)
        case 429, _:
            finding = NotSent("throttled", retry_after=wish(reply))
        case status, _:
            finding = InDoubt(f"the account is unreadable (HTTP {status})")
    return _told(finding, reply, None)


def _free(code: Any, held: Any, frozen_within: bool) -> Money | None:  # noqa: FBT001 -- a setting
    """What a wallet can pay with now; ``None`` where it does not say, or says it unreadably."""
    currency, fields = identifier(code), held if isinstance(held, dict) else {}
    balance, frozen = amount(fields.get("balance")), amount(fields.get("frozenBalance", 0))
    if currency is None or balance is None or frozen is None:
        return None
    return Money(max(balance - frozen, Decimal(0)) if frozen_within else balance, currency)


def _quoted(order: Ordered, order_id: str, data: Mapping[Any, Any]) -> Confirmed:
    """The invoice is documented as an object and shown as a string: what is readable counts."""
    invoice = data.get("invoice")
    fields = invoice if isinstance(invoice, dict) else {"total": invoice}
    currency = identifier(fields.get("wallet")) or _intent(order).wallet
    totals = {
        identifier(one.get("sku")): one.get("total") for one in objects(fields.get("records"))
    }
    reports = (
        LineReport(
            line.line_ref,
            LineState.QUOTED,
            price=money(_part(totals.get(wanted.sku), currency), currency),
        )
        for line, wanted in _wanted(order)
    )
    total, expires_at = money(fields.get("total"), currency), from_epoch(data.get("expiresAt"))
    return Confirmed(order_id, tuple(reports), total, expires_at)


def _settled(state: str, order: Ordered) -> Confirmed | Refused | None:
    """What a state says of the confirming call; ``None`` where it does not.

    An order that failed was carried out all the same, and came to nothing after that.
    """
    if order.provider_ref and state in _BOUGHT | _LOST:
        to = LineState.FAILED if state in _LOST else LineState.ACCEPTED
        reason = f"the provider calls it {state}" if state in _LOST else None
        reports = (LineReport(line.line_ref, to, reason=reason) for line in order.lines)
        return Confirmed(order.provider_ref, tuple(reports))
    if state == _EXPIRED:
        return Refused(RefusalCode.EXPIRED, "the frozen price has expired")
    return None


def _state(reply: Reply, order: Ordered) -> tuple[str, Mapping[Any, Any]] | NotSent | InDoubt:
    """An order's state and the rest of what ``get`` says of it."""
    match reply.status, document(reply):
        case 200, {"data": {"state": str(state), **data}} if (
            data.get("uid", order.provider_ref) == order.provider_ref
        ):
            return state, data
        case 429, _:
            return NotSent("throttled", retry_after=wish(reply))
        case status, _:
            return InDoubt(f"the order is unreadable (HTTP {status})")


def _standing(order: Ordered, state: str, data: Mapping[Any, Any]) -> Outcome:
    reports = []
    for line, wanted in _wanted(order):
        cards = _cards(data.get("redeemData"), wanted.sku)
        if cards is None:
            return InDoubt("the delivered cards are unreadable")
        reports.append(_report(line, wanted.quantity, state, cards))
    if order.provider_ref and all(report.state in TERMINAL_LINES for report in reports):
        return Confirmed(order.provider_ref, tuple(reports))
    return Pending(order.provider_ref, tuple(reports))


def _report(
    line: OrderedLine, quantity: int, state: str, cards: Sequence[dict[str, str]]
) -> LineReport:
    goods = Goods(tuple(cards)) if cards else None
    short = None if len(cards) >= quantity else f"{len(cards)} of {quantity} cards came"
    match state:
        case "successful":
            return LineReport(line.line_ref, LineState.DELIVERED, goods=goods, reason=short)
        case "partial" if goods is None:
            return LineReport(line.line_ref, LineState.ACCEPTED, reason=short)
        case "partial":
            to = LineState.PARTIALLY_DELIVERED if short else LineState.DELIVERED
            return LineReport(line.line_ref, to, goods=goods, reason=short)
        case "confirmed":
            return LineReport(line.line_ref, LineState.ACCEPTED)
        case _ if state in _LOST or state == _EXPIRED:
            return LineReport(line.line_ref, LineState.FAILED, reason=f"the order was {state}")
        case _:
            return LineReport(
                line.line_ref, LineState.ACCEPTED, reason=f"unknown state {words(state)!r}"
            )


def _cards(redeem: Any, sku: str) -> list[dict[str, str]] | None:
    """The cards of one SKU, without their empty fields; ``None`` where they are unreadable.

    That ``get`` shows ``redeemData`` as the webhook does is assumed. Cards are counted, never
    expected: the provider's own example holds fewer than were ordered.
    """
    of_sku = redeem.get(sku) if isinstance(redeem, dict) else redeem
    if of_sku is None:
        return []
    cards = of_sku.get("cards") or [] if isinstance(of_sku, dict) else None
    if not isinstance(cards, list) or not all(isinstance(card, dict) for card in cards):
        return None
    read = [
        {name: str(value) for name, value in card.items() if value not in ("", None)}
        for card in cards
    ]
    return [card for card in read if card]


def _refusal(status: int, answer: Any, reply: Reply) -> Refused | NotSent | None:
    """An explicit no to a create or confirm call; ``None`` where there is none."""
    match status, answer:
        case _ if status < 400:  # noqa: PLR2004 -- HTTP: not an error
            return None
        case _, {"data": {"id": _}}:
            return None  # an order and an error at once
        case 403, _:
            return Refused(RefusalCode.FORBIDDEN, _UNKNOWN)
        case 429, _:
            return NotSent("throttled", retry_after=wish(reply))
        case _, {"message": str(message)}:
            return _by_text(status, message)
        case _:
            return None


def _by_text(status: int, message: str) -> Refused | NotSent | None:
    text = plain(message)
    said = words(message) or "refused without a reason"
    if status == 400 and "insufficient" in text:  # noqa: PLR2004 -- HTTP
        return NotSent("insufficient_funds")  # may be topped up in time
    for code, parts in _TEXTS:
        if all(part in text for part in parts):
            return Refused(code, said)
    return None


def _neither(status: int) -> str:
    return f"HTTP {status} says neither yes nor no"


def _told(outcome: _Told, reply: Reply, request_ref: str | None) -> _Told:
    return replace(outcome, evidence=evidence(reply, request_ref, KEPT))


def _part(total: Any, currency: str) -> Any:
    """A record's total, which is given by currency."""
    return total.get(currency) if isinstance(total, dict) else None


def _intent(order: Ordered) -> GifthubIntent:
    return intent_of(order, GifthubIntent)


def _wanted(order: Ordered) -> Iterator[tuple[OrderedLine, GifthubLine]]:
    return each_line(order, _intent(order).lines)
