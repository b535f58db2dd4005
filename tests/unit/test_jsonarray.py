"""Arrays cut apart: each element as it was written, or a fault, never anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.jsonarray import cut
from schemas.jsontext import JsonFault

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values=st.lists(JSON, max_size=5), indent=st.sampled_from([None, 0, 2]))
def test_each_element_comes_out_as_it_went_in(values: list[object], indent: int | None) -> None:
    elements = cut(json.dumps(values, indent=indent).encode())
    assert [json.loads(each) for each in elements] == values


def test_how_it_was_written_is_kept() -> None:
    assert cut(b' [ {"a": 1.00, "a": 2} ,\n1e999999,\t"\\u00e9"] ') == [
        b'{"a": 1.00, "a": 2}',
        b"1e999999",
        b'"\\u00e9"',
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1] x",
        b"[\xff]",
        b"\xef\xbb\xbf[]",
        b"[" * 100_000,
        b"[" + b"9" * 100_000,
    ],
)
def test_what_is_no_array_is_refused_without_being_quoted(raw: bytes) -> None:
    with pytest.raises(JsonFault) as caught:
        cut(raw)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@given(raw=st.binary())
def test_nothing_else_is_ever_raised(raw: bytes) -> None:
    try:
        cut(b"[" + raw)
    except JsonFault:
        return
