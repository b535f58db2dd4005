"""How far a list was read, as text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.providers.paging import Place, reaches_back
from worker.providers.reading import our_reference

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


@given(st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=5))
def test_a_place_that_was_kept_is_the_same_place(pages: list[list[str]]) -> None:
    place = Place.kept(None)
    for names in pages:
        place = place.after(names)
        assert Place.kept(str(place)) == place
    assert place.number == len(pages) + 1
    assert place.read == sum(map(len, pages))


def test_a_page_that_comes_again_is_counted_until_another_comes() -> None:
    place, repeats = Place(), []
    for names in (["a"], ["a"], ["a"], ["b"], ["a"]):
        place = place.after(names)
        repeats.append(place.repeats)
    assert repeats == [0, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("times", "reaches"),
    [
        ([NOW, NOW - HOUR], True),
        ([NOW, NOW - HOUR / 2], False),
        ([NOW - HOUR, NOW], False),
        ([None, NOW - HOUR], False),
        ([], False),
    ],
    ids=["older", "not so old", "oldest first", "one without a time", "empty"],
)
def test_a_page_reaches_back_where_it_surely_does(
    times: list[datetime | None], *, reaches: bool
) -> None:
    assert reaches_back(times, NOW - HOUR / 2) is reaches


@pytest.mark.parametrize(
    ("value", "is_ours"),
    [
        ("0123456789abcdef0123456789abcdef", True),
        ("0123456789ABCDEF0123456789ABCDEF", False),
        ("01234567-89ab-cdef-0123-456789abcdef", False),
        ("0123456789abcdef0123456789abcdef\n", False),
        ("shop-1", False),
        (7, False),
        (None, False),
    ],
)
def test_a_reference_of_ours_is_known_by_its_shape(value: object, *, is_ours: bool) -> None:
    assert our_reference(value) == (value if is_ours else None)
