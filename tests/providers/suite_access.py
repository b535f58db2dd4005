"""The contract, where the remote may not let us in: access tokens that die, and the check."""

import asyncio
from datetime import timedelta

import pytest

from tests.providers.applying import applies, is_no_clear_check, needs_a_token
from tests.providers.conftest import PACE, RemoteClock
from tests.providers.suite_base import BREAKING, HARMLESS, Contract
from tests.providers.trial import Trial, ample, an_attempt
from worker.calls import Calls
from worker.clock import SystemClock
from worker.crypto import Vault
from worker.http import Channel
from worker.lifecycle import Step
from worker.order import Ordered
from worker.outcome import Checked, Confirmed, NotSent, Outcome
from worker.provider import Provider, Token
from worker.providers import REGISTRY
from worker.sandbox import Fault
from worker.store.session import Database
from worker.tokens import TokenCare, TokenKeeper

AT_ONCE = 10


class AccessStories(Contract):
    """A token that died costs no order and buys none twice; a check tells who may come in."""

    @applies(needs_a_token)
    async def test_a_dead_token_is_renewed_and_the_order_bought_once(self, trial: Trial) -> None:
        order = self.plain()
        rejected = await self._faulty(trial, Step.PLACE, order, Fault.UNAUTHORIZED_401)
        assert isinstance(rejected, NotSent)
        assert rejected.token_rejected
        await trial.log_in()
        await trial.sure(Step.PLACE, order)
        assert not trial.sandbox.books.duplicates(self.provider)

    @applies(needs_a_token)
    async def test_a_token_that_dies_under_many_calls_is_renewed_once(
        self, trial: Trial, remote_clock: RemoteClock, db: Database, vault: Vault
    ) -> None:
        """Ten calls of two workers find out at once; one login serves them all."""
        async with Channel(trial.account.base_url, limit=AT_ONCE) as channel:
            adapter = REGISTRY[self.provider](trial.account, channel)
            keepers = [_a_keeper(db, vault, adapter) for _ in range(2)]
            dead = {await keeper.get() for keeper in keepers}
            assert len(dead) == 1
            logins = trial.sandbox.hits(self.provider, "login")
            remote_clock.pass_paces(trial.sandbox.settings.token_lifetime / PACE)
            calls = [
                _place_with(keepers[number % 2], adapter, self.plain()) for number in range(AT_ONCE)
            ]
            outcomes = await asyncio.gather(*calls)
            living = {await keeper.get() for keeper in keepers}
        assert {type(outcome) for outcome in outcomes} == {Confirmed}
        assert trial.sandbox.hits(self.provider, "login") == logins + 1
        assert len(living) == 1
        assert not living & dead
        assert trial.hits(Step.PLACE) == 2 * AT_ONCE
        assert not trial.sandbox.books.duplicates(self.provider)

    @applies(needs_a_token)
    async def test_without_a_token_nothing_is_sent(self, trial: Trial) -> None:
        trial.token = None
        outcome = await trial.call(Step.PLACE, self.plain())
        assert isinstance(outcome, NotSent)
        assert (outcome.reason, outcome.token_rejected) == ("no_token", True)
        assert trial.hits(Step.PLACE) == 0

    @applies(needs_a_token)
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_login_that_fails_never_puts_an_order_in_doubt(
        self, trial: Trial, fault: Fault
    ) -> None:
        trial.sandbox.script(self.provider, "login", [fault])
        outcome = await trial.login(self._deadline(fault))
        assert isinstance(outcome, Token if fault in HARMLESS else NotSent)

    @pytest.mark.parametrize("fault", sorted(HARMLESS))
    async def test_a_good_account_is_let_in_and_buys_nothing(
        self, trial: Trial, fault: Fault
    ) -> None:
        self._everywhere(trial, fault)
        assert isinstance(await trial.check(), Checked)
        assert not trial.sandbox.books.rows(self.provider)

    @applies(is_no_clear_check)
    @pytest.mark.parametrize("fault", BREAKING)
    async def test_an_account_that_got_no_clear_answer_is_not_let_in(
        self, trial: Trial, fault: Fault
    ) -> None:
        self._everywhere(trial, fault)
        before = trial.sandbox.hits(self.provider)
        assert not isinstance(await trial.check(self._deadline(fault)), Checked)
        assert trial.sandbox.hits(self.provider) == before + 1

    def _everywhere(self, trial: Trial, fault: Fault) -> None:
        """Whatever is asked for next meets the fault."""
        for operation in trial.sandbox.operations(self.provider):
            trial.sandbox.script(self.provider, operation, [fault])


def _a_keeper(db: Database, vault: Vault, adapter: Provider) -> TokenKeeper:
    """One worker's keeper of the account's token."""
    return TokenKeeper(
        db,
        vault,
        SystemClock(),
        Calls(),
        provider=adapter.name,
        owner=adapter.token_owner or "default",
        login=lambda: adapter.login(ample()),
        care=TokenCare(
            timedelta(seconds=10), adapter.capabilities.token_early, adapter.capabilities.login_rest
        ),
    )


async def _place_with(keeper: TokenKeeper, adapter: Provider, order: Ordered) -> Outcome:
    """Place an order as the steps do: with a living token, and once more with a new one."""
    token, attempt = await keeper.get(), an_attempt()
    assert isinstance(token, str)
    outcome = await adapter.place(order, attempt, ample(), token)
    if isinstance(outcome, NotSent) and outcome.token_rejected:
        token = await keeper.get(rejected=token)
        assert isinstance(token, str)
        outcome = await adapter.place(order, attempt, ample(), token)
    return outcome
