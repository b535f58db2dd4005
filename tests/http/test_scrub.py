"""Evidence shows an answer's shape and the fields that were chosen, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scrub import scrub

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
