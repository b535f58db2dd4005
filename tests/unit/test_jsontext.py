"""Strict JSON: what is refused, where it says so, and that one value has one spelling."""

from decimal import Decimal
from typing import Any

import pytest

from schemas.jsontext import MAX_BYTES, MAX_DEPTH, JsonFault, JsonProblem, canonical, loads

NESTED = b'{"a": [{"b": %s}]}'
"""Puts a value where its path is ``a[0].b``."""


def refused(raw: bytes) -> JsonFault:
    with pytest.raises(JsonFault) as caught:
        loads(raw)
    return caught.value


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (rb'"\u0000"', JsonProblem.BAD_TEXT),
        (rb'"\ud800"', JsonProblem.BAD_TEXT),
        (rb'"\uDFFF and on"', JsonProblem.BAD_TEXT),
        (rb'"\ude00\ud83d"', JsonProblem.BAD_TEXT),
        (b"NaN", JsonProblem.BAD_NUMBER),
        (b"Infinity", JsonProblem.BAD_NUMBER),
        (b"-Infinity", JsonProblem.BAD_NUMBER),
        (b"1e400", JsonProblem.BAD_NUMBER),
        (b"1e-400", JsonProblem.BAD_NUMBER),
        (b"1E+99999999999999999999", JsonProblem.BAD_NUMBER),
        (b"0." + b"1" * 63, JsonProblem.BAD_NUMBER),
        (b"9223372036854775808", JsonProblem.BAD_NUMBER),
        (b"-9223372036854775809", JsonProblem.BAD_NUMBER),
        (b"9" * 10_000, JsonProblem.BAD_NUMBER),
    ],
)
def test_a_value_that_readers_disagree_about_is_refused_at_its_path(
    value: bytes, problem: JsonProblem
) -> None:
    fault = refused(NESTED % value)
    assert (fault.problem, fault.path) == (problem, "a[0].b")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", JsonProblem.NOT_JSON),
        (b"{", JsonProblem.NOT_JSON),
        (b"{} {}", JsonProblem.NOT_JSON),
        (b"{'a': 1}", JsonProblem.NOT_JSON),
        (b'"a\nb"', JsonProblem.NOT_JSON),
        (b'"a\x00b"', JsonProblem.NOT_JSON),
        (b"01", JsonProblem.NOT_JSON),
        (b"[1,]", JsonProblem.NOT_JSON),
        (b"\xef\xbb\xbf{}", JsonProblem.NOT_JSON),
        ("{}".encode("utf-16-be"), JsonProblem.NOT_JSON),
        (b'"\xff"', JsonProblem.NOT_UTF8),
        (b'"\xc0\x80"', JsonProblem.NOT_UTF8),
        (b'"\xed\xa0\x80"', JsonProblem.NOT_UTF8),
        (b"[" * 10_000 + b"]" * 10_000, JsonProblem.TOO_DEEP),
        (b'{"a":' * 10_000, JsonProblem.TOO_DEEP),
        (b'"' + b"x" * 2_000_000 + b'"', JsonProblem.TOO_LARGE),
    ],
)
def test_what_is_no_json_text_is_refused_as_a_whole(raw: bytes, problem: JsonProblem) -> None:
    fault = refused(raw)
    assert (fault.problem, fault.path) == (problem, "")


def test_a_key_that_stands_twice_is_refused_by_its_path() -> None:
    fault = refused(b'{"a": [{"b": 1, "c": 2, "b": 1}]}')
    assert (fault.problem, fault.path) == (JsonProblem.DUPLICATE_KEY, "a[0].b")


def test_two_spellings_of_one_key_are_the_same_key() -> None:
    assert refused(rb'{"a": 1, "\u0061": 2}').problem is JsonProblem.DUPLICATE_KEY


@pytest.mark.parametrize("key", [rb"\u0000", rb"pin-4711-\ud800", "Ayşe Gül".encode()])
def test_a_key_that_is_no_name_is_not_repeated_in_the_path(key: bytes) -> None:
    assert refused(b'{"a": {"%s": 1, "%s": 2}}' % (key, key)).path == "a.…"


def test_the_first_of_several_faults_is_the_one_reported() -> None:
    assert refused(rb'{"a": "\ud800", "b": 1e400, "c": NaN}').path == "a"


def test_the_limits_themselves_are_still_read() -> None:
    text = b'"' + b"x" * (MAX_BYTES - 2) + b'"'
    assert len(loads(text)) == MAX_BYTES - 2
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert refused(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).problem == "too_deep"
    assert loads(b"[9223372036854775807, -9223372036854775808]") == [2**63 - 1, -(2**63)]


def test_a_narrower_limit_can_be_asked_for() -> None:
    with pytest.raises(JsonFault, match="at most 4 bytes"):
        loads(b"[1,2]", max_bytes=4)
    with pytest.raises(JsonFault, match="at most 1 levels"):
        loads(b"[[]]", max_depth=1)


@pytest.mark.parametrize(
    "text", [b"[" * 10_000, rb"\"[{" * 1_000, rb"\\" * 1_000 + b"[" * 1_000, b"]" * 50 + b"[" * 50]
)
def test_brackets_in_a_string_are_not_nesting(text: bytes) -> None:
    assert isinstance(loads(b'{"a": "' + text + b'"}'), dict)


def test_brackets_after_a_string_that_ends_in_a_backslash_are_nesting() -> None:
    assert refused(rb'["\\", ' + b"[" * 40 + b"]" * 40 + b"]").problem is JsonProblem.TOO_DEEP


def test_wide_but_shallow_text_is_read() -> None:
    assert loads(b"[" + b",".join([b"[]"] * 1_000) + b"]") == [[]] * 1_000


def test_numbers_keep_every_digit() -> None:
    value = loads(b'{"rate": 0.00001263583522870862, "price": 19.90}')
    assert value == {"rate": Decimal("0.00001263583522870862"), "price": Decimal("19.90")}
    assert str(value["price"]) == "19.90"


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert loads(rb'{"a": "\ud83d\ude00"}') == {"a": "\N{GRINNING FACE}"}


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    assert loads(rb'"\\u0000"') == r"\u0000"


def test_a_fault_holds_nothing_of_the_text() -> None:
    for raw in (b'{"pin": "471147114711" oops', b'{"pin": "471147114711\xff"}'):
        fault = refused(raw)
        assert "471147114711" not in f"{fault} {fault!r}"
        assert fault.__context__ is None


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        ({"b": 1, "a": [None, True, False]}, '{"a":[null,true,false],"b":1}'),
        ('ş\n"\\', '"ş\\n\\"\\\\"'),
        (Decimal("1.00"), "1"),
        (Decimal("1e2"), "100"),
        (Decimal("-0.0"), "0"),
        (Decimal("-0.50"), "-0.5"),
        (Decimal("0.00001263583522870862000"), "0.00001263583522870862"),
    ],
)
def test_every_value_has_one_spelling(value: Any, spelling: str) -> None:
    assert canonical(value).decode() == spelling


def test_true_is_not_one_and_text_is_not_a_number() -> None:
    assert len({canonical(value) for value in (True, 1, "1", "true", None, "null")}) == 6
