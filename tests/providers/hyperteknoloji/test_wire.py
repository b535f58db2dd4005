"""Reading Hyperteknoloji's answers: no answer is too odd to be judged, and none too kindly."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.money import Money
from tests.providers.answers import patient, replies, reply
from tests.providers.hyperteknoloji.test_adapter import basket
from tests.providers.trial import CUSTOMER
from worker.http import Reply
from worker.lifecycle import LineState
from worker.outcome import Confirmed, InDoubt, LineReport, NotSent, RefusalCode, Refused
from worker.provider import Token
from worker.providers.hyperteknoloji import standing, wire

ORDER: Final = basket(1, 2)
LINES: Final = tuple(replace(line, provider_line_ref=str(55 + line.index)) for line in ORDER.lines)
PLACED: Final = replace(ORDER, lines=LINES, provider_ref="9")
REFS: Final = [line.line_ref for line in ORDER.lines]
PRICING: Final = wire.Pricing("TRY", per_unit=True)
OPENED: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)


def created(**fields: Any) -> dict[str, Any]:
    details = [
        {"DeliverID": ref, "OrderDetailID": 55 + n, "Quantity": 2, "Price": 19.9}
        for n, ref in enumerate(REFS)
    ]
    data = {"OrderID": 9, "details": details, "items": None, **fields}
    return {"data": data, "success": True, "message": "OK"}


def refused(reason: str | None, message: str = "") -> dict[str, Any]:
    items = [{"ProductID": 3, "reason": reason}] if reason else None
    return {"data": {"OrderID": 0, "details": [], "items": items}, "success": False,
            "message": message}  # fmt: skip


# --- create --------------------------------------------------------------------------------------


@patient
@given(replies(created()))
def test_any_answer_to_a_create_call_is_an_outcome_and_only_a_whole_yes_is_yes(
    answer: Reply,
) -> None:
    outcome = wire.read_created(answer, ORDER, PRICING)
    match outcome:
        case Confirmed():
            said = json.loads(answer.body)
            assert answer.status == 200
            assert said["success"] is True
            assert set(REFS) <= {one.get("DeliverID") for one in said["data"]["details"]}
        case Refused():
            forbidden = answer.status == 403
            assert forbidden or json.loads(answer.body)["success"] is False
            assert outcome.reason.isprintable()
        case NotSent():
            assert answer.status in {401, 404, 429}
        case _:
            assert isinstance(outcome, InDoubt)


@patient
@given(replies(refused("stok yok", "fiyat")))
def test_no_refusal_however_spoilt_becomes_a_yes(answer: Reply) -> None:
    assert not isinstance(wire.read_created(answer, ORDER, PRICING), Confirmed)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, created(details=[])),
        (200, created(OrderID=None)),
        (200, created(details=created()["data"]["details"][:1])),
        (201, created()),
        (400, created()),
        (401, created()),
        (500, created()),
        (200, {**created(), "success": False}),
        (200, {**created(), "success": "true"}),
        (200, {**created(), "SUCCESS": True}),
        (200, {}),
        (500, refused("out of stock")),
        (502, None),
    ],
)
def test_what_is_neither_a_clear_yes_nor_a_clear_no_is_doubt(status: int, document: Any) -> None:
    assert isinstance(wire.read_created(reply(status, document), ORDER, PRICING), InDoubt)


def test_equal_keys_leave_no_clear_meaning() -> None:
    twice = Reply(200, {}, b'{"success":false,' + json.dumps(created()).encode()[1:])
    assert isinstance(wire.read_created(twice, ORDER, PRICING), InDoubt)


def test_prices_are_exact_and_of_the_whole_line() -> None:
    outcome = wire.read_created(reply(200, created()), ORDER, PRICING)
    assert isinstance(outcome, Confirmed)
    assert [line.price for line in outcome.lines] == [Money(Decimal("39.8"), "TRY")] * 2
    assert outcome.total == Money(Decimal("79.6"), "TRY")


@pytest.mark.parametrize("price", [None, -1, "19,90", True, "NaN", 10**17, {}])
def test_a_price_that_is_none_is_not_made_up(price: Any) -> None:
    document = created()
    document["data"]["details"][0]["Price"] = price
    outcome = wire.read_created(reply(200, document), ORDER, PRICING)
    assert isinstance(outcome, Confirmed)
    assert outcome.lines[0].price is None
    assert outcome.total is None


@pytest.mark.parametrize(
    ("reason", "message", "code"),
    [
        ("STOKTA YOK", "", RefusalCode.OUT_OF_STOCK),
        ("Ürün tükendi", "", RefusalCode.OUT_OF_STOCK),
        ("FİYAT DEĞİŞTİ", "", RefusalCode.PRICE_CHANGED),
        (None, "YETERSİZ BAKİYE", RefusalCode.INSUFFICIENT_FUNDS),
        ("?", "Yetersiz stok", RefusalCode.OUT_OF_STOCK),
        (None, "Bir hata", RefusalCode.OTHER),
    ],
)
def test_refusals_are_understood_in_the_tenants_language(
    reason: str | None, message: str, code: RefusalCode
) -> None:
    outcome = wire.read_created(reply(200, refused(reason, message)), ORDER, PRICING)
    assert isinstance(outcome, Refused)
    assert outcome.code is code


def test_evidence_keeps_the_answer_and_hides_the_customer() -> None:
    document = refused("out of stock", f"{CUSTOMER} " * 200)
    outcome = wire.read_created(reply(200, document), ORDER, PRICING)
    body = outcome.evidence.body or ""
    assert outcome.evidence.request_ref == REFS[0]
    assert "out of stock" in body
    assert CUSTOMER.split()[0] not in body
    assert len(body) <= 2000


# --- login ---------------------------------------------------------------------------------------


@patient
@given(replies({"data": {"Token": "jwt", "Expiration": "2026-11-22T10:00:00Z"}, "success": True}))
def test_any_answer_to_a_login_is_a_token_for_a_header_or_none(answer: Reply) -> None:
    outcome = wire.read_login(answer)
    assert isinstance(outcome, Token | NotSent)
    if isinstance(outcome, Token):
        assert outcome.value.isascii()
        assert outcome.value.isprintable()


@pytest.mark.parametrize(
    ("expiration", "expires_at"),
    [
        ("2026-11-22T10:00:00Z", OPENED),
        ("2026-11-22T13:00:00+03:00", OPENED),
        ("2026-11-22T10:00:00.0000000", OPENED),
        ("soon", None),
        (None, None),
    ],
)
def test_a_tokens_end_is_read_in_utc(expiration: str | None, expires_at: datetime | None) -> None:
    document = {"data": {"token": "jwt", "expiration": expiration}, "success": True}
    assert wire.read_login(reply(200, document)) == Token("jwt", expires_at)


# --- detail --------------------------------------------------------------------------------------


@patient
@given(
    replies(
        {
            "data": {
                "OrderDetailID": 55,
                "Status": st.sampled_from([0, 1, 2, 3]),
                "DeliveryData": ["code-1", "code-2"],
                "DeliveryNote": None,
            },
            "success": True,
        }
    )
)
def test_any_answer_about_a_line_is_survived(answer: Reply) -> None:
    report = standing.read_detail(answer, PLACED, PLACED.lines[0])
    assert isinstance(report, LineReport | NotSent | InDoubt)
    assert "code-" not in repr(report)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (0, LineState.CANCELLED, "cancelled by the provider"),
        (1, LineState.DELIVERED, None),
        (2, LineState.ACCEPTED, None),
        (3, LineState.ACCEPTED, "taken out of processing"),
        (4, LineState.ACCEPTED, "unknown status"),
        (True, LineState.ACCEPTED, "unknown status"),
    ],
)
def test_each_status_has_its_meaning(status: Any, state: LineState, reason: str | None) -> None:
    document = {"data": {"Status": status}, "success": True}
    report = standing.read_detail(reply(200, document), PLACED, PLACED.lines[0])
    assert report == LineReport(REFS[0], state, "55", reason=reason)


@pytest.mark.parametrize(
    ("note", "items"),
    [
        (None, ({"code": "A"}, {"code": "B"})),
        ("use soon", ({"code": "A"}, {"code": "B"}, {"note": "use soon"})),
        (["1", " "], ({"code": "A"}, {"code": "B"}, {"note": "1"})),
    ],
)
def test_codes_and_notes_are_goods(note: Any, items: tuple[dict[str, str], ...]) -> None:
    data = {"Status": 1, "DeliveryData": ["A", "B"], "DeliveryNote": note}
    document = {"data": data, "success": True}
    report = standing.read_detail(reply(200, document), PLACED, PLACED.lines[0])
    assert isinstance(report, LineReport)
    assert report.goods
    assert report.goods.items == items


@pytest.mark.parametrize(
    "data",
    [
        {"Status": 1, "DeliveryData": [{"pin": "1"}]},
        {"Status": 1, "DeliveryData": 7},
        {"Status": 1, "OrderDetailID": 56},
        {"Status": 1, "DeliverID": "another"},
        {},
    ],
)
def test_goods_that_cannot_be_read_or_are_anothers_are_asked_for_again(data: Any) -> None:
    document = {"data": data, "success": True}
    report = standing.read_detail(reply(200, document), PLACED, PLACED.lines[0])
    assert isinstance(report, InDoubt)
