"""A path that a fault prints leads back to its place, and nothing beside that place is changed."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from schemas.intents import IntentFault, read_intent
from schemas.jsontext import canonical, loads, path_of, steps_of
from tests.properties.test_intents import Body, bodies, places, raw_of, trees
from worker.cli.quarantine.mend import Edit, compact, edited, readable, written
from worker.operating.retrying import Unmended

unhurried = settings(deadline=None)  # the machines that run this are shared

plain_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", fullmatch=True)
steps = st.lists(plain_names | st.integers(0, 10**9 - 1), min_size=1, max_size=8)
broken_values: st.SearchStrategy[Any] = (
    trees | st.just("") | st.just([]) | st.just({}) | st.just(-1)
)


@unhurried
@given(steps)
def test_a_path_that_was_written_is_read_as_the_same_steps(places_passed: list[str | int]) -> None:
    assert steps_of(path_of(places_passed)) == places_passed


@unhurried
@given(st.text(st.sampled_from("ab_-.[]019…é =\n"), max_size=12) | st.text())
@example(".a")
@example("a[00]")
@example("a[1]b")
@example("a\n")
def test_what_is_read_as_a_path_is_written_in_no_other_way(path: str) -> None:
    try:
        read = steps_of(path)
    except ValueError:
        return
    assert path_of(read) == path


@unhurried
@given(bodies, st.data())
def test_where_a_fault_points_a_value_can_be_put(body: Body, data: st.DataObject) -> None:
    holder, key = data.draw(st.sampled_from(list(places(body))))
    if data.draw(st.booleans()):
        holder[key] = data.draw(broken_values)
    elif isinstance(holder, dict) and data.draw(st.booleans()):
        holder[data.draw(plain_names)] = data.draw(broken_values)
    else:
        del holder[key]
    raw = raw_of(body)
    try:
        read_intent(raw, producer="shop-eu")
    except IntentFault as fault:
        path = fault.path
    else:
        path = ""
    assume(path and "…" not in path)
    mended = loads(edited([Edit.put(f'{path}={{"put": 1}}')])(raw))
    for step in steps_of(path):
        mended = mended[step]
    assert mended == {"put": 1}


@unhurried
@given(bodies, st.data())
def test_only_the_place_that_is_named_is_changed(body: Body, data: st.DataObject) -> None:
    paths = [path for path in _paths(body) if "…" not in path_of(path)]
    there = data.draw(st.sampled_from(paths))
    value = data.draw(trees)
    raw = raw_of(body)
    put = edited([Edit.put(f"{path_of(there)}={canonical(value).decode()}")])
    taken = edited([Edit.take(path_of(there))])

    expected = copy.deepcopy(loads(raw))
    holder: Any = expected
    for step in there[:-1]:
        holder = holder[step]
    holder[there[-1]] = loads(canonical(value))
    assert loads(put(raw)) == expected
    assert list(loads(put(raw))) == list(body), "the keys stay in their order"
    del holder[there[-1]]
    assert loads(taken(raw)) == expected
    assert loads(raw) == loads(raw_of(body)), "what was mended is another text"


def _paths(tree: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    return [path for key in keys for path in ((*above, key), *_paths(tree[key], (*above, key)))]


@unhurried
@given(trees, st.booleans())
def test_a_value_is_written_as_it_was_read(tree: Any, pretty: bool) -> None:  # noqa: FBT001 -- drawn
    text = written(tree, pretty=pretty).encode()
    assert loads(text, max_bytes=10**6) == tree
    assert compact(readable(compact(text, at_most=10**6)), at_most=10**6) == written(tree).encode()


def test_numbers_keep_their_digits_and_keys_their_order() -> None:
    raw = b'{"b":19.90,"a":1e2,"n":null,"t":true,"\xc5\x9f":[],"o":{},"l":[1,-0.0]}'
    assert written(loads(raw)).encode() == raw.replace(b"1e2", b"1E+2")
    assert loads(raw)["b"] == Decimal("19.90")


@pytest.mark.parametrize(
    ("edits", "left"),
    [
        (["lines[1]=3", "lines[2]=4"], {"lines": [1, 3, 4]}),
        (["lines[0]=x", "lines[2]=y"], None),
        (["a.b=1"], None),
        (["lines.b=1"], None),
        (["[0]=1"], None),
        (["a={}", "a.b=1"], {"lines": [1], "a": {"b": 1}}),
        (["a="], {"lines": [1], "a": ""}),
        (["a=b=c"], {"lines": [1], "a": "b=c"}),
        (['a="1"'], {"lines": [1], "a": "1"}),
        (["a=1"], {"lines": [1], "a": 1}),
        (["a=01"], {"lines": [1], "a": "01"}),
    ],
)
def test_values_are_put_where_there_is_a_place_for_them(
    edits: list[str], left: dict[str, Any] | None
) -> None:
    mend = edited([Edit.put(edit) for edit in edits])
    raw = b'{"lines":[1]}'
    if left is None:
        with pytest.raises(Unmended):
            mend(raw)
    else:
        assert [loads(mend(raw)) for _ in range(2)] == [left] * 2, "the second entry as the first"
