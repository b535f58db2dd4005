"""What holds for every decision, whatever was claimed and whatever the provider said."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from schemas.money import Money
from tests.builders import (
    CALL_DEADLINE,
    NEEDS,
    NOW,
    POLICY,
    a_claimed,
    a_decider,
    an_attempt,
)
from worker.capabilities import Capabilities, Doubt
from worker.change import Change
from worker.decisions import Decider
from worker.lifecycle import ORDER_MOVES, TERMINAL_ORDERS, LineState, OrderState, Step, may_move
from worker.order import Claimed
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    LineReport,
    NotSent,
    OutcomeName,
    Pending,
    RefusalCode,
    Refused,
)
from worker.policy import THROTTLE_FLOOR

L = LineState
SECOND = timedelta(seconds=1)

chances = st.floats(0, 1, exclude_max=True)
ages = st.timedeltas(timedelta(), timedelta(days=2))
money = st.one_of(
    st.none(), st.builds(Money, st.decimals(0, 99, places=2), st.sampled_from(["TRY", "EUR"]))
)
line_reports = st.lists(
    st.builds(LineReport, st.sampled_from(["ref-0", "ref-1", "else"]), st.sampled_from(L)),
    max_size=3,
).map(tuple)

confirmed = st.builds(
    Confirmed,
    st.just("their-id"),
    line_reports,
    money,
    st.one_of(st.none(), ages.map(lambda age: NOW + age)),
)
pending = st.builds(Pending, st.one_of(st.none(), st.just("their-id")), line_reports)
refused = st.builds(Refused, st.sampled_from(RefusalCode), st.just("no"), line_reports)
not_sent = st.builds(
    NotSent, st.just("not sent"), st.one_of(st.none(), ages), throttled=st.booleans()
)
in_doubt = st.builds(InDoubt, st.just("reset"))
outcomes = st.one_of(confirmed, pending, refused, not_sent, in_doubt)
findings = st.one_of(outcomes, st.just(Absent()))

deciders = st.builds(
    Capabilities,
    after_place=st.sampled_from(Doubt),
    after_confirm=st.one_of(st.none(), st.sampled_from(Doubt)),
).map(a_decider)

LINES_AT = {
    Step.PLACE: [L.WAITING, L.IN_DOUBT],
    Step.CONFIRM: [L.QUOTED, L.IN_DOUBT, L.REFUSED],
    Step.POLL: [L.WAITING, L.QUOTED, L.ACCEPTED, L.PARTIALLY_DELIVERED, L.DELIVERED],
    Step.RECONCILE: [L.IN_DOUBT, L.REFUSED],
}


@st.composite
def claimed_at(draw: st.DrawFn, step: Step) -> Claimed:
    lines = draw(st.lists(st.sampled_from(LINES_AT[step]), min_size=1, max_size=2))
    called = (
        step
        if step in {Step.PLACE, Step.CONFIRM}
        else draw(st.sampled_from([Step.PLACE, Step.CONFIRM]))
    )
    return a_claimed(
        *lines,
        step=step,
        sequence=draw(st.integers(0, 9)),
        tries=draw(st.integers(0, 40)),
        look_ups=draw(st.integers(0, 6)),
        now=NOW + draw(ages),
        expires_at=draw(st.one_of(st.none(), ages.map(lambda age: NOW + age))),
        max_total=draw(money),
        attempt=an_attempt(step=called),
        attempt_outcome=OutcomeName.IN_DOUBT if step is Step.RECONCILE else None,
    )


def check(claimed: Claimed, change: Change) -> None:
    """What any change must be."""
    over = change.state in TERMINAL_ORDERS or change.state is OrderState.PARKED
    assert over == (change.step is None) == (change.due_in is None)
    assert change.due_in is None or change.due_in >= timedelta()
    assert (change.state is OrderState.PARKED) == (change.parked_reason is not None)
    assert change.state in ORDER_MOVES[claimed.state]
    assert (change.order_id, change.fence) == (claimed.order.order_id, claimed.fence)
    lines = {line.line_id: line for line in claimed.order.lines}
    assert len({move.line_id for move in change.moves}) == len(change.moves)
    for move in change.moves:
        line = lines[move.line_id]
        assert may_move(line.state, move.to)
        assert move.news.sequence == line.sequence + 1
        assert move.news.state == move.to
    if change.attempt is not None:
        assert claimed.attempt is not None
        assert change.attempt.attempt_id == claimed.attempt.attempt_id


calls = st.sampled_from([Step.PLACE, Step.CONFIRM]).flatmap(
    lambda step: st.tuples(st.just(step), claimed_at(step))
)


@given(deciders, calls, outcomes, chances)
def test_every_call_is_decided_well(
    decider: Decider,
    call: tuple[Step, Claimed],
    outcome: Confirmed | Pending | Refused | NotSent | InDoubt,
    chance: float,
) -> None:
    step, claimed = call
    change = decider.after_call(claimed, step, outcome, chance)
    check(claimed, change)
    assert change.attempt is not None


@given(deciders, calls, not_sent, chances)
def test_every_call_that_did_not_happen_is_decided_well(
    decider: Decider, call: tuple[Step, Claimed], outcome: NotSent, chance: float
) -> None:
    step, claimed = call
    for decide in _unmade(decider, step, outcome, chance):
        check(claimed, decide(claimed))


def _unmade(
    decider: Decider, step: Step, outcome: NotSent, chance: float
) -> list[Callable[[Claimed], Change]]:
    return [
        lambda claimed: decider.not_started(claimed, step, outcome, chance),
        lambda claimed: decider.left_open(claimed, chance),
        decider.window_closed,
    ]


@given(deciders, claimed_at(Step.RECONCILE), findings, chances)
def test_every_look_up_is_decided_well(
    decider: Decider,
    claimed: Claimed,
    finding: Confirmed | Pending | Refused | NotSent | InDoubt | Absent,
    chance: float,
) -> None:
    check(claimed, decider.after_look_up(claimed, finding, chance))


@given(deciders, claimed_at(Step.POLL), outcomes, chances)
def test_every_poll_is_decided_well(
    decider: Decider,
    claimed: Claimed,
    outcome: Confirmed | Pending | Refused | NotSent | InDoubt,
    chance: float,
) -> None:
    change = decider.after_poll(claimed, outcome, chance)
    check(claimed, change)
    assert change.step in {None, Step.POLL}


# --- doubt -----------------------------------------------------------------------------------

ASKED = [Doubt.LOOK_UP, Doubt.LOOK_UP_ONCE, Doubt.LOOK_UP_WEAK, Doubt.NONE]


@given(st.sampled_from(ASKED), calls, in_doubt, chances)
def test_doubt_about_a_committing_call_never_leads_to_another_call(
    doubt: Doubt, call: tuple[Step, Claimed], outcome: InDoubt, chance: float
) -> None:
    step, claimed = call
    decider = a_decider(Capabilities(after_place=doubt, after_confirm=doubt))
    for change in (
        decider.after_call(claimed, step, outcome, chance),
        decider.left_open(claimed, chance),
    ):
        assert change.step in {None, Step.RECONCILE}
        assert not change.goes_on


@given(st.sampled_from(Doubt), claimed_at(Step.RECONCILE), findings, chances)
def test_a_look_up_leads_to_another_call_only_where_it_proved_absence(
    doubt: Doubt,
    claimed: Claimed,
    finding: Confirmed | Pending | Refused | NotSent | InDoubt | Absent,
    chance: float,
) -> None:
    decider = a_decider(Capabilities(after_place=doubt, after_confirm=doubt))
    change = decider.after_look_up(claimed, finding, chance)
    if change.step is not claimed.attempt_step or isinstance(finding, Confirmed):
        return
    assert isinstance(finding, Absent)
    assert claimed.attempt is not None
    patient = POLICY.absence_is_proof(
        claimed.look_ups + 1, claimed.now - claimed.attempt.sent_at, CALL_DEADLINE
    )
    proves = doubt in {Doubt.LOOK_UP, Doubt.REPLAY} and patient
    assert doubt is Doubt.LOOK_UP_ONCE or proves


@given(st.lists(st.decimals(0, 99, places=2), min_size=1, max_size=3))
def test_no_quote_above_the_limit_is_ever_confirmed(prices: list[Decimal]) -> None:
    limit = Money(Decimal(50), "TRY")
    decider = a_decider(Capabilities(after_place=Doubt.HARMLESS, after_confirm=Doubt.LOOK_UP))
    for price in prices:
        claimed = replace(a_claimed(max_total=limit), attempt=an_attempt())
        quote = Confirmed("their-id", total=Money(price, "TRY"))
        change = decider.after_call(claimed, Step.PLACE, quote, 0.5)
        assert (change.step is Step.CONFIRM) == (price <= limit.amount)


@given(not_sent, st.integers(0, POLICY.max_tries - 2), chances, st.one_of(st.none(), ages), ages)
def test_every_retry_begins_within_its_bounds_and_its_window_whatever_the_budget(
    outcome: NotSent, tries: int, chance: float, left: timedelta | None, until: timedelta
) -> None:
    expires_at = None if left is None else NOW + NEEDS + left
    claimed = a_claimed(tries=tries, expires_at=expires_at, attempt=an_attempt())
    decider = a_decider()
    change = decider.after_call(claimed, Step.PLACE, outcome, chance)
    room = POLICY.retry_for if left is None else left
    assert change.due_in is not None
    assert timedelta() <= change.due_in <= min(POLICY.retry_cap, room)
    asked = min(outcome.retry_after or timedelta(), POLICY.retry_cap)
    floor = THROTTLE_FLOOR if outcome.throttled or outcome.retry_after is not None else timedelta()
    assert change.due_in >= min(max(asked, floor), max(room - SECOND, timedelta()))
    late = decider.put_off(claimed, Step.PLACE, change, until)
    assert late.due_in is not None
    assert change.due_in <= late.due_in <= max(room, change.due_in)
    assert late.due_in >= min(until, max(room - SECOND, timedelta()))
    assert (late.state, late.step, late.tries) == (change.state, change.step, tries + 1)
