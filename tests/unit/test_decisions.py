"""What follows from an order and an outcome: every outcome, step and capability."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.money import Money
from tests.builders import (
    CALL_DEADLINE,
    NEEDS,
    NOW,
    ONE_PHASE,
    POLICY,
    TWO_PHASE,
    a_claimed,
    a_decider,
    an_attempt,
    reports,
)
from worker.capabilities import Capabilities, Doubt
from worker.change import Change, carried_on
from worker.decisions.rules import BUDGET_SPENT
from worker.lifecycle import LineState, OrderState, Step
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    InDoubt,
    LookUp,
    NotSent,
    Outcome,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
)
from worker.policy import THROTTLE_FLOOR

L = LineState
AT_ONCE = timedelta(0)
HALF = 0.5
SEEN = Evidence(status=200, request_ref="their-request", body="{}")


def lira(amount: str) -> Money:
    return Money(Decimal(amount), "TRY")


def calling(*lines: LineState, step: Step = Step.PLACE, **fields: Any) -> Claimed:
    """An order whose call was just made."""
    return a_claimed(*lines, step=step, attempt=an_attempt(step=step), **fields)


def doubtful(step: Step = Step.PLACE, **fields: Any) -> Claimed:
    """An order whose call has an unknown outcome, about to be looked up."""
    facts: dict[str, Any] = {
        "attempt": an_attempt(step=step),
        "attempt_outcome": OutcomeName.IN_DOUBT,
    }
    return a_claimed(L.IN_DOUBT, step=Step.RECONCILE, **facts | fields)


def after_call(
    outcome: Outcome,
    *,
    step: Step = Step.PLACE,
    capabilities: Capabilities = ONE_PHASE,
    claimed: Claimed | None = None,
) -> Change:
    at_hand = claimed or calling(L.WAITING if step is Step.PLACE else L.QUOTED, step=step)
    return a_decider(capabilities).after_call(at_hand, step, outcome, HALF)


def after_look_up(
    finding: LookUp, claimed: Claimed, capabilities: Capabilities = ONE_PHASE
) -> Change:
    return a_decider(capabilities).after_look_up(claimed, finding, HALF)


def moved_to(change: Change) -> list[LineState]:
    return [move.to for move in change.moves]


# --- yes -------------------------------------------------------------------------------------


def test_a_placed_order_is_polled_and_its_lines_are_accepted() -> None:
    change = after_call(Confirmed("their-id", total=lira("19.90"), evidence=SEEN))
    assert (change.state, change.step) == (OrderState.PLACED, Step.POLL)
    assert (change.due_in, change.tries) == (ONE_PHASE.poll_every[0], 1)
    assert (change.provider_ref, change.total) == ("their-id", lira("19.90"))
    assert moved_to(change) == [L.ACCEPTED]
    assert change.attempt is not None
    assert (change.attempt.outcome, change.attempt.evidence) == (OutcomeName.CONFIRMED, SEEN)


def test_an_order_whose_goods_come_with_the_answer_is_fulfilled_at_once() -> None:
    claimed = calling(L.WAITING)
    change = after_call(Confirmed("x", reports(claimed, L.DELIVERED)), claimed=claimed)
    assert (change.state, change.step, change.due_in) == (OrderState.FULFILLED, None, None)


def test_a_quote_is_confirmed_at_once() -> None:
    until = NOW + timedelta(minutes=9)
    quote = Confirmed("their-id", total=lira("19.90"), expires_at=until)
    change = after_call(quote, capabilities=TWO_PHASE)
    assert (change.state, change.step, change.due_in) == (OrderState.QUOTED, Step.CONFIRM, AT_ONCE)
    assert change.goes_on
    assert (change.expires_at, change.total) == (until, lira("19.90"))
    assert moved_to(change) == [L.QUOTED]


def test_a_confirmed_quote_is_placed() -> None:
    change = after_call(Confirmed("their-id"), step=Step.CONFIRM, capabilities=TWO_PHASE)
    assert (change.state, change.step) == (OrderState.PLACED, Step.POLL)
    assert moved_to(change) == [L.ACCEPTED]


@pytest.mark.parametrize("price", [lira("19.91"), Money(Decimal(1), "EUR")])
def test_a_quote_above_the_limit_is_not_bought(price: Money) -> None:
    claimed = calling(L.WAITING, max_total=lira("19.90"))
    change = after_call(Confirmed("their-id", total=price), capabilities=TWO_PHASE, claimed=claimed)
    assert (change.state, change.step) == (OrderState.REFUSED, None)
    assert str(price) in (change.reason or "")
    assert moved_to(change) == [L.REFUSED]
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.CONFIRMED


def test_an_order_charged_above_the_limit_goes_on_and_is_flagged() -> None:
    claimed = calling(L.WAITING, max_total=lira("19.90"))
    change = after_call(Confirmed("their-id", total=lira("20")), claimed=claimed)
    assert (change.state, change.total) == (OrderState.PLACED, lira("20"))
    (alarm,) = change.events
    assert alarm.type == "order.charged_above_max"
    assert alarm.data["charged"] == "20.00 TRY"
    assert alarm.data["max_total"] == "19.90 TRY"
    assert (alarm.data["provider_ref"], alarm.data["lines"]) == ("their-id", [])
    assert "support" in alarm.data["give_back"]


@pytest.mark.parametrize(
    ("known", "answer", "surplus"),
    [
        (None, Confirmed("a"), ()),
        (None, Confirmed("a", surplus=("b", "c")), ("b", "c")),
        ("a", Confirmed("a", surplus=("b",)), ("b",)),
        ("a", Confirmed("b"), ("b",)),
        ("a", Confirmed("b", surplus=("a", "c")), ("b", "c")),
        (None, Confirmed(None), ()),
    ],
)
def test_what_is_there_beside_the_order_is_surplus_and_never_the_order_itself(
    known: str | None, answer: Confirmed, surplus: tuple[str, ...]
) -> None:
    change = a_decider().after_call(a_claimed(provider_ref=known), Step.PLACE, answer, HALF)
    assert change.surplus == surplus
    told = [event.data for event in change.events if event.type == "order.surplus_found"]
    assert told == ([{"provider_refs": list(surplus)}] if surplus else [])


@pytest.mark.parametrize("step", [Step.PLACE, Step.CONFIRM])
def test_an_undecided_provider_is_polled(step: Step) -> None:
    change = after_call(Pending("their-id"), step=step, capabilities=TWO_PHASE)
    assert (change.state, change.step) == (OrderState.PLACED, Step.POLL)
    assert change.provider_ref == "their-id"
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.PENDING


# --- no --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Step.PLACE, Step.CONFIRM])
@pytest.mark.parametrize("code", RefusalCode)
def test_a_no_ends_the_order_and_is_told_in_the_providers_words(
    code: RefusalCode, step: Step
) -> None:
    change = after_call(Refused(code, "their words"), step=step, capabilities=TWO_PHASE)
    expected = {
        RefusalCode.EXPIRED: (OrderState.EXPIRED, L.EXPIRED),
        RefusalCode.CANCELLED: (OrderState.CANCELLED, L.CANCELLED),
    }.get(code, (OrderState.REFUSED, L.REFUSED))
    assert (change.state, *moved_to(change)) == expected
    assert (change.step, change.due_in) == (None, None)
    assert change.moves[0].news.reason == f"{code}: their words"


def test_a_line_that_is_to_blame_is_told_why_and_the_others_too() -> None:
    claimed = calling(L.WAITING, L.WAITING)
    blame = replace(reports(claimed, L.REFUSED)[0], reason="this one is sold out")
    change = after_call(Refused(RefusalCode.OUT_OF_STOCK, "no", (blame,)), claimed=claimed)
    assert [move.news.reason for move in change.moves] == [
        "this one is sold out",
        "out_of_stock: no",
    ]


def test_a_line_blamed_without_a_word_is_told_the_orders_reason() -> None:
    claimed = calling(L.WAITING)
    no = Refused(RefusalCode.OUT_OF_STOCK, "no", reports(claimed, L.REFUSED))
    assert after_call(no, claimed=claimed).moves[0].news.reason == "out_of_stock: no"


# --- not sent --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "state"),
    [(Step.PLACE, OrderState.PLACING), (Step.CONFIRM, OrderState.CONFIRMING)],
)
def test_what_was_not_sent_is_tried_again_later(step: Step, state: OrderState) -> None:
    claimed = calling(step=step, tries=3)
    change = after_call(NotSent("refused"), step=step, capabilities=TWO_PHASE, claimed=claimed)
    assert (change.state, change.step, change.tries) == (state, step, 4)
    assert change.due_in == POLICY.retry_in(3, HALF)
    assert change.moves == ()
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.NOT_SENT


def test_the_providers_wish_to_be_left_alone_is_kept() -> None:
    change = after_call(NotSent("429", retry_after=timedelta(seconds=90)))
    assert change.due_in == timedelta(seconds=90)


def test_an_order_that_could_not_be_sent_for_a_day_fails() -> None:
    claimed = calling(now=NOW + POLICY.retry_for)
    change = after_call(NotSent("refused"), claimed=claimed)
    assert (change.state, change.step) == (OrderState.FAILED, None)
    assert moved_to(change) == [L.FAILED]


def test_who_throttles_without_a_wish_is_left_alone_for_a_second_at_least() -> None:
    busy = NotSent("429", throttled=True)
    change = a_decider().after_call(calling(), Step.PLACE, busy, 0.0)
    assert change.due_in == THROTTLE_FLOOR
    again = a_decider().after_call(calling(tries=4), Step.PLACE, busy, 0.0)
    assert again.due_in == POLICY.retry_in(4, 1.0) / 2


@pytest.mark.parametrize("wish", [timedelta(seconds=90), timedelta(days=1)])
def test_no_wish_reaches_beyond_the_quotes_window(wish: timedelta) -> None:
    claimed = calling(expires_at=NOW + NEEDS + timedelta(seconds=20))
    change = after_call(NotSent("429", retry_after=wish, throttled=True), claimed=claimed)
    assert change.due_in == timedelta(seconds=19)


def test_an_order_that_was_not_sent_too_often_in_a_row_fails_and_says_so() -> None:
    last = POLICY.max_tries - 1
    still = after_call(NotSent("refused"), claimed=calling(tries=last - 1))
    assert (still.state, still.tries) == (OrderState.PLACING, last)
    change = after_call(NotSent("refused"), claimed=calling(tries=last))
    assert (change.state, change.reason) == (OrderState.FAILED, "gave up after 50 tries: refused")
    assert moved_to(change) == [L.FAILED]


def test_it_does_not_fail_while_an_earlier_call_may_have_come_through() -> None:
    resends = Capabilities(after_place=Doubt.REPLAY, repeats=100)
    claimed = replace(
        calling(L.IN_DOUBT, tries=POLICY.max_tries),
        attempt=an_attempt(sends=2),
        attempt_outcome=OutcomeName.IN_DOUBT,
    )
    change = after_call(NotSent("refused"), capabilities=resends, claimed=claimed)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)


# --- a retry that the account's budget has no place for ------------------------------------------


@pytest.mark.parametrize(
    ("until", "due_in", "said"),
    [
        (timedelta(0), timedelta(seconds=4), "not sent: 429"),
        (timedelta(minutes=7), timedelta(minutes=7), f"not sent: 429; {BUDGET_SPENT}"),
    ],
)
def test_a_retry_waits_for_its_place_and_says_why(
    until: timedelta, due_in: timedelta, said: str
) -> None:
    claimed = calling(tries=3)
    change = after_call(NotSent("429"), claimed=claimed)
    late = a_decider().put_off(claimed, Step.PLACE, change, until)
    assert (late.due_in, late.reason) == (due_in, said)
    assert replace(late, due_in=change.due_in, reason=change.reason) == change


@pytest.mark.parametrize(
    ("fields", "latest"),
    [
        ({"expires_at": NOW + NEEDS + timedelta(seconds=20)}, timedelta(seconds=19)),
        ({"now": NOW + POLICY.retry_for - timedelta(minutes=1)}, timedelta(seconds=59)),
    ],
)
def test_no_budget_takes_an_order_its_last_chance(
    fields: dict[str, Any], latest: timedelta
) -> None:
    claimed = calling(tries=3, **fields)
    change = after_call(NotSent("429"), claimed=claimed)
    late = a_decider().put_off(claimed, Step.PLACE, change, timedelta(hours=5))
    assert (late.state, late.due_in) == (OrderState.PLACING, latest)


def test_a_change_that_waits_for_nothing_is_not_put_off() -> None:
    claimed = calling()
    change = after_call(Refused(RefusalCode.OUT_OF_STOCK, "sold out"), claimed=claimed)
    assert a_decider().put_off(claimed, Step.PLACE, change, timedelta(hours=5)) == change


def test_a_call_that_could_not_even_start_leaves_no_attempt_behind() -> None:
    change = a_decider().not_started(a_claimed(), Step.PLACE, NotSent("no token"), HALF)
    assert (change.state, change.step, change.attempt) == (OrderState.PLACING, Step.PLACE, None)


def test_a_try_is_never_put_off_beyond_the_quote() -> None:
    claimed = calling(expires_at=NOW + NEEDS + timedelta(seconds=8))
    change = after_call(NotSent("429", retry_after=timedelta(minutes=4)), claimed=claimed)
    assert change.due_in == timedelta(seconds=7)


def test_the_last_try_is_due_while_it_can_still_be_made_and_then_the_end() -> None:
    claimed = calling(expires_at=NOW + NEEDS + timedelta(seconds=0.5))
    change = after_call(NotSent("429", retry_after=timedelta(minutes=4)), claimed=claimed)
    assert (change.state, change.due_in) == (OrderState.PLACING, timedelta(seconds=0.5))


def test_a_call_that_just_fits_into_the_window_may_be_made() -> None:
    claimed = a_claimed(expires_at=NOW + NEEDS)
    change = a_decider().not_started(claimed, Step.PLACE, NotSent("no token"), HALF)
    assert (change.state, change.due_in) == (OrderState.PLACING, AT_ONCE)


def test_an_order_that_cannot_even_start_expires_with_its_quote() -> None:
    claimed = a_claimed(expires_at=NOW + NEEDS - timedelta(microseconds=1))
    change = a_decider().not_started(claimed, Step.PLACE, NotSent("no token"), HALF)
    assert (change.state, change.step) == (OrderState.EXPIRED, None)
    assert moved_to(change) == [L.EXPIRED]


@pytest.mark.parametrize(
    ("step", "line"), [(Step.PLACE, L.WAITING), (Step.CONFIRM, L.QUOTED), (Step.PLACE, L.IN_DOUBT)]
)
def test_a_closed_window_ends_the_order(step: Step, line: LineState) -> None:
    change = a_decider(ONE_PHASE).window_closed(a_claimed(line, step=step))
    assert (change.state, change.step) == (OrderState.EXPIRED, None)
    assert moved_to(change) == [L.EXPIRED]


# --- in doubt --------------------------------------------------------------------------------

ASKING = [Doubt.LOOK_UP, Doubt.LOOK_UP_ONCE, Doubt.LOOK_UP_WEAK]


@pytest.mark.parametrize("step", [Step.PLACE, Step.CONFIRM])
@pytest.mark.parametrize("doubt", ASKING)
def test_an_unknown_outcome_is_looked_up_and_nothing_is_sent(doubt: Doubt, step: Step) -> None:
    capabilities = Capabilities(after_place=doubt, after_confirm=doubt)
    change = after_call(InDoubt("reset"), step=step, capabilities=capabilities)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    assert change.due_in == POLICY.look_up_waits[0]
    assert moved_to(change) == [L.IN_DOUBT]
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


def test_an_unknown_outcome_that_nobody_can_ask_about_is_parked() -> None:
    change = after_call(InDoubt("reset"), capabilities=Capabilities(after_place=Doubt.NONE))
    assert (change.state, change.step, change.due_in) == (OrderState.PARKED, None, None)
    assert "reset" in (change.parked_reason or "")
    assert moved_to(change) == [L.IN_DOUBT]
    assert [event.type for event in change.events] == ["order.parked"]


def test_a_harmless_call_is_repeated_and_then_given_time() -> None:
    def tried(tries: int) -> Change:
        claimed = calling(tries=tries)
        return after_call(InDoubt("reset"), capabilities=TWO_PHASE, claimed=claimed)

    for tries in range(TWO_PHASE.repeats):
        assert (tried(tries).step, tried(tries).due_in) == (
            Step.PLACE,
            POLICY.retry_in(tries + 1, HALF),
        )
        assert tried(tries).moves == ()
    assert tried(TWO_PHASE.repeats).due_in == timedelta(minutes=10)


def test_a_harmless_call_is_not_repeated_for_ever() -> None:
    claimed = calling(now=NOW + POLICY.retry_for)
    change = after_call(InDoubt("reset"), capabilities=TWO_PHASE, claimed=claimed)
    assert (change.state, change.step) == (OrderState.FAILED, None)


def test_a_call_whose_worker_was_lost_is_in_doubt_like_any_other() -> None:
    claimed = calling(L.QUOTED, step=Step.CONFIRM)
    assert claimed.left_open
    change = a_decider(TWO_PHASE).left_open(claimed, HALF)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


# --- look-ups --------------------------------------------------------------------------------


def test_what_is_found_at_a_look_up_is_placed() -> None:
    change = after_look_up(Confirmed("their-id"), doubtful())
    assert (change.state, change.provider_ref) == (OrderState.PLACED, "their-id")
    assert moved_to(change) == [L.ACCEPTED]
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.CONFIRMED


def test_what_is_found_refused_at_a_look_up_is_refused() -> None:
    change = after_look_up(Refused(RefusalCode.OTHER, "no"), doubtful())
    assert (change.state, *moved_to(change)) == (OrderState.REFUSED, L.REFUSED)


def test_a_quote_found_at_a_look_up_is_confirmed() -> None:
    found = Confirmed("their-id")
    capabilities = Capabilities(after_place=Doubt.LOOK_UP, after_confirm=Doubt.LOOK_UP)
    change = after_look_up(found, doubtful(), capabilities)
    assert (change.state, change.step) == (OrderState.QUOTED, Step.CONFIRM)


@pytest.mark.parametrize("nothing", [NotSent("refused"), InDoubt("reset")])
def test_a_look_up_without_an_answer_is_repeated_and_counts_for_nothing(
    nothing: NotSent | InDoubt,
) -> None:
    change = after_look_up(nothing, doubtful(look_ups=2, tries=4))
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    assert (change.due_in, change.tries) == (POLICY.retry_in(4, HALF), 5)
    assert change.attempt is None


def looked_up_in_vain(doubt: Doubt, *, look_ups: int, after: timedelta) -> Change:
    claimed = doubtful(look_ups=look_ups - 1, now=NOW + after)
    return after_look_up(Absent(SEEN), claimed, Capabilities(after_place=doubt))


@pytest.mark.parametrize(("look_ups", "minutes"), [(1, 60), (2, 60), (3, 9), (4, 9)], ids=str)
def test_absence_seen_too_seldom_or_too_early_is_asked_about_again(
    look_ups: int, minutes: int
) -> None:
    change = looked_up_in_vain(Doubt.LOOK_UP, look_ups=look_ups, after=timedelta(minutes=minutes))
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    after = timedelta(minutes=minutes)
    assert change.due_in == (POLICY.look_up_in(look_ups, after) or POLICY.look_up_waits[-1])
    assert change.attempt is not None
    assert (change.attempt.outcome, change.attempt.look_ups) == (OutcomeName.IN_DOUBT, look_ups)
    assert [event.type for event in change.events] == ["order.looked_up"]


def test_proven_absence_sends_the_call_again_at_once() -> None:
    change = looked_up_in_vain(Doubt.LOOK_UP, look_ups=3, after=timedelta(minutes=10))
    assert (change.state, change.step, change.due_in) == (OrderState.PLACING, Step.PLACE, AT_ONCE)
    assert change.attempt is not None
    assert (change.attempt.outcome, change.attempt.look_ups) == (OutcomeName.NOT_SENT, 3)
    assert change.attempt.evidence == SEEN


def test_one_look_at_a_provider_that_refuses_repeats_is_enough_to_call_again() -> None:
    claimed = doubtful(Step.CONFIRM, now=NOW + timedelta(seconds=5))
    change = after_look_up(Absent(), claimed, TWO_PHASE)
    assert (change.state, change.step) == (OrderState.CONFIRMING, Step.CONFIRM)
    assert change.goes_on
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.IN_DOUBT


def looked_at_once(*, window: timedelta, now: timedelta = timedelta()) -> Claimed:
    """A confirming call in doubt, that one look did not find, at the end of the quote."""
    return calling(L.IN_DOUBT, step=Step.CONFIRM, expires_at=NOW + window, now=NOW + now)


def test_one_look_is_not_enough_to_say_that_nothing_was_bought() -> None:
    claimed = looked_at_once(window=NEEDS - timedelta(microseconds=1))
    decider = a_decider(TWO_PHASE)
    for change in (
        decider.window_closed(claimed),
        decider.not_started(claimed, Step.CONFIRM, NotSent("no token"), HALF),
    ):
        assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
        assert change.due_in == POLICY.patience(CALL_DEADLINE)
        assert change.moves == ()


def test_giving_up_waits_for_an_earlier_call_in_the_same_way() -> None:
    claimed = calling(L.IN_DOUBT, step=Step.CONFIRM, now=NOW + POLICY.retry_for)
    change = after_call(
        NotSent("refused"), step=Step.CONFIRM, capabilities=TWO_PHASE, claimed=claimed
    )
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    assert change.due_in == POLICY.look_up_waits[0]


def test_a_no_to_the_second_call_is_no_answer_to_the_first() -> None:
    claimed = doubtful(Step.CONFIRM, now=NOW, expires_at=NOW + timedelta(minutes=9))
    no = Refused(RefusalCode.INVALID, "no valid orderId")
    change = after_call(no, step=Step.CONFIRM, capabilities=TWO_PHASE, claimed=claimed)
    assert (change.state, change.step) == (OrderState.IN_DOUBT, Step.RECONCILE)
    assert change.due_in == timedelta(minutes=10)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.REFUSED
    assert after_look_up(no, claimed, TWO_PHASE).state is OrderState.REFUSED


@pytest.mark.parametrize(("minutes", "state"), [(9, OrderState.IN_DOUBT), (10, OrderState.EXPIRED)])
def test_an_order_that_may_not_be_called_again_expires_once_its_call_had_time_to_land(
    minutes: int, state: OrderState
) -> None:
    claimed = doubtful(
        Step.CONFIRM, now=NOW + timedelta(minutes=minutes), expires_at=NOW + timedelta(minutes=9)
    )
    change = after_look_up(Absent(), claimed, TWO_PHASE)
    assert change.state is state
    assert change.attempt is not None
    if state is OrderState.IN_DOUBT:
        assert change.due_in == timedelta(minutes=1)
        assert change.attempt.outcome is OutcomeName.IN_DOUBT
    else:
        assert moved_to(change) == [L.EXPIRED]
        assert change.attempt.outcome is OutcomeName.NOT_SENT


def test_a_no_stands_once_an_earlier_call_can_come_through_no_more() -> None:
    claimed = doubtful(
        Step.CONFIRM, attempt_outcome=OutcomeName.REFUSED, now=NOW + timedelta(minutes=10)
    )
    change = after_look_up(Absent(), claimed, TWO_PHASE)
    assert (change.state, change.step) == (OrderState.REFUSED, None)
    assert moved_to(change) == [L.REFUSED]


def test_a_list_that_proves_nothing_ends_with_a_person() -> None:
    last = len(POLICY.look_up_waits)
    for look_ups in range(1, last):
        change = looked_up_in_vain(
            Doubt.LOOK_UP_WEAK, look_ups=look_ups, after=timedelta(minutes=10)
        )
        assert change.step is Step.RECONCILE
    change = looked_up_in_vain(Doubt.LOOK_UP_WEAK, look_ups=last, after=timedelta(days=9))
    assert (change.state, change.step) == (OrderState.PARKED, None)
    assert change.attempt is not None
    assert change.attempt.outcome is OutcomeName.IN_DOUBT
    assert change.attempt.look_ups == last


# --- polls -----------------------------------------------------------------------------------


def test_polls_grow_slower_up_to_the_last_wait() -> None:
    waits = []
    claimed = a_claimed(L.ACCEPTED, step=Step.POLL, tries=1)
    for _ in range(4):
        change = a_decider().after_poll(claimed, Pending(), HALF)
        assert (change.state, change.step) == (OrderState.PLACED, Step.POLL)
        waits.append(change.due_in)
        claimed = carried_on(claimed, change, NOW)
    assert waits == [timedelta(seconds=s) for s in (10, 60, 60, 60)]


def test_a_poll_moves_only_what_changed() -> None:
    claimed = a_claimed(L.ACCEPTED, L.ACCEPTED, step=Step.POLL)
    seen = reports(claimed, L.DELIVERED, L.ACCEPTED)
    change = a_decider().after_poll(claimed, Confirmed("x", seen), HALF)
    assert moved_to(change) == [L.DELIVERED]
    assert change.provider_ref is None
    assert change.attempt is None


def test_the_last_delivery_fulfils_the_order() -> None:
    claimed = a_claimed(L.DELIVERED, L.ACCEPTED, step=Step.POLL)
    seen = reports(claimed, L.DELIVERED, L.DELIVERED)
    change = a_decider().after_poll(claimed, Confirmed("x", seen), HALF)
    assert (change.state, change.step, change.due_in) == (OrderState.FULFILLED, None, None)


def test_a_no_after_the_yes_is_for_a_person() -> None:
    claimed = a_claimed(L.ACCEPTED, step=Step.POLL)
    change = a_decider().after_poll(claimed, Refused(RefusalCode.OTHER, "who?"), HALF)
    assert (change.state, change.step) == (OrderState.PARKED, None)
    assert change.moves == ()


@pytest.mark.parametrize("nothing", [NotSent("refused"), InDoubt("reset")])
def test_a_poll_without_an_answer_is_repeated(nothing: NotSent | InDoubt) -> None:
    claimed = a_claimed(L.ACCEPTED, step=Step.POLL, tries=2)
    change = a_decider().after_poll(claimed, nothing, HALF)
    assert (change.state, change.step, change.tries) == (OrderState.PLACED, Step.POLL, 3)
    assert change.due_in == POLICY.retry_in(2, HALF)


# --- carrying on -----------------------------------------------------------------------------


def test_an_order_carried_on_is_the_order_that_would_be_claimed_again() -> None:
    claimed = a_claimed(L.WAITING, L.WAITING, expires_at=NOW + timedelta(minutes=10))
    soon = NOW + timedelta(minutes=5)
    quote = Confirmed("their-id", expires_at=soon)
    change = a_decider(TWO_PHASE).after_call(
        replace(claimed, attempt=an_attempt()), Step.PLACE, quote, HALF
    )
    later = NOW + timedelta(seconds=2)
    carried = carried_on(claimed, change, later)
    assert (carried.state, carried.step, carried.tries) == (OrderState.QUOTED, Step.CONFIRM, 0)
    assert (carried.now, carried.expires_at) == (later, soon)
    assert carried.order.provider_ref == "their-id"
    assert [(line.state, line.sequence) for line in carried.order.lines] == [(L.QUOTED, 1)] * 2
    assert not carried.left_open


def test_an_order_that_is_parked_no_more_is_carried_on_without_the_reason() -> None:
    parked = calling(L.IN_DOUBT, state=OrderState.PARKED, parked_reason="x")
    change = after_call(Confirmed("their-id"), capabilities=TWO_PHASE, claimed=parked)
    assert carried_on(parked, change, NOW).parked_reason is None


def test_a_later_quote_does_not_prolong_an_earlier_one() -> None:
    claimed = calling(expires_at=NOW + timedelta(minutes=1))
    quote = Confirmed("x", expires_at=NOW + timedelta(hours=1))
    change = after_call(quote, capabilities=TWO_PHASE, claimed=claimed)
    assert carried_on(claimed, change, NOW).expires_at == NOW + timedelta(minutes=1)


def test_a_finished_order_cannot_be_carried_on() -> None:
    change = after_call(Refused(RefusalCode.OTHER, "no"))
    with pytest.raises(ValueError, match="no next step"):
        carried_on(a_claimed(), change, NOW)


def test_a_doubt_that_no_look_up_answers_for_long_reaches_a_person() -> None:
    opened_at = NOW - POLICY.retry_for
    claimed = a_claimed(
        state=OrderState.IN_DOUBT,
        step=Step.RECONCILE,
        attempt=an_attempt(opened_at=opened_at),
        attempt_outcome=OutcomeName.IN_DOUBT,
    )
    unanswered = InDoubt("their list is too long")
    assert a_decider().after_look_up(claimed, unanswered, 0.5).state is OrderState.PARKED
    recent = replace(claimed, attempt=an_attempt(opened_at=NOW))
    assert a_decider().after_look_up(recent, unanswered, 0.5).step is Step.RECONCILE
