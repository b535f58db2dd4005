"""Every way an intent can be wrong, with its code and its exact path."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.intents import FaultCode, IntentFault, read_intent
from schemas.intents.gifthub import MAX_LINES, MAX_QUANTITY
from schemas.jsontext import JsonProblem

Body = dict[str, Any]
EXAMPLES = Path(__file__).parents[2] / "deploy" / "examples"


def hyperteknoloji() -> Body:
    body: Body = json.loads((EXAMPLES / "hyperteknoloji.json").read_bytes())
    body["lines"].append({**body["lines"][0], "deliver_id": "100045-2"})
    return body


def gifthub() -> Body:
    body: Body = json.loads((EXAMPLES / "gifthub.json").read_bytes())
    return body


def fault(raw: bytes | Body) -> IntentFault:
    raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    with pytest.raises(IntentFault) as caught:
        read_intent(raw, producer="shop-eu")
    return caught.value


def with_text(old: str, new: str) -> bytes:
    """The Hyperteknoloji example with a piece of its text replaced, once."""
    text = json.dumps(hyperteknoloji())
    assert old in text
    return text.replace(old, new, 1).encode()


VALUE = "lines[0].require_data[0].value"


@pytest.mark.parametrize(
    ("raw", "code", "path"),
    [
        (b"", FaultCode.NOT_JSON, ""),
        (b"intent", FaultCode.NOT_JSON, ""),
        (b"\x80\x04\x95", FaultCode.NOT_UTF8, ""),
        (b"[]", FaultCode.NOT_AN_OBJECT, ""),
        (b'"{}"', FaultCode.NOT_AN_OBJECT, ""),
        (b"null", FaultCode.NOT_AN_OBJECT, ""),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', FaultCode.TOO_LARGE, ""),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, FaultCode.TOO_DEEP, ""),
        (b'{"lines":' + b"[" * 10_000, FaultCode.TOO_DEEP, ""),
        (with_text("12341234", "\\u0000"), FaultCode.BAD_TEXT, VALUE),
        (with_text("12341234", "\\udc00"), FaultCode.BAD_TEXT, VALUE),
        (with_text('"1234', '"\xff1234').decode().encode("latin-1"), FaultCode.NOT_UTF8, ""),
        (with_text('"userid"', "NaN"), FaultCode.BAD_NUMBER, "lines[0].require_data[0].identifier"),
        (with_text('"19.90"', "1e400"), FaultCode.BAD_NUMBER, "quote.max_total"),
        (
            with_text(": 234", f": {2**63}"),
            FaultCode.BAD_NUMBER,
            "lines[0].customer_store_product_id",
        ),
        (with_text('"quantity"', '"deliver_id"'), FaultCode.DUPLICATE_KEY, "lines[0].deliver_id"),
        (with_text('"account"', '"intent_id"'), FaultCode.DUPLICATE_KEY, "intent_id"),
    ],
)
def test_text_that_is_no_intent_is_refused_where_it_goes_wrong(
    raw: bytes, code: FaultCode, path: str
) -> None:
    found = fault(raw)
    assert (found.code, found.path) == (code, path)


def test_every_problem_of_json_is_a_fault_of_an_intent() -> None:
    assert {problem.value for problem in JsonProblem} <= {code.value for code in FaultCode}


Spoil = Callable[[Body], object]


@pytest.mark.parametrize(
    ("spoil", "code", "path"),
    [
        (lambda b: b.pop("provider"), FaultCode.MISSING_FIELD, "provider"),
        (lambda b: b.update(provider="nobody"), FaultCode.UNKNOWN_PROVIDER, "provider"),
        (lambda b: b.update(provider=7), FaultCode.UNKNOWN_PROVIDER, "provider"),
        (lambda b: b.update(producer="shop-us"), FaultCode.FOREIGN_PRODUCER, "producer"),
        (lambda b: b.update(producer=None), FaultCode.WRONG_TYPE, "producer"),
        (lambda b: b.pop("intent_id"), FaultCode.MISSING_FIELD, "intent_id"),
        (lambda b: b.update(intent_id=100045), FaultCode.WRONG_TYPE, "intent_id"),
        (lambda b: b.update(intent_id=""), FaultCode.OUT_OF_RANGE, "intent_id"),
        (lambda b: b.update(intent_id="x" * 129), FaultCode.OUT_OF_RANGE, "intent_id"),
        (lambda b: b.update(intent_id="a\nb"), FaultCode.BAD_TEXT, "intent_id"),
        (lambda b: b.update(intent_id="a\u202eb"), FaultCode.BAD_TEXT, "intent_id"),
        (lambda b: b.update(account="Main"), FaultCode.OUT_OF_RANGE, "account"),
        (lambda b: b.update(account="main\n"), FaultCode.OUT_OF_RANGE, "account"),
        (lambda b: b.update(surprise=1), FaultCode.UNKNOWN_FIELD, "surprise"),
        (lambda b: b["quote"].update(note=1), FaultCode.UNKNOWN_FIELD, "quote.note"),
        (lambda b: b["lines"][1].update(note=1), FaultCode.UNKNOWN_FIELD, "lines[1].note"),
        (lambda b: b.update({"x" * 65: 1}), FaultCode.UNKNOWN_FIELD, "…"),
        (lambda b: b.update({"Ayşe-4711": 1}), FaultCode.UNKNOWN_FIELD, "…"),
        (lambda b: b.pop("lines"), FaultCode.MISSING_FIELD, "lines"),
        (lambda b: b.update(lines=[]), FaultCode.EMPTY_LINES, "lines"),
        (lambda b: b.update(lines={}), FaultCode.WRONG_TYPE, "lines"),
        (lambda b: b.update(lines="line"), FaultCode.WRONG_TYPE, "lines"),
        (lambda b: b.update(lines=[[]]), FaultCode.WRONG_TYPE, "lines[0]"),
        (lambda b: b.update(hyperteknoloji={"lines": 1}, lines=1), FaultCode.WRONG_TYPE, "lines"),
    ],
)
def test_a_wrong_envelope_is_refused_by_field(spoil: Spoil, code: FaultCode, path: str) -> None:
    body = hyperteknoloji()
    spoil(body)
    found = fault(body)
    assert (found.code, found.path) == (code, path)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://shop.example/hooks", FaultCode.INSECURE_URL),
        ("https://", FaultCode.INSECURE_URL),
        ("https://user:word@shop.example/", FaultCode.INSECURE_URL),
        ("https://shop.example/" + "x" * 2000, FaultCode.OUT_OF_RANGE),
        (7, FaultCode.WRONG_TYPE),
    ],
)
def test_notifications_go_to_https_only(url: Any, code: FaultCode) -> None:
    found = fault({**hyperteknoloji(), "notify_url": url})
    assert (found.code, found.path) == (code, "notify_url")


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"quoted_at": "2026-11-22T10:00:00"}, FaultCode.WRONG_TYPE, "quoted_at"),
        ({"quoted_at": "2026-11-22"}, FaultCode.WRONG_TYPE, "quoted_at"),
        ({"quoted_at": 1795341600}, FaultCode.WRONG_TYPE, "quoted_at"),
        ({"quoted_at": "2026-02-30T10:00:00Z"}, FaultCode.OUT_OF_RANGE, "quoted_at"),
        ({"quoted_at": "2026-11-22T10:00:60Z"}, FaultCode.OUT_OF_RANGE, "quoted_at"),
        ({"quoted_at": "0001-01-01T00:00:00+01:00"}, FaultCode.OUT_OF_RANGE, "quoted_at"),
        ({"expires_at": "9999-12-31T23:59:59-01:00"}, FaultCode.OUT_OF_RANGE, "expires_at"),
        ({"expires_at": "9999-12-31T22:59:59Z"}, FaultCode.OUT_OF_RANGE, "expires_at"),
        ({"expires_at": "2026-11-22T10:00:00Z"}, FaultCode.QUOTE_WINDOW, "expires_at"),
        ({"expires_at": "2026-11-22T11:59:59+02:00"}, FaultCode.QUOTE_WINDOW, "expires_at"),
        ({"max_total": "0"}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": -1}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": "1e3"}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": "1,50"}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": "1234567890123"}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": 1234567890123}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": "0.0000001"}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": 0.0000001}, FaultCode.OUT_OF_RANGE, "max_total"),
        ({"max_total": True}, FaultCode.WRONG_TYPE, "max_total"),
        ({"max_total": ["1"]}, FaultCode.WRONG_TYPE, "max_total"),
        ({"currency": None}, FaultCode.MISSING_FIELD, "currency"),
        ({"currency": "try"}, FaultCode.OUT_OF_RANGE, "currency"),
        ({"currency": "TRY\n"}, FaultCode.OUT_OF_RANGE, "currency"),
    ],
)
def test_a_wrong_quote_is_refused_by_field(changes: Body, code: FaultCode, field: str) -> None:
    body = hyperteknoloji()
    body["quote"].update(changes)
    found = fault(body)
    assert (found.code, found.path) == (code, f"quote.{field}")


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"deliver_id": "100045-1"}, FaultCode.DUPLICATE_DELIVER_ID, "lines[1].deliver_id"),
        ({"DeliverID": "another"}, FaultCode.UNKNOWN_FIELD, "lines[1].DeliverID"),
        ({"deliver_id": "a\tb"}, FaultCode.BAD_TEXT, "lines[1].deliver_id"),
        ({"quantity": 0}, FaultCode.OUT_OF_RANGE, "lines[1].quantity"),
        ({"quantity": 2**31}, FaultCode.OUT_OF_RANGE, "lines[1].quantity"),
        ({"quantity": "1"}, FaultCode.WRONG_TYPE, "lines[1].quantity"),
        ({"quantity": 1.0}, FaultCode.WRONG_TYPE, "lines[1].quantity"),
        ({"quantity": True}, FaultCode.WRONG_TYPE, "lines[1].quantity"),
        (
            {"customer_store_product_id": 0},
            FaultCode.OUT_OF_RANGE,
            "lines[1].customer_store_product_id",
        ),
        ({"require_data": None}, FaultCode.WRONG_TYPE, "lines[1].require_data"),
        (
            {"require_data": [{"product_require_id": 1}]},
            FaultCode.MISSING_FIELD,
            "lines[1].require_data[0].value",
        ),
        (
            {"require_data": [{"product_require_id": 1, "value": 4711}]},
            FaultCode.WRONG_TYPE,
            "lines[1].require_data[0].value",
        ),
    ],
)
def test_a_wrong_hyperteknoloji_line_is_refused_by_field(
    changes: Body, code: FaultCode, path: str
) -> None:
    body = hyperteknoloji()
    body["lines"][1].update(changes)
    found = fault(body)
    assert (found.code, found.path) == (code, path)


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"sku": ""}, FaultCode.OUT_OF_RANGE, "lines[0].sku"),
        ({"product_type": "voucher"}, FaultCode.OUT_OF_RANGE, "lines[0].product_type"),
        ({"face_value": "0.00"}, FaultCode.OUT_OF_RANGE, "lines[0].face_value"),
        ({"face_value": None}, FaultCode.WRONG_TYPE, "lines[0].face_value"),
        ({"quantity": 6}, FaultCode.OUT_OF_RANGE, "lines[0].quantity"),
        ({"quantity": 0}, FaultCode.OUT_OF_RANGE, "lines[0].quantity"),
    ],
)
def test_a_wrong_gifthub_line_is_refused_by_field(
    changes: Body, code: FaultCode, path: str
) -> None:
    body = gifthub()
    body["lines"][0].update(changes)
    found = fault(body)
    assert (found.code, found.path) == (code, path)


def gifthub_lines(*skus: str) -> list[Body]:
    line = gifthub()["lines"][0]
    return [{**line, "deliver_id": f"d{n}", "sku": sku} for n, sku in enumerate(skus)]


def test_gifthub_takes_five_skus_of_five_each_and_no_more() -> None:
    five = [{**line, "quantity": 5} for line in gifthub_lines("a", "b", "c", "d", "e")]
    raw = json.dumps({**gifthub(), "lines": five}).encode()
    assert len(read_intent(raw, producer=None).intent.lines) == 5
    found = fault({**gifthub(), "lines": gifthub_lines("a", "b", "c", "d", "e", "f")})
    assert (found.code, found.path) == (FaultCode.OUT_OF_RANGE, "lines")
    assert "at most 5" in found.detail


def test_the_two_limits_of_gifthub_keep_its_third() -> None:
    assert MAX_LINES * MAX_QUANTITY <= 25


def test_gifthub_takes_a_sku_once() -> None:
    found = fault({**gifthub(), "lines": gifthub_lines("a", "b", "a")})
    assert (found.code, found.path) == (FaultCode.DUPLICATE_VALUE, "lines[2].sku")


def test_a_wallet_is_a_currency_code() -> None:
    assert fault({**gifthub(), "wallet": "eur"}).path == "wallet"
    assert fault({key: item for key, item in gifthub().items() if key != "wallet"}).code is (
        FaultCode.MISSING_FIELD
    )


def test_several_faults_name_the_first_and_count_the_others() -> None:
    body = hyperteknoloji()
    body["lines"][0].update(quantity=0)
    body["lines"][1].update(quantity=0)
    body["billing_address_id"] = "x"
    found = fault(body)
    assert found.path == "lines[0].quantity"
    assert "2 more" in found.detail
    assert "more" not in fault({**hyperteknoloji(), "lines": [1]}).detail


def test_a_fault_says_where_what_and_which_kind() -> None:
    assert str(fault({**gifthub(), "lines": []})) == (
        "lines: An intent has at least one line (empty_lines)"
    )
    assert str(fault(b"[]")).startswith("intent: ")
