"""When a breaker opens, for how long, and which calls say something of a provider."""

from dataclasses import replace
from datetime import timedelta

import pytest

from worker.decisions.breaker import LONGEST_PAUSE, BreakerRules, Calls, failed
from worker.outcome import (
    Absent,
    Confirmed,
    Evidence,
    InDoubt,
    LookUp,
    NotSent,
    Pending,
    RefusalCode,
    Refused,
)
from worker.tallies import Counted, Probe, Tally

SECOND = timedelta(seconds=1)
RULES = BreakerRules(window=60 * SECOND, share=0.5, calls=10, pause=30 * SECOND)
BROKEN = Evidence(status=503)
ANSWERED = Evidence(status=400)


@pytest.mark.parametrize(
    ("seen", "opens"),
    [
        (Calls(9, 9), False),
        (Calls(10, 5), True),
        (Calls(10, 4), False),
        (Calls(11, 5), False),
        (Calls(1000, 500), True),
        (Calls(0, 0), False),
    ],
    ids=str,
)
def test_it_opens_at_a_share_of_enough_calls(seen: Calls, *, opens: bool) -> None:
    assert RULES.opens(seen) is opens


@pytest.mark.parametrize(
    ("outcome", "it_failed"),
    [
        (Confirmed("their-id"), False),
        (Pending(), False),
        (Absent(), False),
        (Refused(RefusalCode.OTHER, "out of stock", evidence=Evidence(status=500)), False),
        (NotSent("connect_failed", unanswered=True), True),
        (InDoubt("timeout", unanswered=True), True),
        (InDoubt("connection_lost", Evidence(status=200), unanswered=True), True),
        (InDoubt("HTTP 502 says neither yes nor no", Evidence(status=502)), True),
        (NotSent("unavailable", evidence=BROKEN), True),
        (InDoubt("HTTP 500 says neither yes nor no", Evidence(status=500)), True),
        (InDoubt("HTTP 499 says neither yes nor no", Evidence(status=499)), False),
        (InDoubt("the answer is unreadable", Evidence(status=200)), False),
        (NotSent("throttled", retry_after=SECOND, evidence=Evidence(status=429)), False),
        (NotSent("unauthorized", token_rejected=True, evidence=Evidence(status=401)), False),
        (NotSent("insufficient_funds", evidence=ANSWERED), False),
        (NotSent("deadline_passed"), None),
        (NotSent("bad_header"), None),
        (NotSent("no access token: logins failed, and rest"), None),
        (NotSent("the worker is stopping"), None),
        (InDoubt("the worker was stopped while it waited for the answer"), None),
        (InDoubt("our adapter failed: KeyError"), None),
    ],
    ids=lambda value: getattr(value, "reason", None) or type(value).__name__,
)
def test_a_provider_fails_a_call_that_it_does_not_answer_or_calls_its_own_error(
    outcome: LookUp, *, it_failed: bool | None
) -> None:
    assert failed(outcome) is it_failed


def test_whose_doing_it_was_is_no_part_of_what_a_call_came_to() -> None:
    assert InDoubt("timeout", unanswered=True) == InDoubt("timeout")
    kept = replace(NotSent("connect_failed", unanswered=True), evidence=BROKEN)
    assert kept.unanswered


def test_each_opening_in_a_row_lasts_twice_as_long_up_to_five_minutes() -> None:
    pauses = [RULES.pause_after(n, SECOND, 0.0) for n in (1, 2, 3, 4, 5, 99)]
    assert pauses[:4] == [n * SECOND for n in (30, 60, 120, 240)]
    assert pauses[4:] == [LONGEST_PAUSE, LONGEST_PAUSE]


def test_a_pause_is_no_shorter_than_a_call_and_is_spread() -> None:
    assert RULES.pause_after(1, 35 * SECOND, 0.0) == 35 * SECOND
    assert RULES.pause_after(9, 600 * SECOND, 0.0) == 600 * SECOND
    assert RULES.pause_after(1, SECOND, 0.5) == 33 * SECOND


def test_a_tally_hands_over_what_went_well_beside_what_failed_once() -> None:
    tally = Tally()
    for now in (0.0, 1.0, 6.0):
        tally.note(failed=False, now=now)
    assert not tally.any_failed(7.0, 60.0)
    tally.note(failed=True, now=7.0)
    assert tally.any_failed(7.0, 60.0)
    assert tally.take(8.0, 60.0) == [Counted(8.0, 2, 0), Counted(3.0, 2, 1)]
    assert tally.take(8.0, 60.0) == []


def test_a_tally_forgets_what_is_older_than_the_window() -> None:
    tally = Tally()
    tally.note(failed=True, now=0.0)
    tally.note(failed=False, now=62.0)
    assert not tally.any_failed(66.0, 60.0)
    assert tally.take(66.0, 60.0) == [Counted(6.0, 1, 0)]


def test_the_first_call_that_says_something_is_the_probe() -> None:
    probe = Probe()
    assert probe.failed is None
    probe.note(failed=True)
    probe.note(failed=False)
    assert probe.failed is True
