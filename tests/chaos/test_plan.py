"""What a run submits is a pure function of its seed, and holds everything that must be met."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.cancels import read_cancel
from schemas.intents import IntentFault, read_intent
from worker.chaos.plan import PRODUCERS, Planned, Sort, plan
from worker.chaos.products import ENDLESS, LEFT_OUT, MAGIC, PROVIDERS
from worker.sandbox import magic_values
from worker.store.intake import EntryKind

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

seeds = st.integers(0, 10**9)
sizes = st.integers(1, 60)


def entries(*sorts: Sort, seed: int = 7, orders: int = 1500) -> list[Planned]:
    return [each for each in plan(seed, orders) if each.sort in sorts]


@given(seeds, sizes)
def test_the_same_seed_is_the_same_entries(seed: int, orders: int) -> None:
    assert list(plan(seed, orders)) == list(plan(seed, orders))
    assert [each.said(NOW) for each in plan(seed, orders)] == [
        each.said(NOW) for each in plan(seed, orders)
    ]


@given(seeds, sizes)
def test_there_are_as_many_intents_of_their_own_as_were_asked_for(seed: int, orders: int) -> None:
    fresh = entries(Sort.FRESH, seed=seed, orders=orders)
    assert len({each.number for each in fresh}) == len(fresh) == orders


@given(seeds, sizes)
def test_whatever_is_about_an_intent_comes_after_it(seed: int, orders: int) -> None:
    seen: set[str] = set()
    for each in plan(seed, orders):
        if each.sort is Sort.FRESH:
            seen.add(each.number)
        elif each.sort is not Sort.MALFORMED:
            assert each.number in seen


@given(seeds, sizes)
def test_an_order_that_never_ends_is_called_off_patiently(seed: int, orders: int) -> None:
    endless = {e.number for e in entries(Sort.FRESH, seed=seed, orders=orders) if e.endless}
    wishes = {e.number for e in entries(Sort.CANCEL, seed=seed, orders=orders) if e.patient}
    assert endless <= wishes


def test_every_intent_can_become_an_order() -> None:
    for each in entries(Sort.FRESH, Sort.CHANGED):
        intent = read_intent(each.said(NOW), producer=each.producer).intent
        assert intent.intent_id == each.number


def test_every_wish_can_be_read() -> None:
    for each in entries(Sort.CANCEL):
        assert each.kind is EntryKind.CANCEL
        assert read_cancel(each.said(NOW), producer=each.producer).intent_id == each.number


def test_nothing_can_come_of_what_is_malformed() -> None:
    for each in entries(Sort.MALFORMED):
        with pytest.raises(IntentFault):
            read_intent(each.said(NOW), producer=each.producer)


def test_a_changed_repeat_has_other_content() -> None:
    fresh = {each.number: each for each in entries(Sort.FRESH)}
    for each in entries(Sort.CHANGED):
        before, after = (
            read_intent(one.said(NOW), producer=each.producer).fingerprint
            for one in (fresh[each.number], each)
        )
        assert before != after


def test_a_quote_is_of_when_it_is_sent() -> None:
    short = next(each for each in entries(Sort.FRESH) if each.window is not None)
    assert short.window is not None
    later = NOW + timedelta(minutes=3)
    quote = json.loads(short.said(later))["quote"]
    assert quote["quoted_at"] == later.isoformat()
    assert quote["expires_at"] == (later + short.window).isoformat()


def test_everything_is_mixed() -> None:
    fresh = entries(Sort.FRESH)
    bodies = [json.loads(each.said(NOW)) for each in fresh]
    assert {body["provider"] for body in bodies} == set(PROVIDERS)
    assert {each.producer for each in fresh} == set(PRODUCERS)
    assert {len(body["lines"]) for body in bodies} == {1, 2, 3, 4}
    assert len({"quote" in body for body in bodies}) == 2
    assert len({each.window is None for each in fresh}) == 2
    assert any(each.endless for each in fresh)
    count = Counter(each.sort for each in plan(7, 1500))
    assert all(count[sort] > 20 for sort in Sort)


def test_every_product_of_the_sandbox_is_ordered_unless_it_is_left_out_on_purpose() -> None:
    for provider in PROVIDERS:
        known = {value for value, _ in magic_values(provider)}
        assert set(MAGIC[provider]) == known - LEFT_OUT.get(provider, frozenset())
        assert LEFT_OUT.get(provider, frozenset()) <= known
        assert ENDLESS.get(provider, frozenset()) <= known
