"""What Adobe may be asked for: every limit of its pages, with the exact place of the fault."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from schemas.intents import FaultCode, IntentFault, read_intent
from schemas.intents.adobe_vipm import MAX_LINES, MAX_QUANTITY, AdobeIntent

Body = dict[str, Any]
Spoil = Callable[[Body], object]
SUBSCRIPTION = "0123456789abcdef0123456789abcdNA"


def body(order_type: str = "NEW", *, lines: int = 2, **fields: Any) -> Body:
    line: Body = {"offer_id": "80004567EA01A12", "quantity": 1}
    if "RENEWAL" in order_type:
        line["subscription_id"] = SUBSCRIPTION
    if order_type == "RETURN":
        fields = {"reference_order_id": "0123456789", **fields}
    return {
        "intent_id": "1",
        "provider": "adobe_vipm",
        "customer_id": "9876543210",
        "order_type": order_type,
        "lines": [{"deliver_id": f"1-{n}", **line} for n in range(lines)],
        **fields,
    }


def read(document: Body) -> AdobeIntent:
    intent = read_intent(json.dumps(document).encode(), producer="shop").intent
    assert isinstance(intent, AdobeIntent)
    return intent


def fault(document: Body) -> tuple[FaultCode, str]:
    with pytest.raises(IntentFault) as caught:
        read(document)
    return caught.value.code, caught.value.path


def first_preview(order_type: str = "NEW", **quote: Any) -> Body:
    usual = {"quoted_at": "2026-11-22T10:00:00Z", "max_total": "365.00", "currency": "USD"}
    return body(order_type, preview_first=True, quote=usual | quote)


@pytest.mark.parametrize("order_type", ["NEW", "RETURN", "PREVIEW", "PREVIEW_RENEWAL", "RENEWAL"])
def test_each_documented_type_of_order_is_understood(order_type: str) -> None:
    intent = read(body(order_type, currency="USD"))
    assert intent.order_type == order_type
    assert intent.previews is order_type.startswith("PREVIEW")
    assert not intent.whole_renewal


@pytest.mark.parametrize("order_type", ["SWITCH", "PREVIEW_SWITCH", "REVERT_SWITCH", "new", ""])
def test_other_types_are_not_offered(order_type: str) -> None:
    assert fault(body(order_type)) == (FaultCode.OUT_OF_RANGE, "order_type")


LIMITS: list[tuple[Spoil, FaultCode, str]] = [
    (lambda b: b.pop("customer_id"), FaultCode.MISSING_FIELD, "customer_id"),
    (lambda b: b.pop("order_type"), FaultCode.MISSING_FIELD, "order_type"),
    (lambda b: b.update(customer_id="../orders"), FaultCode.OUT_OF_RANGE, "customer_id"),
    (lambda b: b.update(customer_id="x" * 41), FaultCode.OUT_OF_RANGE, "customer_id"),
    (lambda b: b.update(customer_id=""), FaultCode.OUT_OF_RANGE, "customer_id"),
    (lambda b: b.update(customer_id="1\n"), FaultCode.OUT_OF_RANGE, "customer_id"),
    (lambda b: b.update(currency="usd"), FaultCode.OUT_OF_RANGE, "currency"),
    (lambda b: b.update(currency_code="USD"), FaultCode.UNKNOWN_FIELD, "currency_code"),
    (lambda b: b.update(reference_order_id="1"), FaultCode.UNKNOWN_FIELD, "reference_order_id"),
    (lambda b: b["lines"][1].pop("offer_id"), FaultCode.MISSING_FIELD, "lines[1].offer_id"),
    (lambda b: b["lines"][1].pop("quantity"), FaultCode.MISSING_FIELD, "lines[1].quantity"),
    (lambda b: b["lines"][1].update(offer_id=""), FaultCode.OUT_OF_RANGE, "lines[1].offer_id"),
    (lambda b: b["lines"][1].update(quantity=0), FaultCode.OUT_OF_RANGE, "lines[1].quantity"),
    (lambda b: b["lines"][1].update(quantity="1"), FaultCode.WRONG_TYPE, "lines[1].quantity"),
    (
        lambda b: b["lines"][1].update(quantity=MAX_QUANTITY + 1),
        FaultCode.OUT_OF_RANGE,
        "lines[1].quantity",
    ),
    (
        lambda b: b["lines"][0].update(discount_code="x" * 41),
        FaultCode.OUT_OF_RANGE,
        "lines[0].discount_code",
    ),
    (
        lambda b: b["lines"][0].update(flex_discount_codes=["A", "B"]),
        FaultCode.OUT_OF_RANGE,
        "lines[0].flex_discount_codes",
    ),
    (
        lambda b: b["lines"][0].update(flex_discount_codes=[""]),
        FaultCode.OUT_OF_RANGE,
        "lines[0].flex_discount_codes[0]",
    ),
    (
        lambda b: b["lines"][1].update(subscription_id=SUBSCRIPTION),
        FaultCode.UNKNOWN_FIELD,
        "lines[1].subscription_id",
    ),
    (
        lambda b: b["lines"][1].update(line_number=1),
        FaultCode.UNKNOWN_FIELD,
        "lines[1].line_number",
    ),
    (lambda b: b.update(lines=[]), FaultCode.EMPTY_LINES, "lines"),
]


@pytest.mark.parametrize(("spoil", "code", "path"), LIMITS)
def test_each_limit_is_told_with_its_place(spoil: Spoil, code: FaultCode, path: str) -> None:
    document = body()
    spoil(document)
    assert fault(document) == (code, path)


def test_the_most_that_is_documented_is_allowed() -> None:
    whole = body(lines=MAX_LINES)
    whole["lines"][0].update(
        quantity=MAX_QUANTITY, discount_code="x" * 40, flex_discount_codes=["SALE"]
    )
    assert len(read(whole).lines) == MAX_LINES
    assert fault(body(lines=MAX_LINES + 1)) == (FaultCode.OUT_OF_RANGE, "lines")


# --- returns and renewals ------------------------------------------------------------------------


def test_a_return_names_what_it_gives_back() -> None:
    document = body("RETURN")
    del document["reference_order_id"]
    assert fault(document) == (FaultCode.MISSING_FIELD, "reference_order_id")
    assert fault(body("RETURN", reference_order_id="x" * 41))[1] == "reference_order_id"


def test_a_return_may_name_the_lines_of_its_order_each_once() -> None:
    document = body("RETURN")
    document["lines"][0]["line_number"] = 7
    assert read(document).lines[0].line_number == 7
    document["lines"][0]["line_number"] = 2  # which the second line is by its place
    assert fault(document) == (FaultCode.DUPLICATE_VALUE, "lines[1].line_number")
    document["lines"][0]["line_number"] = 1_000_000
    assert fault(document) == (FaultCode.OUT_OF_RANGE, "lines[0].line_number")


@pytest.mark.parametrize("order_type", ["RENEWAL", "PREVIEW_RENEWAL"])
def test_each_line_of_a_renewal_names_its_subscription(order_type: str) -> None:
    document = body(order_type)
    del document["lines"][1]["subscription_id"]
    assert fault(document) == (FaultCode.MISSING_FIELD, "lines[1].subscription_id")


def test_a_preview_of_all_renewals_has_one_line_that_says_nothing() -> None:
    document = body("PREVIEW_RENEWAL")
    document["lines"] = [{"deliver_id": "1-0"}]
    assert read(document).whole_renewal
    document["lines"].append({"deliver_id": "1-1"})
    assert fault(document) == (FaultCode.MISSING_FIELD, "lines[0].offer_id")
    document["lines"] = [body("RENEWAL")["lines"][0], {"deliver_id": "1-1"}]
    assert fault(document) == (FaultCode.MISSING_FIELD, "lines[1].offer_id")


@pytest.mark.parametrize("order_type", ["NEW", "PREVIEW", "RENEWAL", "RETURN"])
def test_a_line_that_says_nothing_is_for_a_preview_of_renewals_alone(order_type: str) -> None:
    document = body(order_type)
    document["lines"] = [{"deliver_id": "1-0"}]
    assert fault(document) == (FaultCode.MISSING_FIELD, "lines[0].offer_id")


# --- previewed first -----------------------------------------------------------------------------


@pytest.mark.parametrize("order_type", ["NEW", "RENEWAL"])
def test_what_buys_may_be_previewed_first(order_type: str) -> None:
    assert read(first_preview(order_type)).preview_first


@pytest.mark.parametrize("order_type", ["RETURN", "PREVIEW", "PREVIEW_RENEWAL"])
def test_what_buys_nothing_is_not_previewed_first(order_type: str) -> None:
    assert fault(first_preview(order_type)) == (FaultCode.OUT_OF_RANGE, "preview_first")


def test_a_preview_first_needs_a_price_to_hold_against() -> None:
    no_quote = body(preview_first=True)
    assert fault(no_quote) == (FaultCode.MISSING_FIELD, "quote.max_total")
    assert fault(first_preview(max_total=None)) == (FaultCode.MISSING_FIELD, "quote.max_total")
    assert fault(first_preview(currency=None)) == (FaultCode.MISSING_FIELD, "quote.currency")
