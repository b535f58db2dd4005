"""Reading a preview: prices and the offers that a customer really gets. Pure.

A preview has neither an order's id nor a status. Of a renewal its lines have one: 1004 says that
the product has expired and will not renew (page "Order scenarios").
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from worker.http import Reply
from worker.lifecycle import LineState, Step
from worker.order import Ordered, OrderedLine
from worker.outcome import Confirmed, InDoubt, LineReport, Outcome, RefusalCode, Refused
from worker.providers.adobe_vipm import asking, wire
from worker.providers.adobe_vipm.prices import (
    holds_until,
    line_price,
    numbered_details,
    price_details,
    total_price,
)
from worker.providers.reading import document, identifier

EXPIRED_PRODUCT: Final = "1004"


def read_previewed(
    reply: Reply, order: Ordered, previewed_at: datetime, lives: timedelta, request_ref: str
) -> Outcome:
    """What a preview came to. A yes names every line of ours, and orders nothing."""
    outcome: Outcome
    asked = asking.type_of(order, Step.PLACE)
    match reply.status, document(reply):
        case status, {"orderType": kind, "lineItems": [_, *_]} as answer if (
            status in wire.ACCEPTED_AS and kind == asked and not answer.get("orderId")
        ):
            outcome = _previewed(order, answer)
        case _:
            outcome = wire.judged(reply, order)
    first = asking.intent_of(order).preview_first
    if first and isinstance(outcome, Confirmed):
        outcome = _promised(outcome, holds_until(previewed_at, lives))
    return wire.told(outcome, reply, request_ref)


def _previewed(order: Ordered, answer: Mapping[Any, Any]) -> Confirmed | InDoubt:
    """The answer to a preview; it is what an order for prices alone delivers."""
    total = total_price(answer)
    if asking.intent_of(order).whole_renewal:
        (line,) = order.lines
        details = numbered_details(answer)
        report = LineReport(line.line_ref, LineState.DELIVERED, price=total, details=details)
        return Confirmed(None, (report,), total)
    items = wire.by_number(answer)
    currency = answer.get("currencyCode")
    reports = []
    for line, wanted in asking.wanted_lines(order):
        item = items.get(asking.number_of(line, wanted), {})
        offer = identifier(item.get("offerId"))
        if offer is None or item.get("quantity") != wanted.quantity:
            return InDoubt("the preview does not have every line as it was asked for")
        reports.append(_report(line, item, offer, currency))
    return Confirmed(None, tuple(reports), total)


def _report(line: OrderedLine, item: Mapping[Any, Any], offer: str, currency: Any) -> LineReport:
    expired = item.get("status") == EXPIRED_PRODUCT
    return LineReport(
        line.line_ref,
        LineState.FAILED if expired else LineState.DELIVERED,
        price=line_price(item, currency),
        reason="the product has expired and will not renew" if expired else None,
        details={"offer_id": offer, **price_details(item)},
    )


def _promised(answered: Confirmed, expires_at: datetime) -> Confirmed | Refused:
    """A preview as the first of two phases: a price that is not frozen, but acted on at once."""
    lost = [report for report in answered.lines if report.state is LineState.FAILED]
    if lost:
        refused = tuple(
            LineReport(report.line_ref, LineState.REFUSED, reason=report.reason) for report in lost
        )
        return Refused(RefusalCode.UNKNOWN_PRODUCT, lost[0].reason or "", refused)
    quoted = tuple(
        LineReport(report.line_ref, LineState.QUOTED, price=report.price, details=report.details)
        for report in answered.lines
    )
    return Confirmed(None, quoted, answered.total, expires_at)
