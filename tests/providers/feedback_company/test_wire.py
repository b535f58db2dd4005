"""Reading the provider's answers: none is too odd to be judged, and none judged too kindly."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.providers.answers import headers, patient, replies, reply, statuses
from tests.providers.feedback_company.test_adapter import a_product, purchase
from tests.providers.trial import CUSTOMER, CUSTOMER_EMAIL
from worker.http import Reply
from worker.outcome import Checked, Confirmed, InDoubt, NotSent, RefusalCode, Refused
from worker.provider import Token
from worker.providers.feedback_company import errors, tokens, wire
from worker.providers.feedback_company.gtin import gtin_13

ORDER: Final = purchase(a_product(), None)
CLIENT: Final = tokens.Client(SecretStr("id 4711/&"), SecretStr("s3cret+/ü"))
TAKEN: Final = "external_id has already been taken"

errors_said: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [None, False, True, "", " ", "Unauthorized", "No access", TAKEN, "Bad data", 7, ["x"], {}]
)
answers: Final = st.fixed_dictionaries(
    {}, optional={"success": st.sampled_from([True, False, "true", None, 1]), "error": errors_said}
)


# --- create --------------------------------------------------------------------------------------


def said_to_be_there(document: Any) -> bool:
    return isinstance(document, dict) and document.get("error") == TAKEN


@patient
@given(replies({"success": True, "error": errors_said}) | replies(answers))
def test_any_answer_is_an_outcome_and_only_a_yes_that_is_said_is_yes(answer: Reply) -> None:
    outcome = wire.read_created(answer, ORDER)
    document = json.loads(answer.body) if _is_json(answer.body) else None
    said = document if isinstance(document, dict) else {}
    match outcome:
        case Confirmed():
            yes = answer.status in range(200, 300) and said.get("success") is True
            clean = not str(said.get("error") or "").strip()
            assert (yes and clean) or said_to_be_there(said)
            assert len(outcome.lines) == len(ORDER.lines)
        case Refused():
            assert answer.status not in {401, 404, 406, 408, 429}
            assert answer.status in range(200, 300) or answer.status in range(400, 500)
            assert said.get("success") is False or said["error"]
            assert outcome.reason.isprintable()
        case NotSent():
            shut_out = str(said.get("error")) in {"Unauthorized", "No access"}
            assert answer.status in {401, 429} or shut_out
        case _:
            assert isinstance(outcome, InDoubt)


def _is_json(raw: bytes) -> bool:
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


@patient
@given(statuses, headers, st.binary(max_size=40) | st.just(b""))
def test_what_is_no_json_is_never_a_no(status: int, given_headers: Any, raw: bytes) -> None:
    outcome = wire.read_created(Reply(status, given_headers, b"<" + raw), ORDER)
    assert isinstance(outcome, InDoubt | NotSent)
    assert isinstance(outcome, NotSent) is (status in {401, 429})


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_under_any_2xx_is_a_yes(status: int) -> None:
    assert isinstance(wire.read_created(reply(status, {"success": True}), ORDER), Confirmed)


@pytest.mark.parametrize("error", [None, False, "", " ", []])
def test_an_error_that_says_nothing_takes_no_yes_back(error: Any) -> None:
    answer = reply(201, {"success": True, "error": error})
    assert isinstance(wire.read_created(answer, ORDER), Confirmed)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (201, {}),
        (201, []),
        (201, {"success": "true"}),
        (201, {"Success": True}),
        (201, {"error": False}),
        (201, {"success": True, "error": True}),
        (201, {"success": True, "error": "Unauthorized"}),
        (201, {"success": True, "error": {"email": ["invalid"]}}),
        (302, {"success": True}),
        (302, {"success": False, "error": "moved"}),
        (400, {"success": True}),
        (401, {"success": True}),
        (404, {"success": False, "error": TAKEN}),
        (422, {}),
        (422, {"error": {"email": ["invalid"]}}),
        (500, {"success": False, "error": "Bad data"}),
        (503, {"success": True}),
        (422, {"success": False, "error": "products.0.external_id has already been taken"}),
        (422, {"success": False, "error": f"{TAKEN}; products may not be empty"}),
    ],
)
def test_what_is_neither_a_clear_yes_nor_a_clear_no_is_doubt(status: int, document: Any) -> None:
    assert isinstance(wire.read_created(reply(status, document), ORDER), InDoubt)


def test_an_empty_body_is_a_yes_under_204_only() -> None:
    assert isinstance(wire.read_created(Reply(204, {}, b""), ORDER), Confirmed)
    for status in (200, 201, 202, 205):
        assert isinstance(wire.read_created(Reply(status, {}, b""), ORDER), InDoubt)


def test_equal_keys_leave_no_clear_meaning() -> None:
    twice = Reply(201, {}, b'{"success":false,"success":true}')
    assert isinstance(wire.read_created(twice, ORDER), InDoubt)


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (TAKEN, True),
        ("The External ID is not unique.", True),
        ("Duplicate externalId", True),
        ("external_id bestaat al", True),
        ("external_id is al in gebruik", True),
        ("external_id must not be empty", False),
        ("this e-mail address is already taken", False),
        ("Unauthorized", False),
        ("products[0].external_id has already been taken", None),
    ],
)
def test_how_a_repeated_id_is_told_from_other_faults(text: str, *, taken: bool | None) -> None:
    assert errors.taken(text) is taken


def test_a_forbidden_order_is_refused_as_such() -> None:
    outcome = wire.read_created(reply(403, {"error": "Module is not active"}), ORDER)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.reason) == (RefusalCode.FORBIDDEN, "Module is not active")


def test_what_an_error_repeats_of_the_customer_is_repeated_to_nobody() -> None:
    said = f"{CUSTOMER.upper()} <{CUSTOMER_EMAIL}> is blocked"
    outcome = wire.read_created(reply(422, {"success": False, "error": said}), ORDER)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "… <…> is blocked"
    assert outcome.evidence.body
    assert CUSTOMER_EMAIL not in outcome.evidence.body
    assert outcome.evidence.request_ref == ORDER.order_id.hex


# --- what is sent --------------------------------------------------------------------------------


def test_nothing_empty_is_sent() -> None:
    order = purchase(None, customer={"email": CUSTOMER_EMAIL})
    assert json.loads(wire.create_body(order)) == {
        "external_id": order.order_id.hex,
        "customer": {"email": CUSTOMER_EMAIL},
    }


def test_a_delay_of_nothing_is_sent_as_0() -> None:
    order = purchase(None, invitation={"delay": {"unit": "minutes", "amount": 0}})
    sent = json.loads(wire.create_body(order))
    assert sent["invitation"] == {"delay": {"unit": "minutes", "amount": 0}}


def test_the_same_order_is_always_the_same_bytes() -> None:
    assert wire.create_body(ORDER) == wire.create_body(ORDER)


@given(st.from_regex(r"[0-9]{12,13}", fullmatch=True))
def test_of_ten_last_digits_one_makes_a_gtin(digits: str) -> None:
    whole = digits.rjust(13, "0")
    right = [n for n in range(10) if gtin_13(f"{whole[:12]}{n}")]
    assert len(right) == 1
    found = gtin_13(digits)
    assert found in {None, whole}
    assert (found is None) is (int(whole[12]) != right[0])


@pytest.mark.parametrize(
    ("digits", "found"),
    [
        ("4006381333931", "4006381333931"),
        ("036000291452", "0036000291452"),
        ("0075678164125", "0075678164125"),
        ("0075678164124", None),
        ("4006381333932", None),
    ],
)
def test_gtins_that_are_known(digits: str, found: str | None) -> None:
    assert gtin_13(digits) == found


# --- shop ----------------------------------------------------------------------------------------


@patient
@given(replies({"success": True, "shop": {"productReviewsEnabled": True}}))
def test_only_a_shop_that_is_named_lets_us_in(answer: Reply) -> None:
    found = wire.read_shop(answer)
    assert isinstance(found, Checked | Refused | NotSent | InDoubt)
    if isinstance(found, Checked):
        assert answer.status in range(200, 300)
        assert isinstance(json.loads(answer.body)["shop"], dict)


# --- tokens --------------------------------------------------------------------------------------


@patient
@given(
    replies({"error": False, "access_token": "t0ken", "expires_on": "April, 1 2018 00:00:00 +0100"})
)
def test_any_answer_to_a_login_is_a_token_for_a_header_or_none(answer: Reply) -> None:
    found = tokens.read_token(answer, CLIENT)
    assert isinstance(found, Token | NotSent)
    if isinstance(found, Token):
        assert found.value.isascii()
        assert found.value.isprintable()


DATE: Final = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expires_at"),
    [
        ("April, 1 2018 00:00:00 +0100", datetime(2018, 3, 31, 23, tzinfo=UTC)),
        ("april, 01 2018 00:00:00 +01:00", datetime(2018, 3, 31, 23, tzinfo=UTC)),
        ("Jan, 21 2027 10:00:00 CET", datetime(2027, 1, 21, 9, tzinfo=UTC)),
        ("Jun, 21 2027 10:00:00 CEST", datetime(2027, 6, 21, 8, tzinfo=UTC)),
        ("September, 5 2027 10:00:00 -0330", datetime(2027, 9, 5, 13, 30, tzinfo=UTC)),
        ("Jan, 21 2027 10:00:00 UTC", datetime(2027, 1, 21, 10, tzinfo=UTC)),
        ("Jan, 21 2027 10:00:00 XYZ", DATE + timedelta(days=50)),
        ("Jan, 21 2027 10:00:00", DATE + timedelta(days=50)),
        ("Feb, 30 2027 10:00:00 UTC", DATE + timedelta(days=50)),
        ("Foo, 3 2027 10:00:00 UTC", DATE + timedelta(days=50)),
        ("soon", DATE + timedelta(days=50)),
        (None, DATE + timedelta(days=50)),
        (1795341600, DATE + timedelta(days=50)),
    ],
)
def test_a_tokens_end_is_read_in_both_spellings_or_reckoned(
    text: Any, expires_at: datetime
) -> None:
    body = json.dumps({"error": False, "access_token": "t0ken", "expires_on": text}).encode()
    dated = Reply(200, {"date": "Sun, 22 Nov 2026 10:00:00 GMT"}, body)
    assert tokens.read_token(dated, CLIENT) == Token("t0ken", expires_at)


def test_a_token_whose_end_nobody_tells_is_used_until_it_is_turned_away() -> None:
    for given_headers in ({}, {"date": "yesterday"}, {"date": "22 Nov 9999 10:00:00 GMT"}):
        body = b'{"error": false, "access_token": "t0ken"}'
        assert tokens.read_token(Reply(200, given_headers, body), CLIENT) == Token("t0ken", None)


@pytest.mark.parametrize(
    ("status", "document", "reason"),
    [
        (200, {"error": True}, "login_refused"),
        (200, {"error": "unknown client", "access_token": "t"}, "login_refused"),
        (200, {"success": False, "access_token": "t"}, "login_unreadable"),
        (200, {"access_token": "a b"}, "login_unreadable"),
        (400, {"error": "unknown client"}, "login_refused"),
        (401, None, "login_refused"),
        (429, None, "login_throttled"),
        (302, None, "login_unreadable"),
        (500, None, "login_unreadable"),
    ],
)
def test_why_there_is_no_token(status: int, document: Any, reason: str) -> None:
    found = tokens.read_token(reply(status, document), CLIENT)
    assert isinstance(found, NotSent)
    assert found.reason == reason


def test_credentials_that_an_answer_repeats_are_hidden_in_every_spelling() -> None:
    said = f"no client {CLIENT.path} id 4711/& s3cret+/ü {quote_plus('s3cret+/ü')}"
    found = tokens.read_token(reply(400, {"error": said}), CLIENT)
    assert isinstance(found, NotSent)
    for secret in ("4711", "s3cret"):
        assert secret not in repr(found)
    assert "s3cret" not in repr(CLIENT)
