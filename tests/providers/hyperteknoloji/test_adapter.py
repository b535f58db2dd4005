"""The Hyperteknoloji adapter against its simulated tenant."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

import pytest

from schemas.money import Money
from tests.providers.conftest import PACE, RemoteClock
from tests.providers.suite import Means, ProviderSuite
from tests.providers.trial import CUSTOMER, Trial, account_of, after, ample, an_attempt, an_order
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
from worker.provider import Token
from worker.providers import REGISTRY
from worker.sandbox import Fault


def basket(*products: int, **fields: Any) -> Ordered:
    lines = [
        {
            "quantity": 2,
            "customer_store_product_id": product,
            "require_data": [{"product_require_id": 1, "identifier": "name", "value": CUSTOMER}],
        }
        for product in products
    ]
    return an_order("hyperteknoloji", lines, **fields)


REFUSED: Final = {
    "out of stock": RefusalCode.OUT_OF_STOCK,
    "stokta yok": RefusalCode.OUT_OF_STOCK,
    "price changed": RefusalCode.PRICE_CHANGED,
    "fiyat değişti": RefusalCode.PRICE_CHANGED,
    "insufficient balance": RefusalCode.INSUFFICIENT_FUNDS,
    "yetersiz bakiye": RefusalCode.INSUFFICIENT_FUNDS,
}
STATUSES: Final = {
    "401": Means(NotSent, token_rejected=True),
    "403": Means(Refused, RefusalCode.FORBIDDEN),
    "404": Means(NotSent),
    "429": Means(NotSent),
    **dict.fromkeys(("500", "502", "503", "504"), Means(InDoubt)),
}
ABOUT_AN_ORDER: Final = {"403": Means(InDoubt), "404": Means(InDoubt)}
"""Where a look-up or a poll fails, nothing is known of the order; the account is not judged."""
DOCUMENTED: Final = (
    {
        (operation, status): means
        for operation in ("create", "cancel", "customer")
        for status, means in STATUSES.items()
    }
    | {
        (operation, status): means
        for operation in ("list", "detail")
        for status, means in (STATUSES | ABOUT_AN_ORDER).items()
    }
    | {("login", name): Means(NotSent) for name in (*STATUSES, "200 refused", "400 refused")}
    | {
        ("create", f"{status} {said}"): Means(Refused, code)
        for status in (200, 400)
        for said, code in REFUSED.items()
    }
    | {
        ("create", f"{status} {said}"): Means(Refused, code)
        for status, code in ((200, RefusalCode.OTHER), (400, RefusalCode.INVALID))
        for said in ("invalid payload", "geçersiz istek")
    }
    | {
        ("cancel", f"{status} {said}"): Means(Refused, RefusalCode.OTHER)
        for status in (200, 400)
        for said in ("delivered", "teslim edildi")
    }
    | {("create", "200 no details"): Means(InDoubt)}
)


class TestHyperteknoloji(ProviderSuite):
    provider: ClassVar[str] = "hyperteknoloji"
    reads: ClassVar[tuple[str | None, str | None]] = ("list", "detail")
    documented: ClassVar[Mapping[tuple[str, str], Means]] = DOCUMENTED
    outcomes: ClassVar[Mapping[Fault, type[Outcome]]] = {Fault.NOT_FOUND_404_AFTER: NotSent}
    # 404 is documented as "the API is off for this tenant": that nothing was executed.
    believed: ClassVar[frozenset[Fault]] = frozenset({Fault.NOT_FOUND_404_AFTER})
    books_shelf: ClassVar[str | None] = ""

    def plain(self) -> Ordered:
        return basket(1, 1)

    def cancellable(self) -> Ordered:
        return basket(38, 38)

    # --- create ------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("product", "code", "said"),
        [
            (2, RefusalCode.OUT_OF_STOCK, "product 2: out of stock"),
            (3, RefusalCode.PRICE_CHANGED, "product 3: price changed"),
            (4, RefusalCode.INVALID, "Invalid payload"),
            (31, RefusalCode.OUT_OF_STOCK, "product 31: out of stock"),
            (32, RefusalCode.OUT_OF_STOCK, "product 32: stokta yok"),
            (33, RefusalCode.INSUFFICIENT_FUNDS, "Insufficient balance"),
            (34, RefusalCode.FORBIDDEN, "forbidden"),
        ],
    )
    async def test_one_refused_line_refuses_the_basket(
        self, trial: Trial, product: int, code: RefusalCode, said: str
    ) -> None:
        order = basket(1, product)
        outcome = await trial.call(Step.PLACE, order)
        assert isinstance(outcome, Refused)
        assert (outcome.code, outcome.reason) == (code, said)
        assert not trial.is_bought(order)

    async def test_an_api_that_is_switched_off_executed_nothing(self, trial: Trial) -> None:
        outcome = await trial.call(Step.PLACE, basket(35))
        assert isinstance(outcome, NotSent)
        assert outcome.reason == "api_off"
        assert trial.hits(Step.PLACE) == 1

    async def test_success_without_details_is_doubt_that_the_list_settles(
        self, trial: Trial
    ) -> None:
        order = basket(14)
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        assert isinstance(await trial.look_up(order), Confirmed)

    async def test_a_tenant_that_answers_in_camel_case_is_understood(self, trial: Trial) -> None:
        outcome = await trial.sure(Step.PLACE, basket(36))
        assert outcome.lines[0].provider_line_ref
        assert outcome.total == Money(Decimal("39.80"), "TRY")

    async def test_a_price_that_rose_in_silence_is_told(self, trial: Trial) -> None:
        outcome = await trial.sure(Step.PLACE, basket(1, 17))
        assert [line.price for line in outcome.lines] == [
            Money(Decimal("39.80"), "TRY"),
            Money(Decimal("49.80"), "TRY"),
        ]
        assert outcome.total == Money(Decimal("89.60"), "TRY")

    async def test_a_raised_price_is_told_also_by_the_look_up_after_a_doubt(
        self, trial: Trial
    ) -> None:
        order = basket(17)
        doubt = await self._faulty(trial, Step.PLACE, order, Fault.CUT_AFTER)
        assert isinstance(doubt, InDoubt)
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        assert found.total == Money(Decimal("49.80"), "TRY")

    async def test_a_basket_bought_twice_is_found_with_its_surplus(self, trial: Trial) -> None:
        order = basket(1, 1)
        twice = [(await trial.sure(Step.PLACE, order)).provider_ref for _ in range(2)]
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        assert [found.provider_ref, *found.surplus] == twice

    @pytest.mark.parametrize(
        ("quote", "settings", "total"),
        [
            ({}, {"currency": "EUR"}, Money(Decimal("39.80"), "EUR")),
            ({"currency": "USD"}, {"currency": "EUR"}, Money(Decimal("39.80"), "USD")),
            ({}, {"price_is": "total"}, Money(Decimal("19.90"), "TRY")),
        ],
        ids=["the account's currency", "the quote's currency", "a price that is the total"],
    )
    async def test_what_the_documentation_leaves_open_is_a_setting(
        self, trial: Trial, quote: dict[str, str], settings: dict[str, str], total: Money
    ) -> None:
        order = basket(1, quote={"quoted_at": "2026-11-22T10:00:00Z", **quote})
        async with Trial(trial.sandbox, self.provider, **settings) as other:
            outcome = await other.sure(Step.PLACE, order)
        assert outcome.total == total

    async def test_without_a_token_nothing_is_sent(self, trial: Trial) -> None:
        trial.token = None
        outcome = await trial.call(Step.PLACE, self.plain())
        assert isinstance(outcome, NotSent)
        assert (outcome.reason, outcome.token_rejected) == ("no_token", True)
        assert trial.sandbox.hits(self.provider, "create") == 0

    # --- login -------------------------------------------------------------------------------

    async def test_a_token_tells_when_it_dies(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        token = await trial.adapter.login(ample())
        assert isinstance(token, Token)
        lifetime = trial.sandbox.settings.token_lifetime
        assert token.expires_at == (remote_clock() + lifetime).replace(microsecond=0)
        assert token.value not in repr(token)

    async def test_a_wrong_password_sends_no_order(self, trial: Trial) -> None:
        wrong = account_of(trial.sandbox, self.provider, password="another")
        outcome = await REGISTRY[self.provider](wrong, trial.channel).login(ample())
        assert isinstance(outcome, NotSent)
        assert outcome.reason == "login_refused"

    # --- look-up -----------------------------------------------------------------------------

    async def test_a_line_that_the_list_shows_late_is_found_late(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = basket(18)
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        assert isinstance(await trial.look_up(order), Absent)
        remote_clock.pass_paces()
        assert isinstance(await trial.look_up(order), Confirmed)

    async def test_an_order_is_found_below_many_newer_ones(self, trial: Trial) -> None:
        order = await trial.bought(basket(1))
        await trial.bought(basket(*[1] * 250))
        assert isinstance(await trial.look_up(order), Confirmed)
        assert trial.sandbox.hits(self.provider, "list") == 3

    async def test_the_list_is_read_no_further_back_than_the_attempt(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        await trial.bought(basket(*[1] * 250))
        remote_clock.pass_paces(timedelta(hours=2) / PACE)
        await trial.log_in()
        trial.attempt = replace(an_attempt(), opened_at=remote_clock())
        assert isinstance(await trial.look_up(basket(1)), Absent)
        assert trial.sandbox.hits(self.provider, "list") == 1

    async def test_half_an_order_in_the_list_is_doubt(self, trial: Trial) -> None:
        order = await trial.bought(basket(1))
        stranger = basket(1, 1)
        halved = replace(stranger, lines=(order.lines[0], stranger.lines[1]))
        found = await trial.look_up(halved)
        assert isinstance(found, InDoubt)
        assert "only part" in found.reason

    async def test_lines_of_two_orders_are_not_one(self, trial: Trial) -> None:
        one, two = await trial.bought(basket(1)), await trial.bought(basket(1))
        both = replace(basket(1, 1), lines=(one.lines[0], replace(two.lines[0], index=1)))
        assert isinstance(await trial.look_up(both), InDoubt)

    # --- poll --------------------------------------------------------------------------------

    async def test_a_line_is_accepted_taken_out_and_delivered(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = await trial.bought(basket(26))
        told = []
        for _ in range(3):
            outcome = await trial.poll(order)
            assert isinstance(outcome, Pending | Confirmed)
            told.append((outcome.lines[0].state, outcome.lines[0].reason))
            remote_clock.pass_paces()
        assert told == [
            (LineState.ACCEPTED, None),
            (LineState.ACCEPTED, "taken out of processing"),
            (LineState.DELIVERED, None),
        ]

    async def test_a_cancelled_line_is_told(self, trial: Trial, remote_clock: RemoteClock) -> None:
        order = await trial.bought(basket(1, 6))
        remote_clock.pass_paces()
        outcome = await trial.poll(order)
        assert isinstance(outcome, Confirmed)
        states = [line.state for line in outcome.lines]
        assert states == [LineState.DELIVERED, LineState.CANCELLED]

    async def test_a_missing_code_is_told(self, trial: Trial) -> None:
        outcome = await trial.poll(await trial.bought(basket(7)))
        assert isinstance(outcome, Confirmed)
        (line,) = outcome.lines
        assert line.goods
        assert len(line.goods.items) == 1
        assert line.reason == "1 of 2 codes came"

    async def test_a_line_that_has_ended_is_not_asked_for_again(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = await trial.bought(basket(1, 5))
        first = await trial.poll(order)
        assert isinstance(first, Pending)
        remote_clock.pass_paces()
        second = await trial.poll(after(order, first))
        assert isinstance(second, Confirmed)
        assert [line.line_ref for line in second.lines] == [order.lines[1].line_ref]
        assert trial.sandbox.hits(self.provider, "detail") == 3

    async def test_a_line_that_cannot_be_read_holds_up_no_other(self, trial: Trial) -> None:
        order = await trial.bought(basket(1, 1))
        trial.sandbox.script(self.provider, "detail", [Fault.ERROR_500_BEFORE])
        outcome = await trial.poll(order)
        assert isinstance(outcome, Pending)
        assert [line.line_ref for line in outcome.lines] == [order.lines[1].line_ref]

    async def test_only_the_first_of_many_calls_has_to_begin_in_time(self, trial: Trial) -> None:
        order = await trial.bought(basket(*[1] * 6))
        trial.sandbox.script(self.provider, "detail", [Fault.LATE_ANSWER] * 6)
        outcome = await trial.poll(order, Deadline.after(start=0.3, total=60))
        assert isinstance(outcome, Confirmed)
