"""What every adapter must pass, over real HTTP, against a remote that counts.

An adapter's test subclasses ``ProviderSuite``; its capabilities decide which stories are told
(``applying``).
The truth is what the sandbox's books hold: an outcome may be less sure than that, never wrong.
"""

from dataclasses import replace

from tests.providers.applying import (
    applies,
    delivers_goods,
    is_asked_after,
    looks_up,
    names_prices,
)
from tests.providers.suite_access import AccessStories
from tests.providers.suite_base import Means
from tests.providers.suite_books import BookStories
from tests.providers.suite_cancel import CancelStories
from tests.providers.suite_failures import FailureStories
from tests.providers.suite_faults import FaultStories
from tests.providers.suite_unsent import UnsentStories
from tests.providers.trial import Trial, after
from worker.capabilities import Polling
from worker.lifecycle import LineState, Step
from worker.outcome import Absent, Confirmed, Pending

__all__ = ["Means", "ProviderSuite"]


class ProviderSuite(
    FaultStories, FailureStories, UnsentStories, AccessStories, CancelStories, BookStories
):
    """The whole contract: here what goes well, beside it what does not."""

    async def test_a_confirmed_order_is_in_the_books_line_by_line(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        assert bool(order.provider_ref) == self.gives_ref
        assert [line.state for line in order.lines] == [self.placed_as] * 2
        assert len(trial.sandbox.live_orders(self.provider)) == 2
        assert trial.hits(trial.committing) == 1

    @applies(names_prices)
    async def test_the_price_is_told_line_by_line_and_in_total(self, trial: Trial) -> None:
        outcome = await trial.sure(Step.PLACE, self.plain())
        prices = [line.price for line in outcome.lines]
        booked = [row.price for row in trial.sandbox.books.rows(self.provider)]
        assert [price and price.amount for price in prices] == booked
        assert outcome.total
        assert outcome.total.amount == sum(booked)

    @applies(delivers_goods)
    async def test_delivered_codes_arrive_and_are_shown_to_nobody(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        outcome = await trial.poll(order)
        assert isinstance(outcome, Confirmed)
        assert {line.state for line in outcome.lines} == {LineState.DELIVERED}
        for line in outcome.lines:
            assert line.goods
            assert line.goods.items
            assert all(all(item.values()) for item in line.goods.items)

    @applies(looks_up)
    async def test_a_look_up_finds_what_was_bought(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        assert found.provider_ref == order.provider_ref
        refs = [line.provider_line_ref for line in found.lines]
        assert refs == [line.provider_line_ref for line in order.lines]

    @applies(is_asked_after)
    async def test_an_order_can_be_asked_after_by_the_ids_that_a_person_could_name(
        self, trial: Trial
    ) -> None:
        """As is done when somebody finds an order at the provider whose outcome we never heard."""
        order = await trial.bought(self.plain())
        if trial.adapter.capabilities_for(order.intent).polls is not Polling.LINE:
            bare = tuple(replace(line, provider_line_ref=None) for line in order.lines)
            order = replace(order, lines=bare)
        said = await trial.poll(order)
        assert isinstance(said, Confirmed | Pending)
        assert said.provider_ref == order.provider_ref

    @applies(looks_up)
    async def test_a_look_up_before_the_call_finds_nothing(self, trial: Trial) -> None:
        order = await trial.ready_for(trial.committing, self.plain())
        assert isinstance(await trial.look_up(order), Absent)

    async def test_an_order_placed_twice_is_told_as_often_as_it_was_bought(
        self, trial: Trial
    ) -> None:
        """By two attempts, as by a careless caller; where placing alone buys, that may be two."""
        order, placed = self.plain(), []
        for _ in range(2):
            trial.begin(Step.PLACE, order)
            outcome = await trial.call(Step.PLACE, order)
            placed += [outcome] if isinstance(outcome, Confirmed) else []
        assert trial.hits(Step.PLACE) == 2
        told = {yes.provider_ref for yes in placed}
        if trial.committing is Step.CONFIRM:
            assert not trial.is_bought(order)
            bought = await trial.sure(Step.CONFIRM, after(order, placed[-1]))
            told = {bought.provider_ref}
        booked = {row.order_id for row in trial.sandbox.live_orders(self.provider)}
        assert len(booked) == len(told)
        assert not self.gives_ref or booked == told
