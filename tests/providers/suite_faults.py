"""The contract, where the line is cut, the remote falls over, or nobody answers."""

from datetime import timedelta

import pytest

from tests.providers.applying import applies, leaves_doubt, looks_up, polls, sends_again
from tests.providers.suite_base import BREAKING, DOUBTFUL, THROTTLED, Contract
from tests.providers.trial import Trial
from worker.lifecycle import Step
from worker.outcome import Absent, Confirmed, InDoubt, NotSent, Refused
from worker.sandbox import Fault


class FaultStories(Contract):
    """An outcome is never surer than the truth, and what is in doubt can be settled."""

    @pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_an_outcome_is_never_surer_than_the_truth(
        self, trial: Trial, step: Step, fault: Fault, *, reused: bool
    ) -> None:
        order = await self._ready(trial, step, reused=reused)
        before = trial.hits(step)
        outcome = await self._faulty(trial, step, order, fault)
        assert trial.hits(step) == before + 1
        assert type(outcome) is self.comes_of(fault)
        bought = trial.is_bought(order)
        if isinstance(outcome, Confirmed) and step is trial.committing:
            assert bought
        if isinstance(outcome, NotSent | Refused) and fault not in self.believed:
            assert not bought
        assert outcome.evidence.request_ref

    @applies(sends_again)
    @applies(leaves_doubt)
    @pytest.mark.parametrize("fault", DOUBTFUL)
    async def test_the_same_request_sent_again_is_not_executed_again(
        self, trial: Trial, step: Step, fault: Fault
    ) -> None:
        order = await trial.ready_for(step, self.plain())
        assert trial.attempt.request
        assert isinstance(await self._faulty(trial, step, order, fault), InDoubt)
        await trial.call(step, order)
        await trial.call(step, order)
        assert not trial.sandbox.books.duplicates(self.provider)

    @applies(looks_up)
    @applies(leaves_doubt)
    @pytest.mark.parametrize("fault", DOUBTFUL)
    async def test_a_look_up_settles_the_doubt(self, trial: Trial, fault: Fault) -> None:
        order = await trial.ready_for(trial.committing, self.plain())
        assert isinstance(await self._faulty(trial, trial.committing, order, fault), InDoubt)
        found = await trial.look_up(order)
        assert type(found) is (Confirmed if fault.executes else Absent)
        assert trial.hits(trial.committing) == 1

    @applies(looks_up)
    @pytest.mark.parametrize("fault", BREAKING)
    async def test_a_look_up_that_fails_proves_nothing(self, trial: Trial, fault: Fault) -> None:
        order = await trial.ready_for(trial.committing, self.plain())
        assert self.reads[0]
        trial.sandbox.script(self.provider, self.reads[0], [fault])
        assert isinstance(await trial.look_up(order, self._deadline(fault)), NotSent | InDoubt)

    @applies(polls)
    @pytest.mark.parametrize("fault", BREAKING)
    async def test_a_poll_that_fails_changes_nothing(self, trial: Trial, fault: Fault) -> None:
        order = await trial.bought(self.plain())
        assert self.reads[1]
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
        assert outcome.throttled
        assert outcome.retry_after is not None
        assert timedelta() <= outcome.retry_after <= timedelta(seconds=1)
