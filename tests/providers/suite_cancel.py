"""The contract, where a placed order is called off."""

import pytest

from tests.providers.applying import (
    applies,
    calls_off,
    leaves_doubt,
    looks_up_what_was_called_off,
)
from tests.providers.suite_base import ASKED_ABOUT, BREAKING, DOUBTFUL, Contract
from tests.providers.trial import Trial
from worker.capabilities import Doubt
from worker.http import Deadline
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import Confirmed, InDoubt, LookUp, NotSent, Pending, Refused
from worker.sandbox import Fault, Outage


class CancelStories(Contract):
    """Whether an order is called off is no surer than the books; see ``cancellable``."""

    @applies(calls_off)
    async def test_an_order_that_was_called_off_costs_nothing(self, trial: Trial) -> None:
        order = await self._bought(trial)
        before = trial.hits(Step.CANCEL)
        off = await self._off(trial, order, await trial.call(Step.CANCEL, order))
        assert isinstance(off, Confirmed)
        assert {line.line_ref for line in off.lines} == {line.line_ref for line in order.lines}
        assert {line.state for line in off.lines} == {LineState.CANCELLED}
        assert not trial.is_bought(order)
        assert trial.hits(Step.CANCEL) == before + 1

    @applies(calls_off)
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_cancelling_call_is_never_surer_than_the_truth(
        self, trial: Trial, fault: Fault
    ) -> None:
        order = await self._bought(trial)
        before = trial.hits(Step.CANCEL)
        outcome = await self._faulty(trial, Step.CANCEL, order, fault)
        expected = self.comes_of(fault)
        assert isinstance(outcome, Confirmed | Pending if expected is Confirmed else expected)
        if isinstance(outcome, Confirmed):
            assert not trial.is_bought(order)
        if isinstance(outcome, NotSent | Refused) and fault not in self.believed:
            assert trial.is_bought(order)
        assert trial.hits(Step.CANCEL) == before + 1
        assert outcome.evidence.request_ref

    @applies(calls_off)
    @applies(leaves_doubt)
    @pytest.mark.parametrize("fault", DOUBTFUL)
    async def test_a_doubt_about_calling_off_is_settled(self, trial: Trial, fault: Fault) -> None:
        """By asking, and where it is harmless also by saying it again."""
        order = await self._bought(trial)
        assert isinstance(await self._faulty(trial, Step.CANCEL, order, fault), InDoubt)
        doubt = trial.adapter.capabilities_for(order.intent).after_cancel
        found: LookUp
        if doubt in ASKED_ABOUT | {Doubt.HARMLESS}:
            found = await trial.look_up(order)
            assert isinstance(found, Confirmed) is fault.executes
            assert not isinstance(found, Refused)
        if doubt is Doubt.HARMLESS:
            found = await self._off(trial, order, await trial.call(Step.CANCEL, order))
            assert isinstance(found, Confirmed)
            assert not trial.is_bought(order)

    @applies(looks_up_what_was_called_off)
    @pytest.mark.parametrize("fault", BREAKING)
    async def test_a_look_up_that_fails_does_not_call_an_order_off(
        self, trial: Trial, fault: Fault
    ) -> None:
        order = await self._bought(trial)
        cut = await self._faulty(trial, Step.CANCEL, order, Fault.CUT_AFTER)
        assert isinstance(cut, InDoubt)
        for read in {read for read in self.reads if read}:
            trial.sandbox.script(self.provider, read, [fault] * len(order.lines))
        assert isinstance(await trial.look_up(order, self._deadline(fault)), NotSent | InDoubt)

    @applies(calls_off)
    async def test_nothing_is_called_off_without_a_connection_or_in_time(
        self, trial: Trial
    ) -> None:
        order = await self._bought(trial)
        before = trial.hits(Step.CANCEL)
        passed = Deadline.after(start=-1, total=30)
        assert isinstance(await trial.call(Step.CANCEL, order, passed), NotSent)
        await trial.reconnect()
        await trial.sandbox.outage(self.provider, Outage.REFUSE)
        assert isinstance(await trial.call(Step.CANCEL, order), NotSent)
        assert trial.hits(Step.CANCEL) == before
        assert trial.is_bought(order)

    async def _bought(self, trial: Trial) -> Ordered:
        """A bought order whose cancelling call is next."""
        return await trial.ready_for(Step.CANCEL, self.cancellable())

    async def _off(self, trial: Trial, order: Ordered, outcome: LookUp) -> LookUp:
        """What a cancelling call came to, after a look-up where it was only taken."""
        return await trial.look_up(order) if isinstance(outcome, Pending) else outcome
