"""Reading an intent: what is taken, what is refused, and with which words."""

import copy
import json
import traceback
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from schemas.intents import (
    FaultCode,
    GifthubIntent,
    HyperteknolojiIntent,
    HyperteknolojiLine,
    IntentFault,
    ReadIntent,
    RequireData,
    json_schema,
    load_intent,
    masked,
    read_intent,
)
from schemas.intents.gifthub import MAX_LINES, MAX_QUANTITY
from schemas.jsontext import JsonProblem

Body = dict[str, Any]
SECRET = "Ayşe-4711"


def hyperteknoloji() -> Body:
    (example,) = json_schema()["$defs"]["HyperteknolojiIntent"]["examples"]
    body: Body = copy.deepcopy(example)
    body["lines"].append({**copy.deepcopy(body["lines"][0]), "deliver_id": "100045-2"})
    return body


def gifthub() -> Body:
    (example,) = json_schema()["$defs"]["GifthubIntent"]["examples"]
    body: Body = copy.deepcopy(example)
    return body


def read(body: Any, **changes: Any) -> ReadIntent:
    raw = json.dumps({**body, **changes}, ensure_ascii=False).encode()
    return read_intent(raw, producer="shop-eu")


def fault(raw: bytes | Body, producer: str | None = "shop-eu") -> IntentFault:
    raw = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    with pytest.raises(IntentFault) as caught:
        read_intent(raw, producer=producer)
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


Mend = Callable[[Body], object]


@pytest.mark.parametrize(
    ("spoil", "code", "path"),
    [
        (lambda b: b.pop("provider"), FaultCode.MISSING_FIELD, "provider"),
        (lambda b: b.update(provider="acme"), FaultCode.UNKNOWN_PROVIDER, "provider"),
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
        (lambda b: b.update({SECRET: 1}), FaultCode.UNKNOWN_FIELD, "…"),
        (lambda b: b.pop("lines"), FaultCode.MISSING_FIELD, "lines"),
        (lambda b: b.update(lines=[]), FaultCode.EMPTY_LINES, "lines"),
        (lambda b: b.update(lines={}), FaultCode.WRONG_TYPE, "lines"),
        (lambda b: b.update(lines="line"), FaultCode.WRONG_TYPE, "lines"),
        (lambda b: b.update(lines=[[]]), FaultCode.WRONG_TYPE, "lines[0]"),
        (lambda b: b.update(hyperteknoloji={"lines": 1}, lines=1), FaultCode.WRONG_TYPE, "lines"),
    ],
)
def test_a_wrong_envelope_is_refused_by_field(spoil: Mend, code: FaultCode, path: str) -> None:
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


def test_a_development_host_may_be_notified_without_tls() -> None:
    raw = json.dumps({**gifthub(), "notify_url": "http://127.0.0.1:8000/hook"}).encode()
    hosts = frozenset({"127.0.0.1:8000"})
    kept = read_intent(raw, producer="shop-eu", development_hosts=hosts)
    assert load_intent(kept.document) == kept.intent


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
    assert len(read(gifthub(), lines=five).intent.lines) == 5
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


def test_the_producer_comes_from_the_stream_where_the_body_is_silent() -> None:
    body = hyperteknoloji()
    del body["producer"]
    assert read(body).intent.producer == "shop-eu"
    assert fault(body, producer=None).path == "producer"


def test_the_body_names_the_producer_where_there_is_no_stream() -> None:
    kept = read_intent(json.dumps(hyperteknoloji()).encode(), producer=None)
    assert kept.intent.producer == "shop-eu"


def test_a_stream_whose_key_names_no_producer_is_refused() -> None:
    body = gifthub()
    del body["producer"]
    assert fault(body, producer="Shop EU").path == "producer"


def test_the_spelling_of_the_seeds_names_the_same_line() -> None:
    body = hyperteknoloji()
    for line in body["lines"]:
        line["DeliverID"] = line.pop("deliver_id")
    kept = read(body)
    assert kept.intent == read(hyperteknoloji()).intent
    assert kept.document["lines"][0]["deliver_id"] == "100045-1"
    assert kept.fingerprint != read(hyperteknoloji()).fingerprint


def test_what_is_kept_is_plain_json_in_our_spelling_with_defaults_written_out() -> None:
    body = gifthub()
    body["quote"].update(quoted_at="2026-11-22T12:00:00+02:00", max_total=5.4)
    document = read(body).document
    assert document == json.loads(json.dumps(document))
    assert document["account"] == "default"
    assert document["quote"]["quoted_at"] == "2026-11-22T10:00:00Z"
    assert document["quote"]["max_total"] == "5.4"


def test_amounts_keep_every_digit() -> None:
    body = gifthub()
    body["lines"][0]["face_value"] = "999999999999.999999"
    intent = read(body).intent
    assert isinstance(intent, GifthubIntent)
    assert intent.lines[0].face_value == Decimal("999999999999.999999")


def test_what_was_kept_is_read_back_as_the_same_intent() -> None:
    for body in (hyperteknoloji(), gifthub()):
        kept = read(body)
        assert load_intent(kept.document) == kept.intent


def test_a_document_that_no_longer_is_an_intent_says_so() -> None:
    document = read(gifthub()).document
    del document["wallet"]
    with pytest.raises(IntentFault, match="wallet"):
        load_intent(document)


def test_personal_data_is_kept_and_sent_but_never_shown() -> None:
    body = hyperteknoloji()
    body["lines"][0]["require_data"][0]["value"] = SECRET
    kept = read(body)
    assert isinstance(kept.intent, HyperteknolojiIntent)
    line = kept.intent.lines[0]
    assert line.require_data[0].value == SECRET
    assert kept.document["lines"][0]["require_data"][0]["value"] == SECRET
    for shown in (kept, kept.intent, line, line.require_data, line.require_data[0]):
        assert SECRET not in f"{shown!r} {shown}"
    assert masked(kept.intent)["lines"][0]["require_data"][0]["value"] == "…"


def test_a_masked_intent_is_otherwise_the_document() -> None:
    kept = read(gifthub())
    assert masked(kept.intent) == kept.document


def test_a_fault_of_personal_data_shows_none_of_it_even_in_a_traceback() -> None:
    body = hyperteknoloji()
    body["lines"][0]["require_data"][0]["value"] = [SECRET]
    found = fault(body)
    assert SECRET not in "".join(traceback.format_exception(found))
    assert found.__context__ is None


def test_parts_made_in_python_hide_personal_data_in_their_errors_too() -> None:
    with pytest.raises(ValueError, match="1 validation error") as caught:
        HyperteknolojiLine(
            deliver_id="1",
            quantity=0,
            customer_store_product_id=1,
            require_data=(RequireData(product_require_id=1, value=SECRET),),
        )
    assert SECRET not in str(caught.value)


def test_an_intent_cannot_be_changed() -> None:
    intent = read(gifthub()).intent
    with pytest.raises(ValueError, match="frozen"):
        intent.account = "other"


def test_numbers_that_are_equal_leave_the_same_fingerprint() -> None:
    texts = [with_text('"19.90"', spelling) for spelling in ("19.9", "19.90", "1.99e1")]
    prints = {read_intent(text, producer="shop-eu").fingerprint for text in texts}
    assert len(prints) == 1
    assert read(hyperteknoloji()).fingerprint not in prints


def test_a_fault_says_where_what_and_which_kind() -> None:
    assert str(fault({**gifthub(), "lines": []})) == (
        "lines: An intent has at least one line (empty_lines)"
    )
    assert str(fault(b"[]")).startswith("intent: ")
