"""A quote that has ended unbought: when another one is asked for, and when the order ends."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from schemas.money import Money
from tests.builders import (
    NEEDS,
    NOW,
    ONE_PHASE,
    POLICY,
    TWO_PHASE,
    a_claimed,
    a_decider,
    an_attempt,
)
from worker.capabilities import Capabilities, Doubt
from worker.change import Change, Requote, carried_on
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    NotSent,
    OutcomeName,
    RefusalCode,
    Refused,
)

L = LineState
HALF: Final = 0.5
MINUTE: Final = timedelta(minutes=1)
LATE: Final = timedelta(hours=1)
"""By then nothing that was sent can still come through."""

ONCE: Final = TWO_PHASE
"""Refuses a repeat, so that one look-up is enough to call again. As Gifthub."""
REPLAYED: Final = Capabilities(
    after_place=Doubt.HARMLESS,
    after_confirm=Doubt.REPLAY,
    repeats=2,
    replay_for=timedelta(hours=24),
)
"""Knows a request again. As Adobe, with a preview first."""


def quoted(*lines: LineState, step: Step = Step.CONFIRM, **fields: Any) -> Claimed:
    """An order with a provider's quote, about to be bought; its producer allows another one."""
    facts: dict[str, Any] = {
        "attempt": an_attempt(),
        "attempt_outcome": OutcomeName.CONFIRMED,
        "provider_ref": "their-quote",
        "may_requote": True,
        "max_total": Money(Decimal(20), "EUR"),
        "expires_at": NOW + NEEDS - timedelta(seconds=1),
    }
    return a_claimed(*(lines or (L.QUOTED,)), step=step, **facts | fields)


def confirming(**fields: Any) -> Claimed:
    """The same, with the call that buys just made."""
    return quoted(attempt=an_attempt(2, step=Step.CONFIRM), attempt_outcome=None, **fields)


def doubtful(**fields: Any) -> Claimed:
    """The same, with that call's outcome unknown, about to be looked up."""
    facts: dict[str, Any] = {
        "attempt": an_attempt(2, step=Step.CONFIRM),
        "attempt_outcome": OutcomeName.IN_DOUBT,
        "step": Step.RECONCILE,
        "state": OrderState.IN_DOUBT,
    }
    return quoted(L.IN_DOUBT, **facts | fields)


def is_anew(change: Change) -> bool:
    """Whether another quote is asked for, by a change that makes sense; else there is no word."""
    if change.requote is None:
        assert "order.requoted" not in [event.type for event in change.events]
        return False
    assert (change.state, change.step) == (OrderState.PLACING, Step.PLACE)
    assert change.goes_on
    assert (change.provider_ref, change.expires_at) == (None, None)
    assert not change.moves
    assert [event.type for event in change.events].count("order.requoted") == 1
    return True


# --- the window has closed -------------------------------------------------------------------


def test_a_quote_that_ended_is_asked_for_anew_and_the_old_one_is_forgotten() -> None:
    claimed = quoted(requotes=1)
    change = a_decider(ONCE).window_closed(claimed)
    assert is_anew(change)
    assert change.requote == Requote(2, POLICY.quote_window)
    assert "window closed" in (change.reason or "")
    [event] = change.events
    assert (event.data["number"], event.data["left"]) == (2, "their-quote")
    later = NOW + MINUTE
    carried = carried_on(claimed, change, later)
    assert (carried.step, carried.requotes, carried.order.provider_ref) == (Step.PLACE, 2, None)
    assert carried.expires_at == later + POLICY.quote_window


@pytest.mark.parametrize("step", [Step.PLACE, Step.CONFIRM])
@pytest.mark.parametrize("able", [ONCE, REPLAYED])
def test_either_phase_may_begin_anew(step: Step, able: Capabilities) -> None:
    claimed = quoted(L.WAITING if step is Step.PLACE else L.QUOTED, step=step)
    assert is_anew(a_decider(able).window_closed(claimed))


EXPIRES: Final[dict[str, tuple[Capabilities, dict[str, Any]]]] = {
    "without its producer's leave": (ONCE, {"may_requote": False}),
    "once the number is exhausted": (ONCE, {"requotes": POLICY.requotes}),
    "where one call quotes and buys": (ONE_PHASE, {}),
    "where somebody wants it called off": (ONCE, {"cancel_asked_at": NOW}),
}


@pytest.mark.parametrize("why", EXPIRES)
def test_the_order_ends_with_its_quote(why: str) -> None:
    able, facts = EXPIRES[why]
    change = a_decider(able).window_closed(quoted(**facts))
    assert not is_anew(change)
    assert (change.state, change.step) == (OrderState.EXPIRED, None)
    assert [move.to for move in change.moves] == [L.EXPIRED]


def test_the_last_new_quote_is_the_last() -> None:
    assert is_anew(a_decider(ONCE).window_closed(quoted(requotes=POLICY.requotes - 1)))


def test_a_wish_to_call_it_off_is_answered_and_not_outrun() -> None:
    change = a_decider(ONCE).before_call(quoted(cancel_asked_at=NOW), Step.CONFIRM, HALF)
    assert change is not None
    assert not is_anew(change)
    assert (change.state, change.cancel_answered) == (OrderState.CANCELLED, True)


@pytest.mark.parametrize("step", [Step.PLACE, Step.CONFIRM])
def test_a_call_that_could_not_start_in_time_is_quoted_anew(step: Step) -> None:
    claimed = quoted(step=step)
    assert is_anew(a_decider(ONCE).not_started(claimed, step, NotSent("no token"), HALF))
    in_time = replace(claimed, expires_at=NOW + NEEDS)
    assert not is_anew(a_decider(ONCE).not_started(in_time, step, NotSent("no token"), HALF))


def test_a_call_that_was_turned_away_until_too_late_is_quoted_anew_and_its_attempt_ends() -> None:
    change = a_decider(ONCE).after_call(confirming(), Step.CONFIRM, NotSent("429"), HALF)
    assert is_anew(change)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.NOT_SENT


def test_a_quote_that_was_asked_for_in_vain_until_too_late_is_asked_for_anew() -> None:
    claimed = quoted(step=Step.PLACE, attempt=an_attempt(), attempt_outcome=None)
    change = a_decider(ONCE).after_call(claimed, Step.PLACE, InDoubt("reset"), HALF)
    assert is_anew(change)  # repeating that is harmless, and what it leaves is never confirmed


# --- the provider says that it has ended -----------------------------------------------------

STALE: Final = [RefusalCode.EXPIRED, RefusalCode.PRICE_CHANGED]


@pytest.mark.parametrize("code", RefusalCode)
def test_a_no_to_the_purchase_is_followed_by_a_new_quote_only_where_the_price_was_stale(
    code: RefusalCode,
) -> None:
    no = Refused(code, "their words")
    claimed = confirming(expires_at=NOW + LATE)
    change = a_decider(ONCE).after_call(claimed, Step.CONFIRM, no, HALF)
    assert is_anew(change) == (code in STALE)
    assert "their words" in (change.reason or "")
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.REFUSED


@pytest.mark.parametrize("code", STALE)
def test_a_no_to_the_quote_itself_ends_the_order(code: RefusalCode) -> None:
    claimed = quoted(L.WAITING, step=Step.PLACE, attempt=an_attempt(), attempt_outcome=None)
    change = a_decider(ONCE).after_call(claimed, Step.PLACE, Refused(code, "no"), HALF)
    assert not is_anew(change)
    assert change.step is None


@pytest.mark.parametrize("why", EXPIRES)
@pytest.mark.parametrize("code", STALE)
def test_a_stale_price_ends_the_order_as_the_provider_says(code: RefusalCode, why: str) -> None:
    able, facts = EXPIRES[why]
    change = a_decider(able).after_call(
        confirming(**facts), Step.CONFIRM, Refused(code, "their words"), HALF
    )
    assert not is_anew(change)
    ended = OrderState.EXPIRED if code is RefusalCode.EXPIRED else OrderState.REFUSED
    assert (change.state, change.reason) == (ended, f"{code}: their words")


def test_a_stale_no_to_what_was_sent_again_is_looked_up_before_another_quote() -> None:
    """Its first sending may have come through since: what is asked for beside it buys twice."""
    attempt = an_attempt(2, step=Step.CONFIRM, sends=2)
    claimed = quoted(L.IN_DOUBT, attempt=attempt, attempt_outcome=OutcomeName.IN_DOUBT)
    no = Refused(RefusalCode.EXPIRED, "too old")
    change = a_decider(REPLAYED).after_call(claimed, Step.CONFIRM, no, HALF)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


# --- doubt comes first -----------------------------------------------------------------------


@pytest.mark.parametrize("able", [ONCE, REPLAYED])
def test_an_unknown_purchase_is_looked_up_before_anything_is_quoted_beside_it(
    able: Capabilities,
) -> None:
    unknown = quoted(
        L.IN_DOUBT,
        attempt=an_attempt(2, step=Step.CONFIRM),
        attempt_outcome=OutcomeName.IN_DOUBT,
    )
    for change in (
        a_decider(able).window_closed(unknown),
        a_decider(able).not_started(unknown, Step.CONFIRM, NotSent("no token"), HALF),
    ):
        assert not is_anew(change)
        assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)


@pytest.mark.parametrize("able", [ONCE, REPLAYED])
def test_a_purchase_of_which_nothing_was_heard_is_doubt_whatever_the_window(
    able: Capabilities,
) -> None:
    change = a_decider(able).after_call(confirming(), Step.CONFIRM, InDoubt("reset"), HALF)
    assert not is_anew(change)
    assert change.state is OrderState.IN_DOUBT


def test_a_stale_price_says_nothing_of_an_earlier_purchase_in_doubt() -> None:
    claimed = quoted(L.IN_DOUBT, attempt=an_attempt(3, step=Step.CONFIRM), attempt_outcome=None)
    no = Refused(RefusalCode.EXPIRED, "too old")
    change = a_decider(ONCE).after_call(claimed, Step.CONFIRM, no, HALF)
    assert not is_anew(change)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)


def test_what_is_found_is_bought_and_not_quoted_again() -> None:
    change = a_decider(ONCE).after_look_up(doubtful(), Confirmed("their-order"), HALF)
    assert not is_anew(change)
    assert change.state is OrderState.PLACED


def test_what_the_look_up_calls_ended_is_quoted_anew() -> None:
    ended = Refused(RefusalCode.EXPIRED, "the reservation ended")
    change = a_decider(ONCE).after_look_up(doubtful(), ended, HALF)
    assert is_anew(change)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.REFUSED


def test_absence_that_proves_nothing_yet_is_no_reason_for_a_new_quote() -> None:
    for able in (ONCE, REPLAYED):
        change = a_decider(able).after_look_up(doubtful(), Absent(), HALF)
        assert not is_anew(change)
        assert change.step is Step.RECONCILE


@pytest.mark.parametrize("able", [ONCE, REPLAYED])
def test_proven_absent_it_is_quoted_anew_and_its_attempt_is_in_doubt_no_more(
    able: Capabilities,
) -> None:
    change = a_decider(able).after_look_up(doubtful(now=NOW + LATE, look_ups=9), Absent(), HALF)
    assert is_anew(change)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.NOT_SENT


def test_a_question_without_an_answer_is_asked_again() -> None:
    for nothing in (NotSent("away"), InDoubt("reset")):
        assert not is_anew(a_decider(ONCE).after_look_up(doubtful(), nothing, HALF))


@pytest.mark.parametrize("code", STALE)
def test_a_parked_order_is_never_quoted_anew_behind_the_back_of_who_decides(
    code: RefusalCode,
) -> None:
    parked = doubtful(state=OrderState.PARKED, parked_reason="unknown outcome", now=NOW + LATE)
    for finding in (Refused(code, "too old"), Absent(), NotSent("away")):
        assert not is_anew(a_decider(ONCE).after_look_up(parked, finding, HALF))


def test_once_cleared_up_an_order_that_waits_for_its_new_quote_is_in_doubt_no_more() -> None:
    """What it was in doubt about has left no id that could be looked up."""
    doubted = doubtful(now=NOW + LATE, look_ups=9, requotes=POLICY.requotes - 1)
    change = a_decider(ONCE).after_look_up(doubted, Absent(), HALF)
    waiting = carried_on(doubted, change, NOW + LATE)
    assert [line.state for line in waiting.order.lines] == [L.IN_DOUBT]
    late = replace(waiting, now=waiting.now + LATE)
    ended = a_decider(ONCE).window_closed(late)
    assert (ended.state, [move.to for move in ended.moves]) == (OrderState.EXPIRED, [L.EXPIRED])
    wished = replace(waiting, cancel_asked_at=waiting.now)
    called_off = a_decider(ONCE).before_call(wished, Step.PLACE, HALF)
    assert called_off is not None
    assert called_off.state is OrderState.CANCELLED
