"""Reading Adobe's answers: no answer is too odd to be judged, and none too kindly."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.adobe_vipm.licences import licences
from tests.providers.answers import patient, replies, reply
from worker.http import Reply
from worker.lifecycle import LineState, Step
from worker.outcome import (
    Confirmed,
    InDoubt,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.adobe_vipm import wire
from worker.providers.adobe_vipm.errors import MEANINGS
from worker.sandbox.remotes.adobe_vipm.documented import CODES

ORDER: Final = licences("offer-1", "offer-2")
PLACED: Final = replace(ORDER, provider_ref="5120008001")
STATUSES: Final = ["1000", "1002", "1004", "1008", "1010", "1020", "1022", "1024", "1026", "", "7"]


def line(number: int, status: Any = "1000", **fields: Any) -> dict[str, Any]:
    return {
        "extLineItemNumber": number,
        "offerId": f"offer-{number}",
        "quantity": 2,
        "subscriptionId": "sub-1",
        "status": status,
        **fields,
    }


def answered(status: Any = "1000", *lines: Any, **fields: Any) -> dict[str, Any]:
    return {
        "externalReferenceId": ORDER.order_id.hex,
        "orderId": "5120008001",
        "customerId": "9876543210",
        "orderType": "NEW",
        "currencyCode": "USD",
        "status": status,
        "lineItems": list(lines) or [line(1, status), line(2, status)],
        **fields,
    }


def error(code: Any, **fields: Any) -> dict[str, Any]:
    return {"code": code, "message": "No", **fields}


def read(answer: Reply) -> Outcome:
    return wire.read_ordered(answer, ORDER, Step.PLACE, "ref")


# --- ordering ------------------------------------------------------------------------------------


@patient
@given(replies(answered(st.sampled_from(STATUSES))))
def test_any_answer_to_an_order_is_an_outcome_and_only_an_id_is_yes(answer: Reply) -> None:
    outcome = read(answer)
    match outcome:
        case Confirmed():
            said = json.loads(answer.body)
            assert answer.status in {200, 201}
            assert outcome.provider_ref == str(said["orderId"])
            assert len(outcome.lines) == 2
        case NotSent():
            assert answer.status in {401, 429}
        case Refused():
            assert 400 <= answer.status < 500
        case _:
            assert isinstance(outcome, InDoubt)


@patient
@given(replies(error(st.sampled_from([*MEANINGS, "9999"]), additionalDetails=["Line Item: 1"])))
def test_no_error_however_spoilt_becomes_a_yes(answer: Reply) -> None:
    outcome = read(answer)
    assert not isinstance(outcome, Confirmed | Pending)
    if isinstance(outcome, Refused | NotSent):
        assert 400 <= answer.status < 500
    if isinstance(outcome, Refused):
        assert outcome.reason.isprintable()


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (201, {**answered(), "orderId": ""}),
        (201, {**answered(), "orderId": None}),
        (202, {}),
        (204, None),
        (201, {**answered(), "externalReferenceId": "another"}),
        (201, {**answered(), "orderType": "RETURN"}),
        (302, answered()),
        (400, answered()),
        (500, answered()),
        (201, error("2122")),
        (500, error("2122")),
        (500, error("1124")),
        (400, error("1124")),
        (400, error("1123")),
        (400, error(None)),
        (400, {"code": "2122"}),
        (400, {**error("2122"), "orderId": "5120008001"}),
        (404, {"error_code": "404000", "message": "No"}),
        (400, {"error_code": "400000", "message": "No"}),
        (403, "forbidden"),
    ],
)
def test_what_is_neither_a_clear_yes_nor_a_clear_no_is_doubt(status: int, document: Any) -> None:
    assert isinstance(read(reply(status, document)), InDoubt)


def test_equal_keys_leave_no_clear_meaning() -> None:
    twice = Reply(201, {}, b'{"orderId":"1",' + json.dumps(answered()).encode()[1:])
    assert isinstance(read(twice), InDoubt)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_every_documented_status_of_a_placed_order_is_accepted(status: int) -> None:
    outcome = read(reply(status, answered()))
    assert isinstance(outcome, Confirmed)
    assert outcome.provider_ref == "5120008001"


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_code_that_nobody_documented_is_a_no_of_its_own(status: int) -> None:
    outcome = read(reply(status, error("9999", additionalDetails=["why", 7])))
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.reason) == (RefusalCode.OTHER, "9999 No; why")


def test_every_code_of_the_documentation_has_its_row() -> None:
    assert {code for _, code, _ in CODES} == set(MEANINGS)


def test_a_wish_of_the_provider_goes_before_our_own_wait() -> None:
    document = json.dumps(error("5122")).encode()
    outcome = read(Reply(400, {"retry-after": "7"}, document))
    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(seconds=7)


def test_a_refusal_blames_the_lines_that_it_names() -> None:
    details = ["Line Item: 2, Reason: INELIGIBLE_ADD_ON", "line item:1, reason: x", "Line Item: 9"]
    outcome = read(reply(400, error("2129", additionalDetails=details)))
    assert isinstance(outcome, Refused)
    assert [one.reason for one in outcome.lines] == [details[1], details[0]]
    assert {one.state for one in outcome.lines} == {LineState.REFUSED}


# --- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "own", "state", "reason"),
    [
        ("1000", "1000", LineState.DELIVERED, None),
        ("1002", "1002", LineState.ACCEPTED, None),
        ("1002", "1000", LineState.DELIVERED, None),
        ("1000", "1002", LineState.ACCEPTED, None),
        ("1000", "1004", LineState.FAILED, "it failed at Adobe"),
        ("1000", "1008", LineState.CANCELLED, "it was given back"),
        ("1004", "1002", LineState.FAILED, "it failed at Adobe"),
        ("1008", "1002", LineState.CANCELLED, "it was given back"),
        ("1024", "", LineState.FAILED, "the customer is inactive"),
        ("1000", None, LineState.DELIVERED, None),
        ("1000", 1000, LineState.ACCEPTED, "unknown status '1000'"),
        (None, "", LineState.ACCEPTED, "unknown status 'None'"),
        ("1000", "odd", LineState.ACCEPTED, "unknown status 'odd'"),
    ],
)
def test_each_status_has_its_meaning(order: Any, own: Any, state: LineState, reason: Any) -> None:
    reports = wire.standing(ORDER, answered(order, line(1, own), line(2, own)))
    assert {(one.state, one.reason) for one in reports} == {(state, reason)}


def test_a_line_that_is_not_named_is_not_delivered() -> None:
    named, unnamed = wire.standing(ORDER, answered("1000", line(1)))
    assert named.state is LineState.DELIVERED
    assert (unnamed.state, unnamed.reason) == (LineState.ACCEPTED, "the answer does not name it")
    _, unnamed = wire.standing(ORDER, answered("1004", line(1, "1004")))
    assert unnamed.state is LineState.FAILED


@patient
@given(replies(answered(st.sampled_from(STATUSES))))
def test_any_answer_to_a_poll_is_survived_and_ends_only_when_every_line_has(
    answer: Reply,
) -> None:
    outcome = wire.read_polled(answer, PLACED)
    assert isinstance(outcome, Confirmed | Pending | NotSent | InDoubt)
    if isinstance(outcome, Confirmed):
        assert LineState.ACCEPTED not in {one.state for one in outcome.lines}


@pytest.mark.parametrize(
    "whose",
    [{"orderId": "5120008002"}, {"externalReferenceId": "another"}, {"orderType": "RETURN"}],
)
def test_a_poll_that_answers_for_another_order_says_nothing(whose: dict[str, str]) -> None:
    outcome = wire.read_polled(reply(200, answered(**whose)), PLACED)
    assert isinstance(outcome, InDoubt)


def test_a_poll_that_is_refused_is_no_refusal_of_the_order() -> None:
    outcome = wire.read_polled(reply(404, error("2115")), PLACED)
    assert isinstance(outcome, InDoubt)
    assert "2115" in outcome.reason
