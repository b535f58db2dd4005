"""Reading Gifthub's answers: no answer is too odd to be judged, and none too kindly."""

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
from tests.providers.gifthub.test_adapter import cards
from worker.http import Reply
from worker.lifecycle import LineState
from worker.outcome import (
    Absent,
    Checked,
    Confirmed,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.gifthub import standing, wire

SKU: Final = "038-00-range"
ORDER: Final = cards(SKU)
PLACED: Final = replace(ORDER, provider_ref="xQg4")
STATES: Final = ["pending", "confirmed", "successful", "partial", "failed", "rejected", "expired"]

CREATED: Final[dict[str, Any]] = {
    "message": "No Message",
    "data": {
        "id": "xQg4",
        "invoice": {
            "total": 5.5,
            "wallet": "EUR",
            "records": [{"sku": SKU, "total": {"EUR": 5.5}, "items": []}],
        },
        "expiresAt": 1712083242072,
    },
}
CONFIRMED: Final = {"message": "", "data": {"id": "xQg4", "state": st.sampled_from(STATES)}}
GOT: Final = {
    "data": {
        "uid": "xQg4",
        "state": st.sampled_from([*STATES, "reviewing"]),
        "redeemData": {
            SKU: {"cards": [{"redeemCardCode": "code-1", "redeemPin": ""}], "currency": "EUR"}
        },
    }
}


def got(state: str, redeem: Any = None) -> Reply:
    return reply(200, {"data": {"uid": "xQg4", "state": state, "redeemData": redeem}})


def polled(answer: Reply) -> Outcome:
    return standing.read_polled(answer, PLACED, "pending")


def looked_up(answer: Reply) -> LookUp:
    return standing.read_looked_up(answer, PLACED, "pending")


# --- create and confirm --------------------------------------------------------------------------


@patient
@given(replies(CREATED))
def test_any_answer_to_a_create_call_is_an_outcome_and_only_an_id_is_yes(answer: Reply) -> None:
    outcome = wire.read_created(answer, ORDER)
    match outcome:
        case Confirmed():
            assert answer.status == 200
            assert outcome.provider_ref == str(json.loads(answer.body)["data"]["id"])
        case Refused() | NotSent():
            assert answer.status >= 400
        case _:
            assert isinstance(outcome, InDoubt)


@patient
@given(replies(CONFIRMED))
def test_any_answer_to_a_confirm_call_is_an_outcome_and_only_our_order_bought_is_yes(
    answer: Reply,
) -> None:
    outcome = wire.read_confirmed(answer, PLACED)
    assert isinstance(outcome, Confirmed | Refused | NotSent | InDoubt)
    if isinstance(outcome, Confirmed):
        said = json.loads(answer.body)["data"]
        assert answer.status == 200
        assert said["id"] == "xQg4"
        assert said["state"] not in {"pending", "expired"}


def test_a_frozen_price_is_read_with_its_end() -> None:
    outcome = wire.read_created(reply(200, CREATED), ORDER)
    assert isinstance(outcome, Confirmed)
    assert outcome.total == Money(Decimal("5.5"), "EUR")
    assert [line.price for line in outcome.lines] == [Money(Decimal("5.5"), "EUR")]
    assert outcome.expires_at == datetime(2024, 4, 2, 18, 40, 42, 72_000, tzinfo=UTC)


@pytest.mark.parametrize("end", [None, "soon", 10**18, -(10**18), True])
def test_an_end_that_is_none_is_not_made_up(end: Any) -> None:
    document = {"data": CREATED["data"] | {"expiresAt": end}}
    outcome = wire.read_created(reply(200, document), ORDER)
    assert isinstance(outcome, Confirmed)
    assert outcome.expires_at is None


@pytest.mark.parametrize(
    ("invoice", "total"),
    [
        ("Wallet Invoice", None),
        ("5.50", Money(Decimal("5.50"), "EUR")),
        ({"total": 7, "wallet": "IRT"}, Money(Decimal(7), "IRT")),
        ({"total": -7}, None),
        (None, None),
    ],
)
def test_an_invoice_may_be_an_object_or_a_text(invoice: Any, total: Money | None) -> None:
    outcome = wire.read_created(reply(200, {"data": {"id": "1", "invoice": invoice}}), ORDER)
    assert isinstance(outcome, Confirmed)
    assert outcome.total == total


def test_a_face_value_is_written_exactly() -> None:
    order = cards(SKU)
    line = order.intent.lines[0].model_copy(update={"face_value": Decimal("123456789012.345678")})
    exact = replace(order, intent=order.intent.model_copy(update={"lines": (line,)}))
    assert b'"quote":123456789012.345678,' in wire.create_body(exact, None)


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "Product list is bigger than allowed", RefusalCode.INVALID),
        (400, "List is not well formatted", RefusalCode.INVALID),
        (400, "Quote doesn't match the SKU", RefusalCode.PRICE_CHANGED),
        (400, "Quote is not in range", RefusalCode.INVALID),
        (404, "Product(s) not found", RefusalCode.UNKNOWN_PRODUCT),
        (500, "The requested exchange is not supported", RefusalCode.INVALID),
        (500, "ITEM OUT OF STOCK", RefusalCode.OUT_OF_STOCK),
        (403, "whatever", RefusalCode.FORBIDDEN),
    ],
)
def test_a_refusal_is_told_by_its_text_whatever_its_status(
    status: int, message: str, code: RefusalCode
) -> None:
    outcome = wire.read_created(reply(status, {"message": message}), ORDER)
    assert isinstance(outcome, Refused)
    assert outcome.code is code


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"message": "Item out of stock"}),
        (200, {"data": {"id": ""}}),
        (400, {"message": "something else"}),
        (404, {"message": "Not found"}),
        (403, None),
        (403, {"error": "blocked by a proxy"}),
        (404, None),
        (419, {"message": "what?"}),
        (500, {"message": "Internal server error"}),
        (500, CREATED | {"message": "Item out of stock"}),
        (201, CREATED),
    ],
)
def test_what_is_neither_a_clear_yes_nor_a_clear_no_is_doubt(status: int, document: Any) -> None:
    assert isinstance(wire.read_created(reply(status, document), ORDER), InDoubt)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, {"data": {"id": "another", "state": "confirmed"}}),
        (200, {"data": {"id": "xQg4"}}),
        (200, {"data": {"id": "xQg4", "state": "pending"}}),
        (404, {"message": "Not a pending order"}),
        (403, None),
        (419, "Page Expired"),
        (500, {"message": "Internal server error"}),
    ],
)
def test_a_confirm_call_without_a_clear_answer_is_doubt(status: int, document: Any) -> None:
    assert isinstance(wire.read_confirmed(reply(status, document), PLACED), InDoubt)


# --- customer ------------------------------------------------------------------------------------


@patient
@given(replies({"data": {"wallet": {"EUR": {"balance": 10, "frozenBalance": 2.5}}}}))
def test_any_answer_about_the_customer_is_survived_and_only_wallets_let_us_in(
    answer: Reply,
) -> None:
    found = wire.read_customer(answer, frozen_within=True, secrets=["t0ken"])
    assert isinstance(found, Checked | Refused | NotSent | InDoubt)
    if isinstance(found, Checked):
        assert answer.status == 200
        assert isinstance(json.loads(answer.body)["data"]["wallet"], dict)
        assert all(money.amount >= 0 for money in found.balances)


@pytest.mark.parametrize(
    ("held", "free"),
    [
        ({"balance": 10, "frozenBalance": 2.5, "creditBalance": 99}, Decimal("7.5")),
        ({"balance": "10.00"}, Decimal("10.00")),
        ({"balance": 10, "frozenBalance": 12}, Decimal(0)),
        ({"balance": None}, None),
        ("10", None),
    ],
    ids=["part frozen", "nothing frozen", "too much frozen", "no balance", "no wallet"],
)
def test_what_a_wallet_can_pay_with_is_what_is_not_frozen(held: Any, free: Decimal | None) -> None:
    answer = reply(200, {"data": {"wallet": {"EUR": held}}})
    found = wire.read_customer(answer, frozen_within=True)
    assert isinstance(found, Checked)
    assert found.balances == (() if free is None else (Money(free, "EUR"),))


# --- get -----------------------------------------------------------------------------------------


@patient
@given(replies(GOT))
def test_any_answer_to_a_get_call_is_survived_and_proves_no_more_than_it_says(
    answer: Reply,
) -> None:
    found, outcome = looked_up(answer), polled(answer)
    assert "code-" not in f"{found!r} {outcome!r}"
    assert isinstance(outcome, Confirmed | Pending | NotSent | InDoubt)
    if isinstance(found, Absent | Confirmed | Refused):
        assert answer.status == 200
        state = json.loads(answer.body)["data"]["state"]
        assert isinstance(found, Absent) is (state == "pending")
        assert isinstance(found, Confirmed) is (state not in {"pending", "expired"})


def test_another_orders_state_is_not_ours() -> None:
    stranger = reply(200, {"data": {"uid": "another", "state": "successful"}})
    assert isinstance(looked_up(stranger), InDoubt)
    assert isinstance(polled(stranger), InDoubt)


def test_partly_delivered_skus_are_told_apart() -> None:
    order = replace(cards("a", "b", "c", quantity=1), provider_ref="xQg4")
    redeem = {"a": {"cards": [{"redeemCardCode": "1"}]}, "b": {"cards": []}}
    outcome = standing.read_polled(got("partial", redeem), order, "pending")
    assert isinstance(outcome, Pending)
    states = [line.state for line in outcome.lines]
    assert states == [LineState.DELIVERED, LineState.ACCEPTED, LineState.ACCEPTED]


def test_a_card_keeps_what_it_has_and_drops_what_is_empty() -> None:
    card = {"redeemCardCode": "A", "redeemPin": "", "redeemLink": None, "value": 5}
    outcome = polled(got("successful", {SKU: {"cards": [card, {"redeemPin": ""}]}}))
    assert isinstance(outcome, Confirmed)
    assert outcome.lines[0].goods
    assert outcome.lines[0].goods.items == ({"redeemCardCode": "A", "value": "5"},)
    assert outcome.lines[0].reason == "1 of 2 cards came"


@pytest.mark.parametrize("redeem", ["soon", {SKU: "soon"}, {SKU: {"cards": "soon"}},
                                    {SKU: {"cards": ["code"]}}])  # fmt: skip
def test_cards_that_cannot_be_read_are_asked_for_again(redeem: Any) -> None:
    assert isinstance(polled(got("successful", redeem)), InDoubt)
