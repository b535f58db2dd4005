"""Reading Adobe's previews, returns, lists and tokens: none is too odd to be judged."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.adobe_vipm.licences import previewed, renewal
from tests.providers.adobe_vipm.test_wire import PLACED, STATUSES, answered, line
from tests.providers.answers import patient, replies, reply
from tests.providers.trial import an_attempt, an_order
from worker.http import Reply
from worker.lifecycle import LineState, Step
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    Refused,
)
from worker.provider import Token
from worker.providers.adobe_vipm import listing, login, previews, returns

PREVIEW: Final = previewed("offer-1", "offer-2")
NOW: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)


def priced(**fields: Any) -> dict[str, Any]:
    lines = [
        line(n, "", proratedDays=90, pricing={"lineItemPartnerPrice": 10.5, "partnerPrice": 5})
        for n in (1, 2)
    ]
    return {
        "orderType": "PREVIEW",
        "orderId": "",
        "status": "",
        "currencyCode": "USD",
        "lineItems": lines,
        "pricingSummary": [{"totalLineItemPartnerPrice": 21, "currencyCode": "USD"}],
        **fields,
    }


def preview(answer: Reply) -> Outcome:
    return previews.read_previewed(answer, PREVIEW, NOW, timedelta(minutes=5), "ref")


# --- previews ------------------------------------------------------------------------------------


@patient
@given(replies(priced()))
def test_any_answer_to_a_preview_is_an_outcome_and_a_yes_names_every_line(answer: Reply) -> None:
    outcome = preview(answer)
    assert isinstance(outcome, Confirmed | Refused | NotSent | InDoubt)
    if isinstance(outcome, Confirmed):
        assert [one.details["offer_id"] for one in outcome.lines]
        assert {one.state for one in outcome.lines} == {LineState.QUOTED}
        assert outcome.provider_ref is None


@pytest.mark.parametrize(
    "document",
    [
        priced(orderId="5120008001"),
        priced(orderType="NEW"),
        priced(lineItems=[]),
        priced(lineItems=[line(1)]),
        priced(lineItems=[line(1), {**line(2), "quantity": 3}]),
        priced(lineItems=[line(1), {**line(2), "offerId": ""}]),
        priced(lineItems=[line(1), {**line(2), "extLineItemNumber": []}]),
    ],
)
def test_a_preview_that_is_not_of_our_lines_promises_nothing(document: Any) -> None:
    assert isinstance(preview(reply(200, document)), InDoubt)


@pytest.mark.parametrize(
    "summary",
    [
        None,
        [],
        {},
        [{"totalLineItemPartnerPrice": 1, "currencyCode": c} for c in ("USD", "EUR")],
        [{"totalLineItemPartnerPrice": -1, "currencyCode": "USD"}],
        [{"totalLineItemPartnerPrice": 21, "currencyCode": ""}],
    ],
)
def test_a_total_that_is_not_one_amount_is_none(summary: Any) -> None:
    outcome = preview(reply(200, priced(pricingSummary=summary)))
    assert isinstance(outcome, Confirmed)
    assert outcome.total is None


def test_prices_are_exact() -> None:
    body = json.dumps(priced()).replace("10.5", "24.6550000000000000001").encode()
    outcome = preview(Reply(200, {}, body))
    assert isinstance(outcome, Confirmed)
    assert str(outcome.lines[0].price) == "24.6550000000000000001 USD"
    assert outcome.lines[0].details["partner_price"] == "5"


def test_a_preview_of_a_renewal_is_read_as_one() -> None:
    order = renewal("offer-1", order_type="PREVIEW_RENEWAL")
    document = priced(orderType="PREVIEW_RENEWAL", lineItems=[line(1, "1004")])
    outcome = previews.read_previewed(reply(200, document), order, NOW, timedelta(1), "ref")
    assert isinstance(outcome, Confirmed)
    assert outcome.lines[0].state is LineState.FAILED


@patient
@given(replies(priced(orderType="PREVIEW_RENEWAL")))
def test_any_answer_to_a_preview_of_all_renewals_is_survived(answer: Reply) -> None:
    order = an_order("adobe_vipm", [{}], customer_id="9", order_type="PREVIEW_RENEWAL")
    outcome = previews.read_previewed(answer, order, NOW, timedelta(1), "ref")
    assert isinstance(outcome, Confirmed | Refused | NotSent | InDoubt)


# --- returns, the list, the login ----------------------------------------------------------------


@patient
@given(
    replies(answered(st.sampled_from(STATUSES), orderType="RETURN", referenceOrderId="5120008001"))
)
def test_any_answer_to_a_return_is_an_outcome_and_only_what_is_complete_is_called_off(
    answer: Reply,
) -> None:
    outcome = returns.read_returned(answer, PLACED, "ref")
    assert isinstance(outcome, Outcome)
    if isinstance(outcome, Confirmed):
        assert LineState.CANCELLED in {one.state for one in outcome.lines}
        assert outcome.provider_ref == PLACED.provider_ref


def test_a_return_without_lines_stands_for_all_of_them() -> None:
    document = answered("1000", orderType="RETURN", referenceOrderId="5120008001", lineItems=[])
    outcome = returns.read_returned(reply(201, document), PLACED, "ref")
    assert isinstance(outcome, Confirmed)
    assert [one.state for one in outcome.lines] == [LineState.CANCELLED] * 2


@patient
@given(replies({"totalCount": 1, "items": [answered(st.sampled_from(STATUSES))]}))
def test_any_page_of_the_list_is_whole_or_proves_nothing(answer: Reply) -> None:
    page = listing.read_page(answer, "ref")
    assert isinstance(page, listing.Page | NotSent | InDoubt)
    if isinstance(page, listing.Page):
        for step in (Step.PLACE, Step.CANCEL):
            found = listing.finding(page.orders, PLACED, an_attempt(step))
            assert isinstance(found, LookUp)
            if isinstance(found, Confirmed) and step is Step.PLACE:
                assert page.orders
            assert isinstance(found, Absent) or found.evidence.request_ref


@patient
@given(replies({"access_token": "jwt", "token_type": "bearer", "expires_in": 86399}))
def test_any_answer_to_a_login_is_a_token_for_a_header_or_none(answer: Reply) -> None:
    outcome = login.read_login(answer)
    assert isinstance(outcome, Token | NotSent)
    if isinstance(outcome, Token):
        assert outcome.value.isascii()
        assert outcome.value.isprintable()


@pytest.mark.parametrize(
    ("date", "seconds", "expires_at"),
    [
        ("Sun, 22 Nov 2026 10:00:00 GMT", 86_399, NOW + timedelta(seconds=86_399)),
        ("Sun, 22 Nov 2026 10:00:00 GMT", "86399", None),
        ("Sun, 22 Nov 2026 10:00:00 GMT", -1, None),
        ("Sun, 22 Nov 2026 10:00:00 GMT", 10**12, None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_399, None),
        ("today", 86_399, None),
    ],
)
def test_a_tokens_end_is_counted_from_its_answer(
    date: str, seconds: Any, expires_at: datetime | None
) -> None:
    body = json.dumps({"access_token": "jwt", "expires_in": seconds}).encode()
    assert login.read_login(Reply(200, {"date": date}, body)) == Token("jwt", expires_at)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_keeps_its_word_and_no_secret(status: int) -> None:
    document = {"error": "invalid_client", "error_description": "s3cret", "access_token": "jwt"}
    outcome = login.read_login(reply(status, document))
    assert isinstance(outcome, NotSent)
    assert outcome.reason == "login_refused"
    assert "invalid_client" in (outcome.evidence.body or "")
    assert "s3cret" not in repr(outcome)
    assert "jwt" not in repr(outcome)
