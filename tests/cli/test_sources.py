"""Cutting files of intents apart without changing a byte of any."""

from pathlib import Path

import pytest

from worker.cli.sources import NotReadable, read_sources, split


def _cut(raw: bytes) -> list[tuple[str, bytes]]:
    return [(source.place, source.raw) for source in split("f", raw)]


def test_one_object_over_many_lines_is_one_intent() -> None:
    assert _cut(b'\n{\n "a": 1\n}\n') == [("f", b'{\n "a": 1\n}')]


def test_each_line_is_one_intent_and_empty_lines_are_none() -> None:
    assert _cut(b'{"a":1}\n\n{"a":2}\r\n') == [("f:1", b'{"a":1}'), ("f:3", b'{"a":2}')]


def test_a_bad_line_is_kept_for_the_reader_to_refuse() -> None:
    assert _cut(b'{"a":1}\n{"a":') == [("f:1", b'{"a":1}'), ("f:2", b'{"a":')]


def test_an_arrays_elements_keep_their_spelling() -> None:
    assert _cut(b'[ {"a": 1.00} ,\n{"b":"]"},3]') == [
        ("f[0]", b'{"a": 1.00}'),
        ("f[1]", b'{"b":"]"}'),
        ("f[2]", b"3"),
    ]


def test_an_empty_array_holds_no_intent() -> None:
    assert _cut(b"[ ]") == []


@pytest.mark.parametrize("raw", [b'[{"a":1},', b'{"a":\n1', b"\xff\xfe{}", b"[" * 5000, b""])
def test_what_cannot_be_cut_is_one_intent(raw: bytes) -> None:
    assert _cut(raw) == [("f", raw)]


def test_an_integer_too_long_to_convert_stops_nothing() -> None:
    raw = b"[" + b"9" * 5000 + b"]"
    assert _cut(raw) == [("f[0]", b"9" * 5000)]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "orders.json")
    with pytest.raises(NotReadable, match="No such file") as raised:
        read_sources([missing])
    assert missing in str(raised.value)
