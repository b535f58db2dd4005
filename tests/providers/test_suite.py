"""Which stories are told of whom: a condition that is wrong must not lose one in silence.

What is expected here follows from the capabilities of an adapter that stands before its remote;
what is told is what pytest finds.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.providers.collected import suites_of, told_of
from tests.providers.suite import ProviderSuite
from tests.providers.suite_access import AccessStories
from tests.providers.suite_base import BREAKING, DOUBTFUL, HARMLESS, THROTTLED
from tests.providers.suite_books import BookStories
from tests.providers.suite_cancel import CancelStories
from tests.providers.suite_failures import FailureStories
from tests.providers.suite_faults import FaultStories
from tests.providers.suite_unsent import UnsentStories
from tests.providers.trial import Trial, remote_of
from worker.books import Books
from worker.capabilities import Capabilities, Doubt, Polling
from worker.order import Ordered
from worker.outcome import InDoubt
from worker.providers import REGISTRY
from worker.providers.asked import personal_in
from worker.sandbox import Fault, Sandbox
from worker.sandbox.remotes import REMOTES

SUITES = [
    suite for name in REGISTRY for suite in suites_of(name) if suite.__name__.startswith("Test")
]
"""Those that pytest finds."""
STORIES = [name for name in dir(ProviderSuite) if name.startswith("test_")]
SETTLED_BY_ASKING = {Doubt.LOOK_UP, Doubt.LOOK_UP_ONCE, Doubt.LOOK_UP_WEAK, Doubt.REPLAY}

Expected = Mapping[Any, int]
"""How often which story has to be told."""


@pytest.fixture(params=SUITES, ids=lambda one: one.__name__)
def suite(request: pytest.FixtureRequest) -> type[ProviderSuite]:
    found: type[ProviderSuite] = request.param
    return found


@pytest.fixture
async def trial(sandbox: Sandbox, suite: type[ProviderSuite]) -> Any:
    how = (suite.provider, suite.calls(), suite.cancelling)
    async with Trial(sandbox, *how, **suite.account) as one:
        yield one


def test_every_provider_has_a_suite_that_tells_all_its_documented_failures() -> None:
    for remote in REMOTES:
        suites = [suite for suite in SUITES if suite.provider == remote.name]
        left_out = set.intersection(*({*suite.elsewhere} for suite in suites))
        assert not left_out & {one.operation for one in remote.documented}


def test_every_story_is_told_of_somebody() -> None:
    told = sum((told_of(suite) for suite in SUITES), Counter())
    assert [story for story in STORIES if not told[story]] == []


def test_no_test_of_a_provider_is_skipped() -> None:
    skip = "pytest." + "skip"
    paths = [path for path in Path(__file__).parent.rglob("*.py") if skip in path.read_text()]
    assert paths == []


async def test_what_is_told_of_a_provider_follows_from_what_it_can(
    suite: type[ProviderSuite], trial: Trial
) -> None:
    plain, cancellable = suite().plain(), suite().cancellable()
    able = trial.adapter.capabilities_for(plain.intent)
    off = trial.adapter.capabilities_for(cancellable.intent)
    assert len(trial.steps) == (2 if able.two_phase else 1)
    expected = {
        **_whatever_it_can(suite, trial),
        **_of_failures(suite, trial, plain),
        **_once_bought(suite, able),
        **_with_a_token(able),
        **_sent_again(suite, able),
        **_looked_up(suite, able),
        **_called_off(suite, off),
        **_of_books(suite, able),
    }
    assert sorted(one.__name__ for one in expected) == STORIES
    told = told_of(suite)
    assert {one.__name__: told[one.__name__] for one in expected} == {
        one.__name__: times for one, times in expected.items()
    }


def _whatever_it_can(suite: type[ProviderSuite], trial: Trial) -> Expected:
    steps, checks = len(trial.steps), len(BREAKING) - (1 if suite.checks_by_status else 0)
    return {
        ProviderSuite.test_a_confirmed_order_is_in_the_books_line_by_line: 1,
        ProviderSuite.test_an_order_placed_twice_is_told_as_often_as_it_was_bought: 1,
        FaultStories.test_an_outcome_is_never_surer_than_the_truth: steps * len(Fault) * 2,
        FaultStories.test_a_throttled_call_tells_how_long_to_wait: steps * len(THROTTLED),
        UnsentStories.test_a_refused_connection_is_not_sent: steps * 2,
        UnsentStories.test_past_its_deadline_nothing_is_sent: steps,
        UnsentStories.test_a_whole_provider_in_the_dark_leaves_doubt: steps,
        AccessStories.test_a_good_account_is_let_in_and_buys_nothing: len(HARMLESS),
        AccessStories.test_an_account_that_got_no_clear_answer_is_not_let_in: checks,
    }


def _of_failures(suite: type[ProviderSuite], trial: Trial, plain: Ordered) -> Expected:
    remote = remote_of(suite.provider)
    rows = [one.operation for one in remote.documented if one.operation not in suite.elsewhere]
    about_an_order = {*trial.operations.values(), *suite.reads}
    said = [
        operation
        for operation in rows
        if (personal_in(plain) if operation in about_an_order else trial.credentials)
    ]
    return {
        FailureStories.test_a_documented_failure_means_what_is_written: len(rows),
        FailureStories.test_a_failure_that_repeats_what_we_said_is_not_repeated_by_us: len(said),
        FailureStories.test_no_documented_failure_is_left_out: 1,
    }


def _once_bought(suite: type[ProviderSuite], able: Capabilities) -> Expected:
    polls = able.polls is not Polling.NONE
    assert polls == (suite.reads[1] is not None)
    return {
        ProviderSuite.test_an_order_can_be_asked_after_by_the_ids_that_a_person_could_name: polls,
        ProviderSuite.test_the_price_is_told_line_by_line_and_in_total: int(suite.tells_price),
        ProviderSuite.test_delivered_codes_arrive_and_are_shown_to_nobody: int(suite.gives_goods),
        FaultStories.test_a_poll_that_fails_changes_nothing: polls * len(BREAKING),
        UnsentStories.test_polling_a_half_known_order_says_so: int(polls),
    }


def _with_a_token(able: Capabilities) -> Expected:
    failing = len(Fault) if able.needs_token else 0
    return {
        AccessStories.test_a_dead_token_is_renewed_and_the_order_bought_once: able.needs_token,
        AccessStories.test_a_token_that_dies_under_many_calls_is_renewed_once: able.needs_token,
        AccessStories.test_without_a_token_nothing_is_sent: able.needs_token,
        AccessStories.test_a_login_that_fails_never_puts_an_order_in_doubt: failing,
    }


def _sent_again(suite: type[ProviderSuite], able: Capabilities) -> Expected:
    times = [able.after_place, able.after_confirm].count(Doubt.REPLAY)
    story = FaultStories.test_the_same_request_sent_again_is_not_executed_again
    return {story: times * _doubts(suite)}


def _looked_up(suite: type[ProviderSuite], able: Capabilities) -> Expected:
    asks = (able.after_confirm or able.after_place) in SETTLED_BY_ASKING
    assert not asks or suite.reads[0]
    return {
        ProviderSuite.test_a_look_up_finds_what_was_bought: asks,
        ProviderSuite.test_a_look_up_before_the_call_finds_nothing: asks,
        FaultStories.test_a_look_up_settles_the_doubt: asks * _doubts(suite),
        FaultStories.test_a_look_up_that_fails_proves_nothing: asks * len(BREAKING),
    }


def _called_off(suite: type[ProviderSuite], able: Capabilities) -> Expected:
    off = able.after_cancel is not None
    asks = able.after_cancel in SETTLED_BY_ASKING | {Doubt.HARMLESS}
    return {
        CancelStories.test_an_order_that_was_called_off_costs_nothing: off,
        CancelStories.test_nothing_is_called_off_without_a_connection_or_in_time: off,
        CancelStories.test_a_cancelling_call_is_never_surer_than_the_truth: off * len(Fault),
        CancelStories.test_a_doubt_about_calling_off_is_settled: off * _doubts(suite),
        CancelStories.test_a_look_up_that_fails_does_not_call_an_order_off: asks * len(BREAKING),
    }


def _of_books(suite: type[ProviderSuite], able: Capabilities) -> Expected:
    reads = able.books is not Books.NONE
    lists = reads and suite.books_shelf is not None
    refuses = reads and suite.no_shelf is not None
    return {
        BookStories.test_what_was_bought_is_in_the_books_under_our_reference: reads,
        BookStories.test_a_shelf_is_known_once_the_order_is_placed: able.books is Books.SHELVES,
        BookStories.test_many_pages_are_read_to_their_end_and_nothing_is_missed: lists,
        BookStories.test_reading_goes_on_from_a_page_that_was_kept: lists,
        BookStories.test_a_whole_page_of_new_orders_between_two_pages_ends_nothing: lists,
        BookStories.test_what_is_older_than_asked_for_is_not_read: lists,
        BookStories.test_an_order_that_is_gone_is_in_the_books_no_more: reads,
        BookStories.test_a_word_that_nobody_documented_is_told_as_it_is: reads,
        BookStories.test_a_surplus_order_bears_our_reference_too: lists,
        BookStories.test_books_that_cannot_be_read_say_nothing: reads * len(BREAKING),
        BookStories.test_books_that_come_slowly_are_read: reads * len(HARMLESS),
        BookStories.test_nothing_is_asked_without_a_connection_or_in_time: reads,
        BookStories.test_a_token_that_died_is_renewed_and_the_same_page_read: (
            reads and able.needs_token
        ),
        BookStories.test_a_shelf_that_is_not_there_is_refused: refuses,
    }


def _doubts(suite: type[ProviderSuite]) -> int:
    """How many faults leave doubt there; ``outcomes`` are what its documentation makes of some."""
    return sum(suite.outcomes.get(fault, InDoubt) is InDoubt for fault in DOUBTFUL)
