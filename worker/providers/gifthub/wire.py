"""Gifthub's JSON, both ways, as pure functions.

An order's id is ``data.id``, ``orderId`` or ``data.uid``, depending on the call.
What the public pages leave open, and this module had to assume, says "assumed".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar

from schemas import jsontext
from schemas.intents.gifthub import GifthubIntent, GifthubLine
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
    LookUp,
    Outcome,
    Refused,
)
from worker.providers.asked import each_line, intent_of, personal_in
from worker.providers.gifthub.errors import TOO_LATE, refusal
from worker.providers.reading import (
    amount,
    document,
    evidence,
    from_epoch,
    identifier,
    money,
    objects,
)

KEPT: Final = frozenset(
    {"message", "id", "uid", "state", "status", "total", "wallet", "sku", "expiresat"}
)
"""The fields of an answer a person may read: none holds cards or credentials."""

BOUGHT: Final = frozenset({"confirmed", "successful", "partial"})
LOST: Final = frozenset({"failed", "rejected"})
"""Bought, and come to nothing; the wallet is untouched or restored (assumed)."""
EXPIRED: Final = "expired"
"""Never bought (assumed to be what ``get`` calls it)."""

_Told = TypeVar("_Told", Outcome, LookUp)


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
            for _, wanted in asked_by(order)
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
            refused = refusal(reply, answer, personal=personal_in(order))
            outcome = refused or InDoubt(_neither(status))
    return told(outcome, reply, reference(order), personal_in(order))


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
            outcome = settled(state, order)
        case _, answer:
            outcome = refusal(reply, answer, confirming=True)
    return told(outcome or InDoubt(_neither(reply.status)), reply, order.provider_ref)


def read_customer(reply: Reply, *, frozen_within: bool, secrets: Iterable[str] = ()) -> Check:
    """Whether we are known, and what each wallet has left to spend."""
    finding: Check
    match reply.status, document(reply):
        case 200, {"data": {"wallet": dict(wallets)}}:
            free = (_free(code, held, frozen_within) for code, held in wallets.items())
            finding = Checked(tuple(money for money in free if money is not None))
        case status, answer:
            finding = refusal(reply, answer) or InDoubt(_neither(status))
    return replace(finding, evidence=evidence(reply, None, KEPT, secrets))


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
        for line, wanted in asked_by(order)
    )
    total, expires_at = money(fields.get("total"), currency), from_epoch(data.get("expiresAt"))
    return Confirmed(order_id, tuple(reports), total, expires_at)


def settled(state: str, order: Ordered) -> Confirmed | Refused | None:
    """What a state says of the confirming call; ``None`` where it does not.

    An order that failed was carried out all the same, and came to nothing after that.
    """
    if order.provider_ref and state in BOUGHT | LOST:
        to = LineState.FAILED if state in LOST else LineState.ACCEPTED
        reason = f"the provider calls it {state}" if state in LOST else None
        reports = (LineReport(line.line_ref, to, reason=reason) for line in order.lines)
        return Confirmed(order.provider_ref, tuple(reports))
    if state == EXPIRED:
        return TOO_LATE
    return None


def _neither(status: int) -> str:
    return f"HTTP {status} says neither yes nor no"


def told(
    outcome: _Told, reply: Reply, request_ref: str | None, personal: Sequence[str] = ()
) -> _Told:
    """The outcome with its evidence; ``request_ref`` is what the provider can find our call by."""
    return replace(outcome, evidence=evidence(reply, request_ref, KEPT, personal))


def _part(total: Any, currency: str) -> Any:
    """A record's total, which is given by currency."""
    return total.get(currency) if isinstance(total, dict) else None


def _intent(order: Ordered) -> GifthubIntent:
    return intent_of(order, GifthubIntent)


def asked_by(order: Ordered) -> Iterator[tuple[OrderedLine, GifthubLine]]:
    """Every line of the order beside what its intent wants."""
    return each_line(order, _intent(order).lines)
