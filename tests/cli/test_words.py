"""Moments, durations and what happens next, in words; all relative to the view's own time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.orders import OrderView, distance, span, stamp, time_left

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
SOON = NOW + timedelta(seconds=7)


def an_order(**fields: Any) -> OrderView:
    facts: dict[str, Any] = dict.fromkeys(OrderView.model_fields) | {
        "order_id": UUID(int=1),
        "intent_id": "i-1",
        "producer": "shop",
        "provider": "gifthub",
        "account": "default",
        "priority": "normal",
        "state": "placing",
        "lines": 1,
        "lines_delivered": 0,
        "attempts": 0,
        "tries": 0,
        "step": "place",
        "due_at": SOON,
        "created_at": NOW,
        "updated_at": NOW,
        "as_of": NOW,
    }
    return OrderView(**facts | fields)


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (timedelta(0), "0 ms"),
        (timedelta(milliseconds=250), "250 ms"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(seconds=200), "3 min 20 s"),
        (timedelta(hours=1), "1 h"),
        (timedelta(days=2, hours=4, minutes=5), "2 d 4 h"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(duration: timedelta, said: str) -> None:
    assert span(duration) == said


def test_moments_are_said_in_utc_and_from_the_views_own_time() -> None:
    assert stamp(datetime.fromisoformat("2026-11-22T13:00:05+03:00")) == "2026-11-22 10:00:05Z"
    assert (distance(SOON, NOW), distance(NOW, SOON)) == ("in 7 s", "7 s ago")


@pytest.mark.parametrize(
    ("facts", "sentence", "brief"),
    [
        ({}, "place at 2026-11-22 10:00:07Z (in 7 s)", "place in 7 s"),
        (
            {"lease_until": SOON, "leased_by": "host:1"},
            "place is under way: leased by host:1 until 2026-11-22 10:00:07Z (in 7 s)",
            "place under way",
        ),
        (
            {"due_at": NOW, "lease_until": NOW, "leased_by": "host:1"},
            "place was due at 2026-11-22 10:00:00Z (0 ms ago); no worker has taken it yet",
            "place due 0 ms ago",
        ),
        (
            {"step": None, "due_at": None, "parked_reason": "no way to ask"},
            "parked: no way to ask; a person must decide",
            "a person decides",
        ),
        (
            {"step": None, "due_at": None, "finished_at": NOW},
            "finished 2026-11-22 10:00:00Z",
            "finished",
        ),
    ],
)
def test_what_happens_next_is_a_sentence_and_a_few_words(
    facts: dict[str, Any], sentence: str, brief: str
) -> None:
    order = an_order(**facts)
    assert (order.next, order.brief) == (sentence, brief)


def test_a_quote_runs_out_until_it_is_bought() -> None:
    assert time_left("place", SOON, NOW) == timedelta(seconds=7)
    assert time_left("confirm", NOW, SOON) == timedelta(0)
    assert time_left("poll", SOON, NOW) is None
    assert time_left("place", None, NOW) is None
