"""What Adobe is asked: the body of every call that orders or previews. Pure."""

from collections.abc import Iterator
from typing import Any

from schemas import jsontext
from schemas.intents.adobe_vipm import AdobeIntent, AdobeLine
from worker.lifecycle import LineState, Step
from worker.order import Ordered, OrderedLine
from worker.providers import asked


def reference(order: Ordered) -> str:
    """Our ``externalReferenceId`` there. At most 35 characters: a UUID without its dashes."""
    return order.order_id.hex


def type_of(order: Ordered, step: Step) -> str:
    """The ``orderType`` of a call."""
    intent = intent_of(order)
    if step is Step.CANCEL:
        return "RETURN"
    if step is Step.PLACE and intent.preview_first:
        return {"NEW": "PREVIEW", "RENEWAL": "PREVIEW_RENEWAL"}[intent.order_type]
    return intent.order_type


def order_body(order: Ordered, step: Step) -> bytes:
    """What a call says. After a preview the offers that it returned are ordered."""
    intent = intent_of(order)
    gives_back = step is Step.CANCEL
    body: dict[str, Any] = asked.present(
        orderType=type_of(order, step),
        externalReferenceId=reference(order),
        referenceOrderId=order.provider_ref if gives_back else intent.reference_order_id,
        currencyCode=intent.currency,
    )
    if intent.whole_renewal:
        return jsontext.canonical(body)
    lines = returnable(order) if gives_back else order.lines
    body["lineItems"] = [_line_item(order, line, step) for line in lines]
    return jsontext.canonical(body)


def returnable(order: Ordered) -> list[OrderedLine]:
    """The lines that can be called off: those that came to something."""
    lost = {LineState.FAILED, LineState.CANCELLED, LineState.REFUSED, LineState.EXPIRED}
    return [line for line in order.lines if line.state not in lost]


def intent_of(order: Ordered) -> AdobeIntent:
    """What was asked for."""
    return asked.intent_of(order, AdobeIntent)


def wanted_lines(order: Ordered) -> Iterator[tuple[OrderedLine, AdobeLine]]:
    """Every line with what was asked for in it."""
    return asked.each_line(order, intent_of(order).lines)


def number_of(line: OrderedLine, wanted: AdobeLine) -> int:
    """The ``extLineItemNumber`` of a line; one that gives back bears that of its order."""
    return line.index + 1 if wanted.line_number is None else wanted.line_number


def offer_of(line: OrderedLine, wanted: AdobeLine) -> str | None:
    """The offer that is ordered: what a preview made of it, else what was asked for."""
    return line.details.get("offer_id", wanted.offer_id)


def _line_item(order: Ordered, line: OrderedLine, step: Step) -> dict[str, Any]:
    wanted = intent_of(order).lines[line.index]
    item = asked.present(
        extLineItemNumber=number_of(line, wanted),
        offerId=wanted.offer_id if step is Step.PLACE else offer_of(line, wanted),
        quantity=wanted.quantity,
        deploymentId=wanted.deployment_id,
    )
    if step is Step.CANCEL:
        return item
    codes = list(wanted.flex_discount_codes) or None
    return item | asked.present(
        subscriptionId=wanted.subscription_id,
        discountCode=wanted.discount_code,
        flexDiscountCodes=codes,
    )
