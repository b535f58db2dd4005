"""Reading the body of a "Create order" call, as strictly as its page says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from worker.sandbox.remote import Reply
from worker.sandbox.remotes.adobe_vipm.documented import error
from worker.sandbox.remotes.adobe_vipm.magic import NORMAL, Offer, offer_of

PREVIEWS: Final = frozenset({"PREVIEW", "PREVIEW_RENEWAL"})
TYPES: Final = PREVIEWS | {"NEW", "RETURN", "RENEWAL"}
CURRENCIES: Final = frozenset({"USD", "EUR", "GBP", "JPY", "AUD"})
"""Those that the sandbox's distributor sells in."""
FLEX_DISCOUNT: Final = "BLACK_FRIDAY_10_PERCENT_OFF"
"""The one flexible discount there is."""

MAX_LINES: Final = 499
MAX_NUMBER: Final = 999_999
MAX_QUANTITY: Final = 599_000
MAX_REFERENCE: Final = 35

_FIELDS: Final = frozenset(
    {"orderType", "externalReferenceId", "currencyCode", "referenceOrderId", "lineItems"}
)
_LINE_FIELDS: Final = {
    "extLineItemNumber": int,
    "offerId": str,
    "quantity": int,
    "subscriptionId": str,
    "currencyCode": str,
    "deploymentId": str,
    "discountCode": str,
    "flexDiscountCodes": list,
}
_NEEDED: Final = ("extLineItemNumber", "offerId", "quantity")
_SUBSCRIPTION: Final = re.compile(r"[0-9a-f]{30}NA")
_DEPLOYMENT: Final = re.compile(r"[0-9]{1,20}")
_HIGH_VOLUME: Final = re.compile(r"HVD_L(1[7-9]|2[0-2])_PRE")
_UNFIT: Final = re.compile(r'[<>\["]')


@dataclass(frozen=True, slots=True)
class Item:
    """One line that is asked for."""

    number: int
    offer_id: str
    quantity: int
    subscription_id: str = ""
    currency: str | None = None
    deployment_id: str | None = None
    discount_code: str | None = None
    flex_codes: tuple[str, ...] = ()
    repriced: Decimal | None = None
    """What one costs, where that was set by other hands."""

    @property
    def offer(self) -> Offer:
        """What ordering it does."""
        return offer_of(self.offer_id) or NORMAL


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole call, understood."""

    order_type: str
    reference: str
    currency: str | None
    returns: str
    items: tuple[Item, ...]


def is_preview(body: Any) -> bool:
    """Whether a call asks for prices only."""
    return isinstance(body, dict) and body.get("orderType") in PREVIEWS


def is_return(body: Any) -> bool:
    """Whether a call gives something back."""
    return isinstance(body, dict) and body.get("orderType") == "RETURN"


def read_order(body: Any) -> Asked | Reply:
    """What a call asks for, or the first thing that is wrong with it."""
    if not isinstance(body, dict):
        return error("1122", "orderType")
    for problem in _problems(body):
        return problem
    items = tuple(
        Item(
            number=one["extLineItemNumber"],
            offer_id=one["offerId"],
            quantity=one["quantity"],
            subscription_id=one.get("subscriptionId", ""),
            currency=one.get("currencyCode"),
            deployment_id=one.get("deploymentId"),
            discount_code=one.get("discountCode"),
            flex_codes=tuple(one.get("flexDiscountCodes", ())),
        )
        for one in body.get("lineItems", ())
    )
    asked = Asked(
        body["orderType"],
        body.get("externalReferenceId", ""),
        body.get("currencyCode"),
        body.get("referenceOrderId", ""),
        items,
    )
    return next(_faults(asked), asked)


def _problems(body: Mapping[str, Any]) -> Iterator[Reply]:
    """What is wrong with the fields of a call, and with the form of its lines."""
    if unknown := sorted(set(body) - _FIELDS):
        yield error("1121", *unknown)
    kind, lines = body.get("orderType"), body.get("lineItems")
    if kind is None:
        yield error("1122", "orderType")
    texts = ("orderType", "externalReferenceId", "currencyCode", "referenceOrderId")
    if wrong := [name for name in texts if not isinstance(body.get(name, ""), str)]:
        yield error("1117", *wrong)
    if kind not in TYPES:
        yield error("1117", "orderType")
    if (kind == "RETURN") is not ("referenceOrderId" in body):
        yield error("1122" if kind == "RETURN" else "1121", "referenceOrderId")
    if lines is not None or kind != "PREVIEW_RENEWAL":
        yield from _list_problems(lines, str(kind))


def _list_problems(lines: Any, kind: str) -> Iterator[Reply]:
    if not isinstance(lines, list) or not lines:
        yield error("1122" if lines in (None, []) else "1117", "lineItems")
        return
    if len(lines) > MAX_LINES:
        yield error("2119")
    for number, line in enumerate(lines, start=1):
        yield from _line_problems(line, number, kind)


def _line_problems(line: Any, number: int, kind: str) -> Iterator[Reply]:
    if not isinstance(line, dict):
        yield error("1117", f"Line Item: {number}")
        return
    where = f"Line Item: {number}, Reason: "
    if unknown := sorted(set(line) - set(_LINE_FIELDS)):
        yield error("1121", *(where + name for name in unknown))
    needed = [*_NEEDED, *(["subscriptionId"] if kind in {"RENEWAL", "PREVIEW_RENEWAL"} else [])]
    if missing := [name for name in needed if line.get(name) in (None, "")]:
        yield error("1122", *(where + name for name in missing))
    wrong = [name for name, value in line.items() if type(value) is not _LINE_FIELDS[name]]
    if wrong:
        yield error("1117", *(where + name for name in wrong))
    if not all(isinstance(code, str) for code in line.get("flexDiscountCodes", ())):
        yield error("1117", where + "flexDiscountCodes")


def _faults(asked: Asked) -> Iterator[Reply]:
    """What is wrong with the values of a call."""
    if len(asked.reference) > MAX_REFERENCE:
        yield error("2126")
    if _UNFIT.search(asked.reference):
        yield error("1117", "externalReferenceId")
    numbers = [item.number for item in asked.items]
    if len(set(numbers)) < len(numbers):
        yield error("2121")
    currencies = [item.currency for item in asked.items if item.currency is not None]
    if asked.currency is not None and currencies:
        yield error("2140")
    for currency in (asked.currency, *currencies):
        if currency is not None and currency not in CURRENCIES:
            yield error("2128")
    for place, item in enumerate(asked.items, start=1):
        for code, reason in _item_faults(item):
            yield error(code, f"Line Item: {place}, Reason: {reason}")


def _item_faults(item: Item) -> Iterator[tuple[str, str]]:
    if not 0 <= item.number <= MAX_NUMBER:
        yield "2123", "extLineItemNumber"
    if not 1 <= item.quantity <= MAX_QUANTITY:
        yield "2120", "quantity"
    if offer_of(item.offer_id) is None:
        yield "2122", "Invalid offer"
    if item.subscription_id and not _SUBSCRIPTION.fullmatch(item.subscription_id):
        yield "3115", "subscriptionId"
    if item.deployment_id is not None and not _DEPLOYMENT.fullmatch(item.deployment_id):
        yield "2138", "deploymentId"
    if item.discount_code is not None and not _HIGH_VOLUME.fullmatch(item.discount_code):
        yield "5135", "discountCode"
    if len(item.flex_codes) > 1:
        yield "2147", "flexDiscountCodes"
    if any(code != FLEX_DISCOUNT for code in item.flex_codes):
        yield "2146", "flexDiscountCodes"
