"""The contract, where an access token dies."""

import pytest

from tests.providers.suite_base import Contract
from tests.providers.trial import Trial
from worker.lifecycle import Step
from worker.outcome import NotSent
from worker.sandbox import Fault


class TokenStories(Contract):
    """A token that died costs no order and buys none twice."""

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
