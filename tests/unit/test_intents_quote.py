"""How long a quote may be acted on."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.intents import FaultCode, IntentFault, Quote, check_window, window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_an_order_without_a_quote_never_expires() -> None:
    assert window(None, NOON) is None


def test_a_quote_that_names_its_end_ends_then() -> None:
    quote = Quote(quoted_at=NOON, expires_at=NOON + 45 * MINUTE)
    assert window(quote, NOON + MINUTE) == NOON + 45 * MINUTE


def test_a_quote_without_an_end_holds_ten_minutes_from_when_it_was_made() -> None:
    assert window(Quote(quoted_at=NOON), NOON + 4 * MINUTE) == NOON + 10 * MINUTE


def test_a_clock_that_runs_ahead_gains_a_producer_nothing() -> None:
    assert window(Quote(quoted_at=NOON + 30 * SECOND), NOON) == NOON + 10 * MINUTE


def test_the_default_window_can_be_set() -> None:
    assert window(Quote(quoted_at=NOON), NOON, default=2 * MINUTE) == NOON + 2 * MINUTE


def test_a_quote_at_the_end_of_time_has_a_window_all_the_same() -> None:
    quote = Quote(quoted_at=datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert window(quote, NOON) == NOON + 10 * MINUTE


def test_a_quote_may_lie_in_the_future_by_the_skew_and_no_further() -> None:
    check_window(None, NOON)
    check_window(Quote(quoted_at=NOON + 60 * SECOND), NOON)
    with pytest.raises(IntentFault, match="at most 60 seconds ahead") as caught:
        check_window(Quote(quoted_at=NOON + 61 * SECOND), NOON)
    assert caught.value.code is FaultCode.QUOTE_IN_FUTURE
    assert caught.value.path == "quote.quoted_at"


def test_the_skew_can_be_set() -> None:
    with pytest.raises(IntentFault):
        check_window(Quote(quoted_at=NOON + SECOND), NOON, max_skew=timedelta())


def test_a_quote_that_has_long_ended_is_no_fault() -> None:
    check_window(Quote(quoted_at=NOON, expires_at=NOON + MINUTE), NOON + 60 * MINUTE)
