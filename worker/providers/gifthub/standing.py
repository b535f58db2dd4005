"""Where an order stands, as ``get`` tells it: what became of a confirming call, and the cards."""

from collections.abc import Mapping, Sequence
from typing import Any

from worker.http import Reply
from worker.lifecycle import TERMINAL_LINES, LineState
from worker.order import Ordered, OrderedLine
from worker.outcome import (
    Absent,
    Confirmed,
    Goods,
    InDoubt,
    LineReport,
    LookUp,
    NotSent,
    Outcome,
    Pending,
)
from worker.providers.gifthub.wire import EXPIRED, LOST, asked_by, settled, told
from worker.providers.reading import document, not_now, readable, words


def read_looked_up(reply: Reply, order: Ordered, pending_state: str) -> LookUp:
    """Whether a confirming call of unknown outcome was carried out."""
    finding: LookUp
    match _state(reply, order):
        case NotSent() | InDoubt() as finding:
            pass
        case state, _ if state == pending_state:
            finding = Absent()
        case state, _:
            finding = settled(state, order) or InDoubt(f"unknown state {words(state)!r}")
    return told(finding, reply, order.provider_ref)


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
    return told(outcome, reply, order.provider_ref)


def mentioned(callback: bytes) -> frozenset[str]:
    """Our ``reference`` in a webhook; one of a product's state has none."""
    match readable(callback):
        case {"reference": str(reference)} if reference:
            return frozenset({reference})
        case _:
            return frozenset()


def _state(reply: Reply, order: Ordered) -> tuple[str, Mapping[Any, Any]] | NotSent | InDoubt:
    """An order's state and the rest of what ``get`` says of it."""
    match reply.status, document(reply):
        case 200, {"data": {"state": str(state), **data}} if (
            data.get("uid", order.provider_ref) == order.provider_ref
        ):
            return state, data
        case 429, _:
            return not_now(reply, "throttled")
        case status, _:
            return InDoubt(f"the order is unreadable (HTTP {status})")


def _standing(order: Ordered, state: str, data: Mapping[Any, Any]) -> Outcome:
    reports = []
    for line, wanted in asked_by(order):
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
        case _ if state in LOST or state == EXPIRED:
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
