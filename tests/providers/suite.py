"""What every adapter must pass, over real HTTP, against a remote that counts.

An adapter's test subclasses ``ProviderSuite``; its capabilities decide which stories are told.
The truth is what the sandbox's books hold: an outcome may be less sure than that, never wrong.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

import pytest

from tests.providers.trial import Steps, Trial, ample
from worker.capabilities import Doubt
from worker.http import Deadline
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import (
    Absent,
    Confirmed,
    InDoubt,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.sandbox import Fault, Outage, Sandbox
from worker.sandbox.remote import Documented
from worker.sandbox.remotes import REMOTES

UNANSWERED: Final = frozenset({Fault.HANG_BEFORE, Fault.HANG_AFTER})
HARMLESS: Final = frozenset({Fault.NONE, Fault.SLOW_DRIP, Fault.LATE_ANSWER})
THROTTLED: Final = frozenset({Fault.THROTTLED_429, Fault.THROTTLED_429_DATE})
BREAKING: Final = sorted(set(Fault) - HARMLESS)

OUTCOMES: Final[Mapping[Fault, type[Outcome]]] = (
    dict.fromkeys(Fault, InDoubt)
    | dict.fromkeys(HARMLESS, Confirmed)
    | dict.fromkeys(THROTTLED, NotSent)
    | {Fault.UNAUTHORIZED_401: NotSent}
)
"""What a committing call comes to; ``ProviderSuite.outcomes`` has a provider's exceptions."""

DOUBTFUL: Final = sorted(fault for fault, outcome in OUTCOMES.items() if outcome is InDoubt)

ASKED_ABOUT: Final = frozenset(
    {Doubt.LOOK_UP, Doubt.LOOK_UP_ONCE, Doubt.LOOK_UP_WEAK, Doubt.REPLAY}
)
"""Doubts that a look-up settles, sooner or later."""

SHORT: Final = 0.5
"""Seconds a call may take that is never answered."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a documented failure comes to: an outcome, and where it is a no, which one."""

    outcome: type[Outcome]
    code: RefusalCode | None = None
    token_rejected: bool = False


class ProviderSuite(ABC):
    """The contract. ``reads`` names the sandbox operations of ``look_up`` and ``poll``.

    ``account`` are settings beside those of the sandbox's own account. ``placed_as`` is where a
    line stands once its order is bought, ``tells_price`` and ``gives_goods`` say what comes with
    it, ``gives_ref`` whether the provider names its orders at all.

    ``steps`` are the calls that make ``plain`` orders, where that is not the same for all orders.
    ``documented`` has every failure that the remote's documentation lists, by operation and name;
    those of the operations in ``elsewhere`` are told by another class of the same provider.
    ``outcomes`` are a provider's exceptions from ``OUTCOMES``. ``believed`` are faults in which
    the remote says, in so many words of its documentation, that it did nothing, having done it:
    no caller can tell.
    """

    provider: ClassVar[str]
    reads: ClassVar[tuple[str | None, str | None]]
    documented: ClassVar[Mapping[tuple[str, str], Means]]
    steps: ClassVar[Steps | None] = None
    elsewhere: ClassVar[frozenset[str]] = frozenset()
    account: ClassVar[Mapping[str, str]] = {}
    placed_as: ClassVar[LineState] = LineState.ACCEPTED
    tells_price: ClassVar[bool] = True
    gives_goods: ClassVar[bool] = True
    gives_ref: ClassVar[bool] = True
    outcomes: ClassVar[Mapping[Fault, type[Outcome]]] = {}
    believed: ClassVar[frozenset[Fault]] = frozenset()

    @abstractmethod
    def plain(self) -> Ordered:
        """An order of two lines that is delivered as soon as it is bought."""

    @pytest.fixture
    async def trial(
        self, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
    ) -> AsyncIterator[Trial]:
        caplog.set_level(logging.DEBUG)
        async with Trial(sandbox, self.provider, self.steps, **self.account) as one:
            yield one
            assert not [secret for secret in one.secrets if secret in caplog.text]

    # --- yes, and what comes of it -----------------------------------------------------------

    async def test_a_confirmed_order_is_in_the_books_line_by_line(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        assert bool(order.provider_ref) == self.gives_ref
        assert [line.state for line in order.lines] == [self.placed_as] * 2
        assert len(trial.sandbox.live_orders(self.provider)) == 2
        assert trial.hits(trial.committing) == 1

    async def test_the_price_is_told_line_by_line_and_in_total(self, trial: Trial) -> None:
        if not self.tells_price:
            pytest.skip("this provider names no price when it is asked for an order")
        outcome = await trial.sure(Step.PLACE, self.plain())
        prices = [line.price for line in outcome.lines]
        booked = [row.price for row in trial.sandbox.books.rows(self.provider)]
        assert [price and price.amount for price in prices] == booked
        assert outcome.total
        assert outcome.total.amount == sum(booked)

    async def test_delivered_codes_arrive_and_are_shown_to_nobody(self, trial: Trial) -> None:
        if not self.gives_goods:
            pytest.skip("what this provider delivers does not come through us")
        order = await trial.bought(self.plain())
        outcome = await trial.poll(order)
        assert isinstance(outcome, Confirmed)
        assert {line.state for line in outcome.lines} == {LineState.DELIVERED}
        for line in outcome.lines:
            assert line.goods
            assert line.goods.items
            assert all(all(item.values()) for item in line.goods.items)

    async def test_a_look_up_finds_what_was_bought(self, trial: Trial) -> None:
        self._needs_look_ups(trial)
        order = await trial.bought(self.plain())
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        assert found.provider_ref == order.provider_ref
        refs = [line.provider_line_ref for line in found.lines]
        assert refs == [line.provider_line_ref for line in order.lines]

    async def test_a_look_up_before_the_call_finds_nothing(self, trial: Trial) -> None:
        self._needs_look_ups(trial)
        order = await trial.ready_for(trial.committing, self.plain())
        assert isinstance(await trial.look_up(order), Absent)

    # --- faults ------------------------------------------------------------------------------

    @pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_an_outcome_is_never_surer_than_the_truth(
        self, trial: Trial, step: Step, fault: Fault, *, reused: bool
    ) -> None:
        order = await self._ready(trial, step, reused=reused)
        before = trial.hits(step)
        outcome = await self._faulty(trial, step, order, fault)
        assert trial.hits(step) == before + 1
        assert type(outcome) is (self.outcomes.get(fault) or OUTCOMES[fault])
        bought = trial.is_bought(order)
        if isinstance(outcome, Confirmed) and step is trial.committing:
            assert bought
        if isinstance(outcome, NotSent | Refused) and fault not in self.believed:
            assert not bought
        assert outcome.evidence.request_ref

    async def test_a_documented_failure_means_what_is_written(
        self, trial: Trial, failure: Documented
    ) -> None:
        means = self.documented[failure.operation, failure.name]
        (step,) = [one for one, operation in trial.steps.items() if operation == failure.operation]
        order = await trial.ready_for(step, self.plain())
        trial.sandbox.script(self.provider, failure.operation, [failure])
        outcome = await trial.call(step, order)
        assert type(outcome) is means.outcome
        if isinstance(outcome, Refused):
            assert outcome.code is means.code
            assert outcome.reason
        if isinstance(outcome, NotSent):
            assert outcome.token_rejected is means.token_rejected
        assert outcome.evidence.request_ref

    def test_no_documented_failure_is_left_out(self) -> None:
        (remote,) = [one for one in REMOTES if one.name == self.provider]
        listed = [(one.operation, one.name) for one in remote.documented]
        assert sorted(set(listed)) == sorted(listed)
        assert sorted(listed) == sorted(self.documented)

    @pytest.mark.parametrize("fault", DOUBTFUL)
    async def test_the_same_request_sent_again_is_not_executed_again(
        self, trial: Trial, step: Step, fault: Fault
    ) -> None:
        if self._doubt(trial, step) is not Doubt.REPLAY:
            pytest.skip("this provider knows no such request again")
        order = await trial.ready_for(step, self.plain())
        assert trial.attempt.request
        if not isinstance(await self._faulty(trial, step, order, fault), InDoubt):
            pytest.skip("this provider's documentation leaves no doubt here")
        await trial.call(step, order)
        await trial.call(step, order)
        assert not trial.sandbox.books.duplicates(self.provider)

    @pytest.mark.parametrize("fault", DOUBTFUL)
    async def test_a_look_up_settles_the_doubt(self, trial: Trial, fault: Fault) -> None:
        self._needs_look_ups(trial)
        order = await trial.ready_for(trial.committing, self.plain())
        if not isinstance(await self._faulty(trial, trial.committing, order, fault), InDoubt):
            pytest.skip("this provider's documentation leaves no doubt here")
        found = await trial.look_up(order)
        assert type(found) is (Confirmed if fault.executes else Absent)
        assert trial.hits(trial.committing) == 1

    @pytest.mark.parametrize("fault", BREAKING)
    async def test_a_look_up_that_fails_proves_nothing(self, trial: Trial, fault: Fault) -> None:
        self._needs_look_ups(trial)
        order = await trial.ready_for(trial.committing, self.plain())
        assert self.reads[0]
        trial.sandbox.script(self.provider, self.reads[0], [fault])
        assert isinstance(await trial.look_up(order, self._deadline(fault)), NotSent | InDoubt)

    @pytest.mark.parametrize("fault", BREAKING)
    async def test_a_poll_that_fails_changes_nothing(self, trial: Trial, fault: Fault) -> None:
        if self.reads[1] is None:
            pytest.skip("there is nothing to poll")
        order = await trial.bought(self.plain())
        trial.sandbox.script(self.provider, self.reads[1], [fault] * len(order.lines))
        outcome = await trial.poll(order, self._deadline(fault))
        assert isinstance(outcome, NotSent | InDoubt)

    @pytest.mark.parametrize("fault", sorted(THROTTLED))
    async def test_a_throttled_call_tells_how_long_to_wait(
        self, trial: Trial, step: Step, fault: Fault
    ) -> None:
        order = await trial.ready_for(step, self.plain())
        outcome = await self._faulty(trial, step, order, fault)
        assert isinstance(outcome, NotSent)
        assert outcome.retry_after is not None
        assert timedelta() <= outcome.retry_after <= timedelta(seconds=1)

    async def test_a_dead_token_is_renewed_and_the_order_bought_once(self, trial: Trial) -> None:
        if not trial.adapter.capabilities.needs_token:
            pytest.skip("the token is a setting")
        order = self.plain()
        rejected = await self._faulty(trial, Step.PLACE, order, Fault.UNAUTHORIZED_401)
        assert isinstance(rejected, NotSent)
        assert rejected.token_rejected
        await trial.log_in()
        await trial.sure(Step.PLACE, order)
        assert not trial.sandbox.books.duplicates(self.provider)

    # --- never sent --------------------------------------------------------------------------

    @pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
    async def test_a_refused_connection_is_not_sent(
        self, trial: Trial, step: Step, *, reused: bool
    ) -> None:
        order = await self._ready(trial, step, reused=reused)
        before = trial.hits(step)
        await trial.sandbox.outage(self.provider, Outage.REFUSE)
        await asyncio.sleep(0.05)  # the reset of the open connection arrives
        assert isinstance(await trial.call(step, order), NotSent)
        assert trial.hits(step) == before

    async def test_past_its_deadline_nothing_is_sent(self, trial: Trial, step: Step) -> None:
        order = await trial.ready_for(step, self.plain())
        before = trial.hits(step)
        passed = Deadline.after(start=-1, total=30)
        assert isinstance(await trial.call(step, order, passed), NotSent)
        assert trial.hits(step) == before

    async def test_a_whole_provider_in_the_dark_leaves_doubt(
        self, trial: Trial, step: Step
    ) -> None:
        order = await trial.ready_for(step, self.plain())
        await trial.sandbox.outage(self.provider, Outage.DARK)
        soon = self._deadline(Fault.HANG_BEFORE)
        assert isinstance(await trial.call(step, order, soon), InDoubt)
        assert not trial.is_bought(order)

    async def test_polling_a_half_known_order_says_so(self, trial: Trial) -> None:
        """As after a look-up that could not learn every id."""
        if self.reads[1] is None:
            pytest.skip("there is nothing to poll")
        outcome = await trial.poll(self.plain())
        assert isinstance(outcome, InDoubt | Pending)
        assert not outcome.evidence.body

    # --- how ---------------------------------------------------------------------------------

    async def _ready(self, trial: Trial, step: Step, *, reused: bool) -> Ordered:
        """An order whose ``step`` is next, on a connection that was used or on a new one."""
        if reused:
            await trial.bought(self.plain())
        order = await trial.ready_for(step, self.plain())
        if not reused:
            await trial.reconnect()
        return order

    async def _faulty(self, trial: Trial, step: Step, order: Ordered, fault: Fault) -> Outcome:
        trial.sandbox.script(self.provider, trial.steps[step], [fault])
        return await trial.call(step, order, self._deadline(fault))

    def _deadline(self, fault: Fault) -> Deadline:
        return Deadline.after(start=SHORT, total=SHORT) if fault in UNANSWERED else ample()

    def _doubt(self, trial: Trial, step: Step) -> Doubt | None:
        """What a call of this very order allows after doubt."""
        phases = trial.adapter.capabilities_for(self.plain().intent)
        return phases.after_confirm if step is Step.CONFIRM else phases.after_place

    def _needs_look_ups(self, trial: Trial) -> None:
        if self._doubt(trial, trial.committing) not in ASKED_ABOUT:
            pytest.skip("nothing can be looked up here")
