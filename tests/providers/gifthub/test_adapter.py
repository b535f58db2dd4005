"""The Gifthub adapter against its simulated remote."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

import pytest

from schemas.money import Money
from tests.providers.conftest import Recorder, RemoteClock
from tests.providers.suite import Means, ProviderSuite
from tests.providers.trial import Trial, ample, an_attempt, an_order
from worker.http import Channel
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import (
    Absent,
    Checked,
    Confirmed,
    InDoubt,
    NotSent,
    Outcome,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.gifthub import adapter
from worker.sandbox import Fault


def cards(*skus: str, quantity: int = 2, **fields: Any) -> Ordered:
    lines = [
        {"sku": sku, "product_type": "fixed", "face_value": "10", "quantity": quantity}
        for sku in skus
    ]
    return an_order("gifthub", lines, **{"wallet": "EUR", **fields})


FORBIDDEN: Final = Means(Refused, RefusalCode.FORBIDDEN)
INVALID: Final = Means(Refused, RefusalCode.INVALID)
DOCUMENTED: Final = {
    ("create", "400 list too big"): INVALID,
    ("create", "400 list not well formatted"): INVALID,
    ("create", "400 quote mismatch"): Means(Refused, RefusalCode.PRICE_CHANGED),
    ("create", "400 quote out of range"): INVALID,
    ("create", "400 insufficient funds"): Means(NotSent),
    ("create", "404 product not found"): Means(Refused, RefusalCode.UNKNOWN_PRODUCT),
    ("create", "500 exchange not supported"): INVALID,
    ("create", "500 out of stock"): Means(Refused, RefusalCode.OUT_OF_STOCK),
    ("create", "500 other"): Means(InDoubt),
    ("create", "403 credentials"): FORBIDDEN,
    ("create", "429 rate limit"): Means(NotSent),
    ("confirm", "400 no valid orderId"): INVALID,
    ("confirm", "400 insufficient funds"): Means(NotSent),
    ("confirm", "404 not a pending order"): Means(InDoubt),
    ("confirm", "419 expired"): Means(Refused, RefusalCode.EXPIRED),
    ("confirm", "500 server"): Means(InDoubt),
    ("confirm", "403 credentials"): FORBIDDEN,
    ("confirm", "429 rate limit"): Means(NotSent),
    ("get", "403 credentials"): Means(InDoubt),  # says nothing of the order that was asked about
    ("get", "429 rate limit"): Means(NotSent),
    ("customer", "403 credentials"): FORBIDDEN,
    ("customer", "429 rate limit"): Means(NotSent),
}


class TestGifthub(ProviderSuite):
    provider: ClassVar[str] = "gifthub"
    reads: ClassVar[tuple[str | None, str | None]] = ("get", "get")
    documented: ClassVar[Mapping[tuple[str, str], Means]] = DOCUMENTED
    # Bad credentials are a 403 here; the token is a setting and cannot be renewed.
    outcomes: ClassVar[Mapping[Fault, type[Outcome]]] = {Fault.UNAUTHORIZED_401: Refused}
    books_bear_refs: ClassVar[bool] = False
    books_emptied: ClassVar[frozenset[Fault]] = frozenset({Fault.NOT_FOUND_404_AFTER})
    books_turned_away: ClassVar[frozenset[Fault]] = frozenset()

    def plain(self) -> Ordered:
        return cards("sandbox-ok-fixed", "038-00-fixed")

    # --- create ------------------------------------------------------------------------------

    async def test_creating_freezes_a_price_and_buys_nothing(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = cards("sandbox-ok-fixed")
        quoted = await trial.sure(Step.PLACE, order)
        assert quoted.total == Money(Decimal("20.0"), "EUR")
        assert [line.state for line in quoted.lines] == [LineState.QUOTED]
        assert quoted.expires_at
        frozen_for = quoted.expires_at - remote_clock()
        assert timedelta(seconds=599) < frozen_for <= timedelta(seconds=600)
        assert not trial.is_bought(order)

    @pytest.mark.parametrize(
        ("sku", "code", "said"),
        [
            ("sandbox-out-of-stock", RefusalCode.OUT_OF_STOCK, "Item out of stock"),
            ("sandbox-exchange-500", RefusalCode.INVALID, "Requested exchange not supported"),
            ("sandbox-quote-mismatch", RefusalCode.PRICE_CHANGED, "Quote doesn't match SKU"),
            ("sandbox-not-found", RefusalCode.UNKNOWN_PRODUCT, "Product(s) not found"),
            ("sandbox-403", RefusalCode.FORBIDDEN, "the credentials were refused"),
        ],
    )
    async def test_a_documented_refusal_of_a_create_call(
        self, trial: Trial, sku: str, code: RefusalCode, said: str
    ) -> None:
        outcome = await trial.call(Step.PLACE, cards(sku))
        assert isinstance(outcome, Refused)
        assert (outcome.code, outcome.reason) == (code, said)

    async def test_an_empty_wallet_may_be_topped_up(self, trial: Trial, step: Step) -> None:
        sku = "sandbox-confirm-no-funds" if step is Step.CONFIRM else "sandbox-no-funds"
        order = await trial.ready_for(step, cards(sku))
        outcome = await trial.call(step, order)
        assert isinstance(outcome, NotSent)
        assert outcome.reason == "insufficient_funds"

    # --- confirm -----------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("sku", "code"),
        [
            ("sandbox-419", RefusalCode.EXPIRED),
            ("sandbox-confirm-403", RefusalCode.FORBIDDEN),
        ],
    )
    async def test_a_documented_refusal_of_a_confirm_call(
        self, trial: Trial, sku: str, code: RefusalCode
    ) -> None:
        order = await trial.ready_for(Step.CONFIRM, cards(sku))
        outcome = await trial.call(Step.CONFIRM, order)
        assert isinstance(outcome, Refused)
        assert outcome.code is code
        assert not trial.is_bought(order)

    async def test_a_second_confirmation_is_doubt_that_the_look_up_settles(
        self, trial: Trial
    ) -> None:
        order = await trial.bought(self.plain())
        assert isinstance(await trial.call(Step.CONFIRM, order), InDoubt)
        assert isinstance(await trial.look_up(order), Confirmed)
        assert not trial.sandbox.books.duplicates(self.provider)

    async def test_what_was_never_created_is_not_confirmed(self, trial: Trial) -> None:
        assert isinstance(await trial.call(Step.CONFIRM, self.plain()), NotSent)
        assert trial.hits(Step.CONFIRM) == 0

    async def test_of_two_created_orders_the_one_that_is_confirmed_is_bought(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        """Creating again after a doubt: the first one is an orphan, and expires by itself."""
        order = self.plain()
        trial.sandbox.script(self.provider, "create", [Fault.CUT_AFTER])
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        order = await trial.bought(order)
        assert trial.hits(Step.PLACE) == 2
        assert trial.hits(Step.CONFIRM) == 1
        remote_clock.pass_paces(601 * 10)
        orphan, ours = {
            row.order_id: row.status for row in trial.sandbox.books.rows(self.provider)
        }.items()
        assert orphan[1] == "expired"
        assert ours == (order.provider_ref, "successful")

    async def test_an_order_keeps_the_name_it_was_created_under(self, trial: Trial) -> None:
        order = await trial.ready_for(Step.CONFIRM, self.plain())
        bought = await trial.sure(Step.CONFIRM, order)
        found = await trial.look_up(order)
        polled = await trial.poll(order)
        assert isinstance(found, Confirmed)
        assert isinstance(polled, Confirmed)
        names = {one.provider_ref for one in (bought, found, polled)}
        assert names == {order.provider_ref}

    # --- account -----------------------------------------------------------------------------

    async def test_what_is_frozen_cannot_be_spent(self, trial: Trial) -> None:
        before = await self._held(trial, "EUR")
        await trial.ready_for(Step.CONFIRM, cards("sandbox-ok-fixed"))
        assert before - await self._held(trial, "EUR") == 20

    async def test_whether_a_balance_holds_what_is_frozen_is_a_setting(self, trial: Trial) -> None:
        await trial.ready_for(Step.CONFIRM, cards("sandbox-ok-fixed"))
        async with Trial(trial.sandbox, self.provider, frozen_within_balance="false") as other:
            assert await self._held(other, "EUR") - await self._held(trial, "EUR") == 20

    async def _held(self, trial: Trial, currency: str) -> Decimal:
        found = await trial.check()
        assert isinstance(found, Checked)
        assert {money.currency for money in found.balances} == {"EUR", "USD", "IRT"}
        return next(money.amount for money in found.balances if money.currency == currency)

    # --- look-up -----------------------------------------------------------------------------

    async def test_an_order_that_expired_in_doubt_was_not_bought(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = await trial.ready_for(Step.CONFIRM, self.plain())
        remote_clock.pass_paces(601 * 10)
        found = await trial.look_up(order)
        assert isinstance(found, Refused)
        assert found.code is RefusalCode.EXPIRED

    @pytest.mark.parametrize("sku", ["sandbox-failed", "sandbox-rejected"])
    async def test_an_order_in_doubt_that_came_to_nothing_was_carried_out_and_failed(
        self, trial: Trial, remote_clock: RemoteClock, sku: str
    ) -> None:
        order = await trial.bought(cards(sku))
        remote_clock.pass_paces()
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        assert [line.state for line in found.lines] == [LineState.FAILED]

    async def test_an_unknown_state_does_not_say_whether_it_was_bought(self, trial: Trial) -> None:
        order = await trial.bought(cards("sandbox-odd-state"))
        found = await trial.look_up(order)
        assert isinstance(found, InDoubt)
        assert "reviewing" in found.reason

    async def test_what_the_provider_calls_uncommitted_is_a_setting(self, trial: Trial) -> None:
        order = await trial.bought(cards("sandbox-odd-state"))
        async with Trial(trial.sandbox, self.provider, pending_state="reviewing") as other:
            assert isinstance(await other.look_up(order), Absent)

    # --- poll --------------------------------------------------------------------------------

    async def test_cards_come_in_part_and_then_all(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = await trial.bought(cards("sandbox-partial"))
        told = []
        for _ in range(3):
            outcome = await trial.poll(order)
            assert isinstance(outcome, Pending | Confirmed)
            (line,) = outcome.lines
            told.append((line.state, len(line.goods.items) if line.goods else 0))
            remote_clock.pass_paces()
        assert told == [
            (LineState.ACCEPTED, 0),
            (LineState.PARTIALLY_DELIVERED, 1),
            (LineState.DELIVERED, 2),
        ]

    @pytest.mark.parametrize("sku", ["sandbox-failed", "sandbox-rejected"])
    async def test_an_order_that_came_to_nothing_failed(
        self, trial: Trial, remote_clock: RemoteClock, sku: str
    ) -> None:
        order = await trial.bought(cards(sku))
        remote_clock.pass_paces()
        outcome = await trial.poll(order)
        assert isinstance(outcome, Confirmed)
        assert [line.state for line in outcome.lines] == [LineState.FAILED]

    async def test_an_unknown_state_is_waited_out(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = await trial.bought(cards("sandbox-odd-state"))
        outcome = await trial.poll(order)
        assert isinstance(outcome, Pending)
        assert outcome.lines[0].reason == "unknown state 'reviewing'"
        remote_clock.pass_paces()
        assert isinstance(await trial.poll(order), Confirmed)

    @pytest.mark.parametrize(
        ("sku", "reason"),
        [
            ("sandbox-cards-short", "1 of 2 cards came"),
            ("sandbox-get-without-codes", "0 of 2 cards came"),
        ],
    )
    async def test_missing_cards_are_told(self, trial: Trial, sku: str, reason: str) -> None:
        outcome = await trial.poll(await trial.bought(cards(sku)))
        assert isinstance(outcome, Confirmed)
        assert [(line.state, line.reason) for line in outcome.lines] == [
            (LineState.DELIVERED, reason)
        ]

    async def test_a_card_has_no_empty_fields(self, trial: Trial) -> None:
        outcome = await trial.poll(await trial.bought(cards("sandbox-ok-fixed", quantity=1)))
        assert isinstance(outcome, Confirmed)
        assert outcome.lines[0].goods
        assert set(outcome.lines[0].goods.items[0]) == {
            "redeemCardCode",
            "redeemSerialNumber",
            "redeemPin",
            "expirationDate",
        }

    async def test_an_order_nobody_confirmed_is_not_waited_for_in_silence(
        self, trial: Trial
    ) -> None:
        order = await trial.ready_for(Step.CONFIRM, self.plain())
        outcome = await trial.poll(order)
        assert isinstance(outcome, InDoubt)
        assert "never confirmed" in outcome.reason


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({}, "authorization", "Bearer t0ken"),
        ({"auth_header": "X-Api-Key", "auth_scheme": ""}, "x-api-key", "t0ken"),
    ],
    ids=["as usual", "otherwise"],
)
async def test_a_create_call_says_what_the_documentation_asks_for(
    recorder: Recorder, settings: dict[str, str], header: str, value: str
) -> None:
    account = adapter.GifthubAccount.model_validate(
        {
            "base_url": recorder.url,
            "token": "t0ken",
            "webhook_url": "https://shop.example/callbacks",
            **settings,
        }
    )
    order = cards("038-00-range", quantity=3)
    async with Channel(account.base_url) as channel:
        outcome = await adapter.Gifthub(account, channel).place(order, an_attempt(), ample(), None)
    assert isinstance(outcome, InDoubt)
    assert recorder.headers[0][header] == value
    assert recorder.bodies == [
        {
            "productList": [
                {"sku": "038-00-range", "productType": "fixed", "quote": 10, "quantity": 3}
            ],
            "wallet": "EUR",
            "reference": order.order_id.hex,
            "webhookUrl": "https://shop.example/callbacks",
        }
    ]


async def test_an_order_id_is_sent_as_it_is(recorder: Recorder) -> None:
    """Whatever the provider calls an order, it stays one query field."""
    account = adapter.GifthubAccount.model_validate({"base_url": recorder.url, "token": "t"})
    order = replace(cards("038-00-range"), provider_ref="a/b?c=1&d#é")
    async with Channel(account.base_url) as channel:
        await adapter.Gifthub(account, channel).poll(order, ample(), None)
    assert recorder.queries == [{"orderId": "a/b?c=1&d#é"}]
