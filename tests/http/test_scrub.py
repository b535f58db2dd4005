"""Evidence shows an answer's shape and the fields that were chosen, and nothing else."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scrub import scrub, scrub_text

KEEP = frozenset({"success", "Message", "code"})


def test_only_chosen_fields_show_their_values() -> None:
    body = b'{"Success":false,"message":"no stock","data":{"pin":"1234","code":7,"total":19.90}}'
    assert json.loads(scrub(body, KEEP)) == {
        "Success": False,
        "message": "no stock",
        "data": {"pin": "…", "code": "7", "total": "…"},
    }


def test_a_list_belongs_to_the_field_that_holds_it() -> None:
    body = b'{"code":["a",["b"]],"codes":["c"],"list":[{"code":"d"}]}'
    assert json.loads(scrub(body, KEEP)) == {
        "code": ["a", ["b"]],
        "codes": ["…"],
        "list": [{"code": "d"}],
    }


def test_a_chosen_field_does_not_vouch_for_the_fields_inside_it() -> None:
    assert json.loads(scrub(b'{"message":{"pin":"1"}}', KEEP)) == {"message": {"pin": "…"}}


@pytest.mark.parametrize("key", ["ada@shop.example", "ABCD-1234-EFGH", "05321234567", "a b"])
def test_a_key_that_is_data_is_hidden(key: str) -> None:
    assert key not in scrub(json.dumps({key: 1}).encode(), KEEP)


@pytest.mark.parametrize(
    "body", [b"<p>PIN 1234</p>", b"\xff\xfe\xfdPIN 1234", b'{"pin": "PIN 1234"', b"[" * 100_000]
)
def test_of_what_is_not_json_only_length_and_hash_are_told(body: bytes) -> None:
    shown = scrub(body, KEEP)
    assert shown.startswith(f"{len(body)} bytes, sha256 ")
    assert "1234" not in shown.partition("sha256")[0]
    assert len(shown) < 40


def test_the_text_can_be_stored() -> None:
    shown = scrub(rb'{"message":"a\u0000b\ud800c","\ud800":1}', KEEP)
    assert json.loads(shown)["message"] == "abc"
    assert shown.encode().decode() == shown


def test_the_text_is_cut_to_its_limit() -> None:
    body = json.dumps({"message": "x" * 5000}).encode()
    assert len(scrub(body, KEEP)) == 2000
    assert len(scrub(body, KEEP, limit=20)) == 20
    assert len(scrub(b"no json", KEEP, limit=5)) == 5


# Values that cannot be part of a field name, a kept value or the hidden mark by accident.
secrets = st.uuids().map(str) | st.integers(10**12, 10**18) | st.floats(1e9, 1e12)
fields = st.sampled_from(["pin", "Token", "success2", "codes", "", "é"])
documents = st.recursive(
    secrets,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(fields, inner, max_size=3)
        | st.dictionaries(st.uuids().map(str), inner, max_size=2)
        | st.fixed_dictionaries({"Code": st.dictionaries(fields, inner, max_size=3)})
    ),
)


def scalars(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in scalars(item)]
    if isinstance(value, list):
        return [text for item in value for text in scalars(item)]
    return [str(value)]


@given(documents)
def test_no_value_outside_the_chosen_fields_survives(document: Any) -> None:
    shown = scrub(json.dumps(document).encode(), KEEP, limit=10**6)
    assert [text for text in scalars(document) if text in shown] == []


@given(st.binary(max_size=200), st.integers(1, 100))
def test_any_bytes_give_text_within_the_limit(body: bytes, limit: int) -> None:
    shown = scrub(body, KEEP, limit=limit)
    assert len(shown) <= limit
    assert "\x00" not in shown
    assert shown.encode().decode() == shown


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            '{"error":"unknown user","email":"ada+x@shop.example"}',
            '{"error":"unknown user","email":"…"}',
        ),
        ("no user ada%40shop.example", "no user …"),
        ("<ada@shop.example>: mailbox full", "<…>: mailbox full"),
        ("Authorization: Bearer eyJhbGci.J9.abc refused", "Authorization: … refused"),
        ("Bearer abc123 refused", "Bearer … refused"),
        ('{"access_token": "a b", "Code":"1"}', '{"access_token": …, "Code":…}'),
        ("the password is hunter2", "the password is …"),
        ("pin=1234&x=1", "pin=…&x=1"),
        ("X-Api-Key: abc", "X-Api-Key: …"),
        ("see https://shop.example/a?user=ada for more", "see https://shop.example/a?… for more"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw is wrong", "… is wrong"),
        ("you sent ABCD-EFGH-JKLM", "you sent …"),
        ("call 0532 123 45 67", "call …"),
        ("card 4111 1111 1111 1111", "card …"),
        ("session=x; path=/", "session=…; path=/"),
    ],
)
def test_of_a_text_whatever_may_be_personal_or_secret_is_hidden(said: str, kept: str) -> None:
    assert scrub_text(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "",
        "<h1>502 Bad Gateway</h1><hr><center>nginx/1.25.3</center>",
        '{"errors":[{"field":"deliver_id","message":"unknown order 100045-1"}]}',
        "No matching signature found",
        "status code 500 at line 12 of /srv/app/hooks.py",
        "key not found",
    ],
)
def test_what_helps_a_person_to_find_the_fault_is_kept(said: str) -> None:
    assert scrub_text(said) == said


def test_a_secret_that_is_known_is_hidden_wherever_it_stands() -> None:
    assert scrub_text("ab hush! hush!cd", ["hush!", ""]) == "ab … …cd"


def test_a_text_is_cut_after_it_was_scrubbed() -> None:
    assert scrub_text("no " * 50, limit=10) == "no no no …"
    assert scrub_text("a b ada@shop.example", limit=7) == "a b …"


@given(st.text())
def test_no_text_breaks_it_and_none_gets_longer_than_the_limit(text: str) -> None:
    assert len(scrub_text(text, limit=20)) <= 20


@pytest.mark.parametrize(
    "piece", ["a", "a@", "=", "?a=", "token", "A1B-", '"', "auth", "1 ", "%40"]
)
def test_no_text_makes_it_slow(piece: str) -> None:
    begun = time.process_time()
    scrub_text(piece * (4096 // len(piece)))
    assert time.process_time() - begun < 0.2
