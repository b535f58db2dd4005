"""The contract, where no request gets through: what was never sent, and what may have been."""

import asyncio

import pytest

from tests.providers.applying import applies, polls
from tests.providers.suite_base import Contract
from tests.providers.trial import Trial
from worker.http import Deadline
from worker.lifecycle import Step
from worker.outcome import InDoubt, NotSent, Pending
from worker.sandbox import Fault, Outage


class UnsentStories(Contract):
    """Without a connection nothing is sent, and nothing is made up."""

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

    @applies(polls)
    async def test_polling_a_half_known_order_says_so(self, trial: Trial) -> None:
        """As after a look-up that could not learn every id."""
        outcome = await trial.poll(self.plain())
        assert isinstance(outcome, InDoubt | Pending)
        assert not outcome.evidence.body
