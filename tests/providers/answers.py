"""Answers nobody would give: what wire parsers must survive."""

import json
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

from worker.http import Reply

patient: Final = settings(deadline=None, max_examples=2 * settings().max_examples)
"""The machine is shared; how long one example takes says nothing."""

statuses: Final = st.sampled_from([200, 200, 200, 400, 201, 302, 401, 403, 404, 419, 429, 500, 503])
headers: Final = st.dictionaries(
    st.sampled_from(["retry-after", "date"]),
    st.one_of(
        st.text(max_size=30),
        st.integers().map(str),
        st.sampled_from(["Sun, 22 Nov 2026 10:00:00 GMT", "22 Nov 2026 10:00:00 -0000"]),
    ),
)
junk: Final = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["\x00", "\ud800", "İ", "9" * 400]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def nearly(value: Any) -> st.SearchStrategy[Any]:
    """Mostly ``value``; a strategy is drawn from, a dict loses or spoils some of its fields."""
    if isinstance(value, dict):
        fields = {name: nearly(inner) for name, inner in value.items()}
        whole = st.fixed_dictionaries(fields)
        return st.one_of(whole, whole, st.fixed_dictionaries({}, optional=fields), junk)
    if isinstance(value, list):
        items = st.one_of([nearly(item) for item in value]) if value else junk
        return st.one_of(st.tuples(*map(nearly, value)).map(list), st.lists(items, max_size=3))
    if isinstance(value, st.SearchStrategy):
        return value
    return st.one_of(st.just(value), st.just(value), st.just(value), junk)


def replies(document: Any) -> st.SearchStrategy[Reply]:
    """Answers that are nearly ``document``, or any JSON, or any bytes."""
    bodies = st.one_of(
        nearly(document).map(lambda value: json.dumps(value).encode()),
        junk.map(lambda value: json.dumps(value).encode()),
        st.binary(max_size=40),
    )
    return st.builds(Reply, statuses, headers, bodies)


def reply(status: int, document: Any) -> Reply:
    return Reply(status, {}, json.dumps(document).encode())
