"""What was charged, held against the limit: told by the yes, by the last poll, or by nobody."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from schemas.money import Money
from tests.builders import ONE_PHASE, TWO_PHASE, a_claimed, a_decider, an_attempt, reports
from worker.capabilities import Capabilities, Doubt
from worker.decisions.charges import PRICE_QUESTIONS
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import Absent, Confirmed, InDoubt, OutcomeName

L = LineState
LIMIT = Money(Decimal("10.00"), "USD")
BY_POLL = replace(ONE_PHASE, charge_by_poll=True)
HALF = 0.5


def bought(*lines: LineState) -> Claimed:
    return a_claimed(
        *lines, step=Step.PLACE, attempt=an_attempt(), max_total=LIMIT, provider_ref=None
    )


def complete(capabilities: Capabilities, ref: str | None) -> tuple[OrderState, Step | None]:
    claimed = bought(L.WAITING)
    outcome = Confirmed(ref, reports(claimed, L.DELIVERED))
    change = a_decider(capabilities).after_call(claimed, Step.PLACE, outcome, HALF)
    return change.state, change.step


def test_an_order_that_is_complete_at_once_is_asked_what_it_cost_where_only_a_poll_tells() -> None:
    assert complete(BY_POLL, "theirs") == (OrderState.PLACED, Step.POLL)
    assert complete(ONE_PHASE, "theirs") == (OrderState.FULFILLED, None)


def test_what_buys_nothing_or_has_no_id_there_is_not_asked_what_it_cost() -> None:
    preview = replace(BY_POLL, after_place=Doubt.HARMLESS)
    assert complete(preview, "theirs") == (OrderState.FULFILLED, None)
    assert complete(BY_POLL, None) == (OrderState.FULFILLED, None)


def test_an_order_ends_even_if_nobody_ever_says_what_it_cost() -> None:
    asked = a_claimed(L.DELIVERED, step=Step.POLL, max_total=LIMIT, tries=PRICE_QUESTIONS - 1)
    decider, silent = a_decider(BY_POLL), InDoubt("HTTP 404")
    assert decider.after_poll(asked, silent, HALF).state is OrderState.PLACED
    last = decider.after_poll(replace(asked, tries=PRICE_QUESTIONS), silent, HALF)
    assert (last.state, last.step) == (OrderState.FULFILLED, None)
    assert [event.type for event in last.events] == ["order.charge_unknown"]


def test_a_refused_confirmation_beside_a_lost_one_may_still_be_quoted_anew() -> None:
    attempt = an_attempt(step=Step.CONFIRM)
    late = attempt.opened_at + timedelta(minutes=11)
    claimed = a_claimed(
        L.IN_DOUBT,
        step=Step.RECONCILE,
        attempt=attempt,
        attempt_outcome=OutcomeName.REFUSED,
        expires_at=attempt.opened_at + timedelta(minutes=10),
        now=late,
        may_requote=True,
    )
    change = a_decider(TWO_PHASE).after_look_up(claimed, Absent(), HALF)
    assert change.requote is not None
    plain = a_decider(TWO_PHASE).after_look_up(replace(claimed, may_requote=False), Absent(), HALF)
    assert plain.state is OrderState.REFUSED
