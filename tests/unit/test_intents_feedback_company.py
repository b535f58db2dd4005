"""What a producer may say to the Feedback Company: every limit, with its exact path."""

import json
import traceback
from pathlib import Path
from typing import Any

import pytest

from schemas.intents import FaultCode, Intent, IntentFault, masked, read_intent
from schemas.intents.feedback_company import FeedbackCompanyIntent

Body = dict[str, Any]
EXAMPLE = Path(__file__).parents[2] / "deploy" / "examples" / "feedback_company.json"
SECRET = "ayse-4711"
MISSING = object()
"""Stands for a field that is left out."""


def body(path: str = "", value: Any = None) -> Body:
    """The example with one place of it changed."""
    whole: Body = json.loads(EXAMPLE.read_bytes())
    if not path:
        return whole
    *steps, last = path.replace("[", ".").replace("]", "").split(".")
    here: Any = whole
    for step in steps:
        here = here[int(step) if step.isdecimal() else step]
    if value is MISSING:
        del here[last]
    else:
        here[last] = value
    return whole


def read(wanted: Body) -> Intent:
    return read_intent(json.dumps(wanted).encode(), producer="shop-eu").intent


def fault(wanted: Body) -> IntentFault:
    with pytest.raises(IntentFault) as caught:
        read(wanted)
    return caught.value


PRODUCT = "lines[0].product"


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("customer", MISSING, FaultCode.MISSING_FIELD),
        ("customer.email", MISSING, FaultCode.MISSING_FIELD),
        ("customer.email", "", FaultCode.OUT_OF_RANGE),
        ("customer.email", f"{'a' * 240}@example.com", FaultCode.OUT_OF_RANGE),
        ("customer.email", "appleseed", FaultCode.OUT_OF_RANGE),
        ("customer.email", "appleseed@example", FaultCode.OUT_OF_RANGE),
        ("customer.email", "appleseed@example.com\n", FaultCode.OUT_OF_RANGE),
        ("customer.email", "a b@example.com", FaultCode.OUT_OF_RANGE),
        ("customer.email", "a..b@example.com", FaultCode.OUT_OF_RANGE),
        ("customer.email", "a@b@example.com", FaultCode.OUT_OF_RANGE),
        ("customer.email", "a@-example.com", FaultCode.OUT_OF_RANGE),
        ("customer.email", "a@127.0.0.1", FaultCode.OUT_OF_RANGE),
        ("customer.email", None, FaultCode.WRONG_TYPE),
        ("customer.fullname", "", FaultCode.OUT_OF_RANGE),
        ("customer.fullname", "  ", FaultCode.BAD_TEXT),
        ("customer.fullname", "x" * 251, FaultCode.OUT_OF_RANGE),
        ("customer.name", "John", FaultCode.UNKNOWN_FIELD),
        ("invitation", {}, FaultCode.MISSING_FIELD),
        ("invitation.delay.unit", "weeks", FaultCode.OUT_OF_RANGE),
        ("invitation.delay.unit", "", FaultCode.OUT_OF_RANGE),
        ("invitation.delay.amount", "7", FaultCode.WRONG_TYPE),
        ("invitation.delay.amount", 1.5, FaultCode.WRONG_TYPE),
        ("invitation.delay.amount", True, FaultCode.WRONG_TYPE),
        ("invitation.delay.amount", -1, FaultCode.OUT_OF_RANGE),
        ("invitation.delay.amount", 367, FaultCode.OUT_OF_RANGE),
        ("invitation.delay.amount", 10**6, FaultCode.OUT_OF_RANGE),
        ("invitation.reminder.amount", 367, FaultCode.OUT_OF_RANGE),
        ("filtercode", "", FaultCode.OUT_OF_RANGE),
        ("filtercode", "x" * 251, FaultCode.OUT_OF_RANGE),
        ("external_id", "mine", FaultCode.UNKNOWN_FIELD),
        (f"{PRODUCT}.external_id", MISSING, FaultCode.MISSING_FIELD),
        (f"{PRODUCT}.external_id", "", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.external_id", "x" * 251, FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.name", MISSING, FaultCode.MISSING_FIELD),
        (f"{PRODUCT}.name", "\t", FaultCode.BAD_TEXT),
        (f"{PRODUCT}.name", "Red\nDelicious", FaultCode.BAD_TEXT),
        (f"{PRODUCT}.url", MISSING, FaultCode.MISSING_FIELD),
        (f"{PRODUCT}.url", "", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.url", "/p/1", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.url", "ftp://shop.example/p/1", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.url", "https://", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.url", "https://user:pass@shop.example/", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.url", f"https://shop.example/{'x' * 1980}", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.sku", "", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.gtin", "", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.gtin", "12345678901", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.gtin", "12345678901234", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.gtin", "007567816412x", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.gtin", "٠٠٧٥٦٧٨١٦٤١٢٤", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.gtin", 75678164125, FaultCode.WRONG_TYPE),
        (f"{PRODUCT}.image_url", "", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.image_url", "p/1.png", FaultCode.OUT_OF_RANGE),
        (f"{PRODUCT}.price", "1.00", FaultCode.UNKNOWN_FIELD),
        ("lines[0].quantity", 1, FaultCode.UNKNOWN_FIELD),
    ],
)
def test_each_wrong_field_is_refused_at_its_place(path: str, value: Any, code: FaultCode) -> None:
    found = fault(body(path, value))
    place = f"{path}.delay" if path == "invitation" else path
    assert (found.path, found.code) == (place, code)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("customer.fullname", MISSING),
        ("customer.fullname", "Zübeyde Ö. 'Z' \N{NO-BREAK SPACE}van der Berg"),
        ("customer.email", "o'neil+tag@mail.xn--bcher-kva.example"),
        ("customer.email", f"{'a' * 238}@example.com"),
        ("invitation", MISSING),
        ("invitation.reminder", MISSING),
        ("invitation.delay", {"unit": "minutes", "amount": 0}),
        ("invitation.reminder", {"unit": "weekdays", "amount": 260}),
        ("filtercode", "x" * 250),
        ("lines[0].product", MISSING),
        (f"{PRODUCT}.gtin", "075678164125"),
        (f"{PRODUCT}.gtin", "0075678164124"),
        (f"{PRODUCT}.url", "http://localhost:8000/p?id=1#reviews"),
        (f"{PRODUCT}.url", f"https://shop.example/{'x' * 1979}"),
    ],
)
def test_what_the_page_allows_is_taken(path: str, value: Any) -> None:
    assert isinstance(read(body(path, value)), FeedbackCompanyIntent)


@pytest.mark.parametrize(
    "reminder",
    [
        {"unit": "days", "amount": 3},
        {"unit": "hours", "amount": 95},
        {"unit": "weekdays", "amount": 3},
    ],
)
def test_a_reminder_that_may_come_too_early_is_refused(reminder: Body) -> None:
    found = fault(body("invitation.reminder", reminder))
    assert (found.path, found.code) == ("invitation.reminder", FaultCode.OUT_OF_RANGE)
    assert "24 hours" in found.detail


def test_a_gtin_keeps_its_zeros() -> None:
    intent = read(body())
    assert isinstance(intent, FeedbackCompanyIntent)
    assert intent.lines[0].product
    assert intent.lines[0].product.gtin == "0075678164124"


def test_the_customer_is_shown_to_nobody() -> None:
    wanted = body("customer", {"email": f"{SECRET}@example.com", "fullname": f"Ms {SECRET}"})
    intent = read(wanted)
    assert SECRET not in f"{intent!r} {intent} {masked(intent)}"
    assert masked(intent)["customer"] == {"email": "…", "fullname": "…"}


@pytest.mark.parametrize("field", ["email", "fullname"])
def test_a_fault_of_the_customer_shows_nothing_of_it(field: str) -> None:
    found = fault(body(f"customer.{field}", f"{SECRET}\n{SECRET}@"))
    assert SECRET not in "".join(traceback.format_exception(found))


def test_personal_data_is_marked_in_the_schema() -> None:
    customer = FeedbackCompanyIntent.model_json_schema()["$defs"]["Customer"]["properties"]
    assert customer["email"]["x-personal-data"] is True
    assert customer["fullname"]["anyOf"][0]["x-personal-data"] is True
