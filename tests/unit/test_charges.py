"""What was charged, held against the limit: told by the yes, by the last poll, or by nobody."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from schemas.money import Money
from tests.builders import ONE_PHASE, TWO_PHASE, a_claimed, a_decider, an_attempt, reports
from worker.capabilities import Capabilities, Doubt
from worker.decisions.charges import PRICE_QUESTIONS
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import Absent, Confirmed, InDoubt, OutcomeName

L = LineState
LIMIT = Money(Decimal("10.00"), "USD")
TOO_MUCH = Money(Decimal("10.01"), "USD")
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


def test_who_looks_for_what_it_cost_is_told_the_limit_and_what_was_heard_last() -> None:
    asked = a_claimed(L.DELIVERED, step=Step.POLL, max_total=LIMIT, tries=PRICE_QUESTIONS)
    asked = replace(asked, reason="complete")
    change = a_decider(BY_POLL).after_poll(asked, InDoubt("HTTP 404"), HALF)
    assert [event.data for event in change.events] == [
        {"max_total": str(LIMIT), "last": "HTTP 404"}
    ]
    assert change.reason == "complete"


def told(capabilities: Capabilities) -> Mapping[str, Any]:
    claimed = bought(L.WAITING, L.WAITING)
    first, second = reports(claimed, L.ACCEPTED, L.ACCEPTED)
    priced = replace(first, provider_line_ref="theirs-1", price=TOO_MUCH)
    outcome = Confirmed("theirs", (priced, second), total=TOO_MUCH)
    change = a_decider(capabilities).after_call(claimed, Step.PLACE, outcome, HALF)
    (alarm,) = (event for event in change.events if event.type == "order.charged_above_max")
    assert alarm.data["reason"] == change.reason
    assert [line["line_ref"] for line in alarm.data["lines"]] == [
        each.line_ref for each in outcome.lines
    ]
    return alarm.data


def test_who_was_charged_too_much_is_told_all_that_giving_it_back_takes() -> None:
    data = told(ONE_PHASE)
    assert (data["charged"], data["max_total"]) == (str(TOO_MUCH), str(LIMIT))
    assert data["provider_ref"] == "theirs"
    assert [(line["provider_line_ref"], line["price"]) for line in data["lines"]] == [
        ("theirs-1", str(TOO_MUCH)),
        (None, None),
    ]


def test_who_was_charged_too_much_is_told_which_way_back_there_is() -> None:
    back = replace(ONE_PHASE, after_cancel=Doubt.HARMLESS)
    fortnight = replace(back, returns_for=timedelta(days=14))
    assert told(ONE_PHASE)["give_back"] == "no documented way: ask the provider's support"
    assert told(back)["give_back"] == "orderline cancel, before its goods are delivered"
    assert told(fortnight)["give_back"] == "orderline cancel, for 14 days"


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
