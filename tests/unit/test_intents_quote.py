"""How long a quote may be acted on."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.intents import FaultCode, IntentFault, Quote, check_window, read_intent, window
from tests.builders import an_intent, raw
from tests.stories.conftest import adobe, feedback, gifthub, hyper, threekit

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


# --- a quote that may be renewed -------------------------------------------------------------

ANEW: dict[str, Any] = {
    "quoted_at": NOON.isoformat(),
    "max_total": "11.00",
    "currency": "EUR",
    "requote": True,
}


def renewable(body: dict[str, Any], **quote: Any) -> bool:
    read = read_intent(raw(body | {"quote": ANEW | quote}), producer="shop")
    assert read.intent.quote is not None
    return read.intent.quote.requote


def refusal(body: dict[str, Any], **quote: Any) -> tuple[FaultCode, str]:
    with pytest.raises(IntentFault) as caught:
        renewable(body, **quote)
    return caught.value.code, caught.value.path


@pytest.mark.parametrize("body", [gifthub("1"), adobe("1", preview_first=True)])
def test_a_quote_may_be_renewed_where_a_price_comes_before_the_purchase(
    body: dict[str, Any],
) -> None:
    assert renewable(body)
    assert not renewable(body, requote=False)


@pytest.mark.parametrize(
    "body",
    [hyper("1"), threekit("1"), feedback("1"), adobe("1"), adobe("1", preview_first=False)],
    ids=lambda body: body["provider"],
)
def test_where_no_price_comes_first_none_can_be_renewed(body: dict[str, Any]) -> None:
    assert refusal(body) == (FaultCode.OUT_OF_RANGE, "quote.requote")
    assert not renewable(body, requote=False)


@pytest.mark.parametrize("body", [gifthub("1"), hyper("1")])
def test_a_new_price_needs_a_limit_to_be_held_against(body: dict[str, Any]) -> None:
    assert refusal(body, max_total=None) == (FaultCode.MISSING_FIELD, "quote.max_total")
    assert refusal(body, currency=None) == (FaultCode.MISSING_FIELD, "quote.currency")


def test_nothing_is_renewed_that_does_not_say_so() -> None:
    assert not Quote(quoted_at=NOON).requote
    assert read_intent(raw(an_intent()), producer="shop").intent.quote is None


def test_leave_to_renew_is_a_plain_yes_or_no() -> None:
    assert refusal(gifthub("1"), requote="perhaps") == (FaultCode.WRONG_TYPE, "quote.requote")
