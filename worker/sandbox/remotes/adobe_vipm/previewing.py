"""What an order would be: the customer's own offers, and prices where they are asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from worker.sandbox.remote import Json, Reply
from worker.sandbox.remotes.adobe_vipm.asked import Asked, Item
from worker.sandbox.remotes.adobe_vipm.documented import error
from worker.sandbox.remotes.adobe_vipm.order import add_prices, currencies, item_shown


def preview(
    asked: Asked, renewing: Sequence[Item], customer: str, now: datetime, *, prices: bool
) -> Reply:
    """The answer to a preview; without lines of its own it is of what is ``renewing``."""
    items = [best_offer(item) for item in asked.items] or renewing
    if not items:
        return error("3121")
    renewal = asked.order_type == "PREVIEW_RENEWAL"
    found = currencies(asked)
    resource: Json = {
        "referenceOrderId": "",
        "externalReferenceId": asked.reference,
        "orderId": "",
        "customerId": customer,
        "currencyCode": "" if len(found) > 1 else next(iter(found)),
        "orderType": asked.order_type,
        "creationDate": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": "",
        "lineItems": [
            item_shown(item) | ({"status": item.offer.stages[0][1]} if renewal else {})
            for item in items
        ],
    }
    if prices and len(found) > 1:
        return error("2148")
    if prices:
        add_prices(resource, items)
    return Reply(200, resource)


def best_offer(item: Item) -> Item:
    """The line with the offer that the customer gets for it."""
    becomes = item.offer.becomes
    return item if becomes is None else replace(item, offer_id=becomes)
