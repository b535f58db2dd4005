"""The contract, where the remote fails as its documentation says."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.providers.applying import applies, could_be_repeated
from tests.providers.suite_base import Contract
from tests.providers.trial import Trial, remote_of
from worker.lifecycle import Step
from worker.outcome import Check, LookUp, NotSent, Refused
from worker.provider import Token
from worker.sandbox.remote import Documented, Reply


class FailureStories(Contract):
    """Every failure that the documentation lists has its meaning, and repeats nothing to us.

    One of an operation that is neither a step's, nor the login, nor read by ``look_up`` or
    ``poll``, is met by ``check``.
    """

    async def test_a_documented_failure_means_what_is_written(
        self, trial: Trial, failure: Documented
    ) -> None:
        means = self.documented[failure.operation, failure.name]
        outcome = await self._meet(trial, failure)
        assert type(outcome) is means.outcome
        if isinstance(outcome, Refused):
            assert outcome.code is means.code
            assert outcome.reason
        if isinstance(outcome, NotSent):
            assert outcome.token_rejected is means.token_rejected
        if failure.operation in trial.operations.values():
            assert not isinstance(outcome, Token)
            assert outcome.evidence.request_ref

    @applies(could_be_repeated)
    async def test_a_failure_that_repeats_what_we_said_is_not_repeated_by_us(
        self, trial: Trial, failure: Documented
    ) -> None:
        """Every outcome of a trial is looked through for what nobody may see."""
        said = self.said_at(failure.operation, trial.account)
        reply = Reply(failure.reply.status, _repeating(failure.reply.body, said))
        await self._meet(trial, replace(failure, reply=reply))

    def test_no_documented_failure_is_left_out(self) -> None:
        remote = remote_of(self.provider)
        listed = [(one.operation, one.name) for one in remote.documented]
        assert sorted(set(listed)) == sorted(listed)
        assert sorted(listed) == sorted(self.documented)

    async def _meet(self, trial: Trial, failure: Documented) -> LookUp | Check | Token:
        """What comes of the call of ours that is answered so."""
        operation, times = failure.operation, 1
        steps = (step for step, taken in trial.operations.items() if taken == operation)
        step = next(steps, None)
        order = self.cancellable() if step is Step.CANCEL else self.plain()
        if step is not None:
            order = await trial.ready_for(step, order)
        elif operation in self.reads:
            order, times = await trial.bought(order), len(order.lines)
        trial.sandbox.script(self.provider, operation, [failure] * times)
        if step is not None:
            return await trial.call(step, order)
        if operation in self.reads:
            asks = trial.look_up if operation == self.reads[0] else trial.poll
            return await asks(order)
        return await (trial.login() if operation == "login" else trial.check())


def _repeating(said: Any, ours: Sequence[str]) -> Any:
    """The same answer, whose prose, and only that, goes on with what we had said."""
    match said:
        case dict():
            return {name: _repeating(value, ours) for name, value in said.items()}
        case list():
            return [_repeating(value, ours) for value in said]
        case str() if " " in said:
            return " ".join([said, *ours])
        case _:
            return said
