"""Ids: UUIDs of version 7 that sort by the time they were made."""

import time
from datetime import UTC, datetime

from schemas.ids import new_uuid


def milliseconds_of(value: int) -> int:
    return value >> 80


def test_an_id_is_a_version_7_uuid() -> None:
    assert {(made.version, made.variant) for made in (new_uuid() for _ in range(100))} == {
        (7, "specified in RFC 4122")
    }


def test_an_id_begins_with_the_moment_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = new_uuid()
    assert before <= milliseconds_of(made.int) <= time.time_ns() // 1_000_000
    assert datetime.fromtimestamp(milliseconds_of(made.int) / 1000, UTC).year >= 2026


def test_ids_of_different_milliseconds_sort_by_time_as_uuid_and_as_text() -> None:
    made = [new_uuid()]
    while milliseconds_of(made[-1].int) - milliseconds_of(made[0].int) < 3:
        made.append(new_uuid())
    first, last = made[0], made[-1]
    assert first < last
    assert str(first) < str(last)
    assert first.hex < last.hex


def test_a_hundred_thousand_ids_are_a_hundred_thousand() -> None:
    assert len({new_uuid() for _ in range(100_000)}) == 100_000


def test_every_random_bit_is_used() -> None:
    ones = zeros = 0
    for _ in range(300):
        made = new_uuid().int
        ones |= made
        zeros |= ~made
    random_bits = ((1 << 12) - 1) << 64 | ((1 << 62) - 1)
    assert ones & random_bits == random_bits
    assert zeros & random_bits == random_bits
