"""The contract, where the remote fails as its documentation says."""

from typing import Final

from tests.providers.suite_base import Contract
from tests.providers.trial import Trial
from worker.lifecycle import Step
from worker.outcome import NotSent, Refused
from worker.sandbox.remote import Documented
from worker.sandbox.remotes import REMOTES

STEPS: Final = {"create": Step.PLACE, "confirm": Step.CONFIRM}
"""Which of our steps makes the call that a sandbox operation takes."""


class FailureStories(Contract):
    """Every failure that the documentation lists has its meaning."""

    async def test_a_documented_failure_means_what_is_written(
        self, trial: Trial, failure: Documented
    ) -> None:
        means = self.documented[failure.operation, failure.name]
        step = STEPS[failure.operation]
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
