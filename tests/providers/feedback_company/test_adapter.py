"""The Feedback Company's adapter against its simulated remote."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from tests.providers.suite import Means, ProviderSuite
from tests.providers.trial import (
    CUSTOMER,
    CUSTOMER_EMAIL,
    Trial,
    account_of,
    ample,
    an_attempt,
    an_order,
)
from worker.capabilities import Doubt
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import Checked, Confirmed, InDoubt, NotSent, RefusalCode, Refused
from worker.provider import Provider, Token
from worker.providers import REGISTRY
from worker.sandbox import Fault

SAMPLE_GTIN = "0075678164124"
"""The provider's own sample, whose check digit is wrong."""
GTIN = "0075678164125"
INVITED: dict[str, Any] = {
    "delay": {"unit": "days", "amount": 3},
    "reminder": {"unit": "weekdays", "amount": 7},
}


def a_product(**fields: str) -> dict[str, str]:
    return {
        "external_id": "p-1",
        "name": "Red Delicious",
        "url": "https://shop.example.com/p/1",
        **fields,
    }


def purchase(*products: dict[str, str] | None, **fields: Any) -> Ordered:
    customer = {"email": CUSTOMER_EMAIL, "fullname": CUSTOMER}
    lines = [{} if product is None else {"product": product} for product in products]
    return an_order("feedback_company", lines, **{"customer": customer, **fields})


def filtered(filtercode: str) -> Ordered:
    return purchase(a_product(), invitation=INVITED, filtercode=filtercode)


NO_ENTRY = Means(NotSent, token_rejected=True)
REFUSED = Means(Refused, RefusalCode.INVALID)
DOUBT = Means(InDoubt)


class FeedbackCompanySuite(ProviderSuite):
    """What holds however an account takes doubt."""

    provider: ClassVar[str] = "feedback_company"
    reads: ClassVar[tuple[str | None, str | None]] = (None, None)
    placed_as: ClassVar[LineState] = LineState.DELIVERED
    tells_price: ClassVar[bool] = False
    gives_goods: ClassVar[bool] = False
    gives_ref: ClassVar[bool] = False
    documented: ClassVar[Mapping[tuple[str, str], Means]] = {
        ("create", "2xx success:false"): REFUSED,
        ("create", "2xx error:true"): REFUSED,
        ("create", "2xx error:text"): REFUSED,
        ("create", "2xx not JSON"): DOUBT,
        ("create", "301"): DOUBT,
        ("create", "302"): DOUBT,
        ("create", "400 bad data"): REFUSED,
        ("create", "400 Unauthorized"): NO_ENTRY,
        ("create", "400 No access"): NO_ENTRY,
        ("create", "401 Unauthorized"): NO_ENTRY,
        ("create", "401 No access"): NO_ENTRY,
        ("create", "404"): DOUBT,
        ("create", "406"): DOUBT,
        ("create", "422 validation"): REFUSED,
        ("create", "422 duplicate id"): Means(Confirmed),
        ("create", "429"): Means(NotSent),
        ("create", "500"): DOUBT,
        ("create", "5xx"): DOUBT,
    }

    def plain(self) -> Ordered:
        second = a_product(external_id="p-2", sku="rd002", gtin=GTIN)
        return purchase(a_product(), second, invitation=INVITED)


class TestFeedbackCompany(FeedbackCompanySuite):
    async def test_an_order_ends_as_it_is_taken_and_can_be_found_by_our_id(
        self, trial: Trial
    ) -> None:
        order = self.plain()
        outcome = await trial.sure(Step.PLACE, order)
        assert outcome.provider_ref is None
        assert {line.state for line in outcome.lines} == {LineState.DELIVERED}
        assert {line.details["external_id"] for line in outcome.lines} == {order.order_id.hex}
        rows = trial.sandbox.books.rows(self.provider)
        assert {row.ref for row in rows} == {order.order_id.hex}

    async def test_a_purchase_without_products_is_one_notice(self, trial: Trial) -> None:
        outcome = await trial.sure(Step.PLACE, purchase(None, None))
        assert len(outcome.lines) == 2
        (row,) = trial.sandbox.books.rows(self.provider)
        assert (row.product, row.status) == ("", "nobody invited")

    @pytest.mark.parametrize(
        ("gtin", "reason"),
        [
            (SAMPLE_GTIN, "the GTIN was left out: its check digit is wrong"),
            (GTIN, None),
            ("075678164125", None),
            ("075678164124", "the GTIN was left out: its check digit is wrong"),
        ],
    )
    async def test_a_wrong_check_digit_loses_the_gtin_and_not_the_order(
        self, trial: Trial, gtin: str, reason: str | None
    ) -> None:
        """The remote refuses a GTIN-13 that is none, so what it took was right or left out."""
        outcome = await trial.sure(Step.PLACE, purchase(a_product(gtin=gtin), a_product()))
        assert [line.reason for line in outcome.lines] == [reason, None]

    @pytest.mark.parametrize(
        ("filtercode", "code", "reason"),
        [
            ("sandbox-refused", RefusalCode.INVALID, "customer.email is not accepted"),
            ("sandbox-refused-200", RefusalCode.INVALID, "Not accepted"),
            ("sandbox-error-true", RefusalCode.INVALID, "refused without a reason"),
            ("sandbox-error-text", RefusalCode.INVALID, "Bad data"),
        ],
    )
    async def test_a_no_is_a_no_in_every_shape(
        self, trial: Trial, filtercode: str, code: RefusalCode, reason: str
    ) -> None:
        order = filtered(filtercode)
        outcome = await trial.call(Step.PLACE, order)
        assert isinstance(outcome, Refused)
        assert (outcome.code, outcome.reason) == (code, reason)
        assert not trial.is_bought(order)

    async def test_no_content_is_a_yes(self, trial: Trial) -> None:
        order = filtered("sandbox-empty-204")
        await trial.sure(Step.PLACE, order)
        assert trial.is_bought(order)

    async def test_a_yes_that_does_not_say_so_is_doubt(self, trial: Trial) -> None:
        order = filtered("sandbox-says-nothing")
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)

    def test_nothing_is_kept_where_nothing_is_sent_again(self, trial: Trial) -> None:
        order = self.plain()
        assert trial.adapter.capabilities_for(order.intent).after_place is Doubt.NONE
        assert trial.adapter.request(order, Step.PLACE, "r") is None

    # --- check -------------------------------------------------------------------------------

    async def test_an_account_that_is_let_in_is_told_its_shop(self, trial: Trial) -> None:
        assert isinstance(await trial.adapter.check(ample(), trial.token), Checked)
        assert trial.hits(Step.PLACE) == 0

    async def test_an_account_with_a_dead_token_is_not_let_in(self, trial: Trial) -> None:
        found = await trial.adapter.check(ample(), "dead")
        assert isinstance(found, NotSent)
        assert found.token_rejected

    @pytest.mark.parametrize("fault", sorted(set(Fault) - {Fault.NONE, Fault.SLOW_DRIP}))
    async def test_a_check_that_fails_proves_nothing(self, trial: Trial, fault: Fault) -> None:
        trial.sandbox.script(self.provider, "shop", [fault])
        found = await trial.adapter.check(self._deadline(fault), trial.token)
        late = fault is Fault.LATE_ANSWER
        assert isinstance(found, Checked if late else NotSent | InDoubt)


class TestFeedbackCompanyThatSendsAgain(FeedbackCompanySuite):
    account: ClassVar[Mapping[str, str]] = {"resend_once": "true"}

    async def test_what_is_sent_again_is_what_was_kept(self, trial: Trial) -> None:
        order = self.plain()
        kept = trial.adapter.capabilities_for(order.intent)
        assert (kept.after_place, kept.repeats) == (Doubt.RESEND, 1)
        assert trial.adapter.request(order, Step.CONFIRM, "r") is None
        first = trial.adapter.request(order, Step.PLACE, "r")
        assert first
        attempt = replace(an_attempt(), request=first.replace(b"Red Delicious", b"Kept as it was"))
        outcome = await trial.adapter.place(order, attempt, ample(), trial.token)
        assert isinstance(outcome, Confirmed)
        attempt = replace(an_attempt(), request=b'{"external_id":""}')
        refused = await trial.adapter.place(order, attempt, ample(), trial.token)
        assert isinstance(refused, Refused)

    @pytest.mark.parametrize(
        ("filtercode", "reason"),
        [
            ("sandbox-cut-after", "the provider had this order already"),
            ("sandbox-cut-before", None),
            ("sandbox-500-after", "the provider had this order already"),
        ],
    )
    async def test_a_repeat_settles_the_doubt_where_the_id_is_known_there(
        self, trial: Trial, filtercode: str, reason: str | None
    ) -> None:
        order = await trial.ready_for(Step.PLACE, filtered(filtercode))
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        trial.attempt = replace(trial.attempt, sends=2)
        outcome = await trial.call(Step.PLACE, order)
        assert isinstance(outcome, Confirmed)
        assert [line.reason for line in outcome.lines] == [reason]
        assert trial.sandbox.books.copies(self.provider) == {order.order_id.hex: 1}

    async def test_where_a_repeat_is_taken_for_another_order_the_customer_hears_twice(
        self, trial: Trial
    ) -> None:
        """The risk that the switch takes, as its docstring says."""
        order = await trial.ready_for(Step.PLACE, filtered("sandbox-cut-after-twice-taken"))
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        assert isinstance(await trial.call(Step.PLACE, order), Confirmed)
        assert trial.sandbox.books.duplicates(self.provider) == {order.order_id.hex: 2}

    async def test_that_the_order_is_there_is_a_yes_also_to_a_new_attempt(
        self, trial: Trial
    ) -> None:
        """As after a person had an order tried again whose first call did come through."""
        order = await trial.bought(self.plain())
        trial.begin(Step.PLACE, order)
        assert trial.attempt.sends == 1
        assert isinstance(await trial.call(Step.PLACE, order), Confirmed)
        assert not trial.sandbox.books.duplicates(self.provider)


# --- tokens --------------------------------------------------------------------------------------


class TestTokens:
    """Access tokens, and the credentials that travel in a query."""

    @pytest.fixture
    async def trial(self, sandbox: Any, caplog: pytest.LogCaptureFixture) -> Any:
        caplog.set_level(0)
        async with Trial(sandbox, "feedback_company") as one:
            yield one
            assert not [secret for secret in one.secrets if secret in caplog.text]

    async def test_a_token_tells_when_it_dies(self, trial: Trial, remote_clock: Any) -> None:
        token = await trial.adapter.login(ample())
        assert isinstance(token, Token)
        lifetime = trial.sandbox.settings.token_lifetime
        assert token.expires_at == (remote_clock() + lifetime).replace(microsecond=0)
        assert token.value not in repr(token)

    async def test_a_new_token_kills_the_one_before(self, trial: Trial) -> None:
        older = trial.token
        await trial.log_in()
        found = await trial.adapter.check(ample(), older)
        assert isinstance(found, NotSent)
        assert found.token_rejected

    async def test_a_wrong_secret_gets_no_token_and_is_not_repeated(self, trial: Trial) -> None:
        wrong = account_of(trial.sandbox, trial.name, client_secret="wr0ng+secret/&")
        outcome = await REGISTRY[trial.name](wrong, trial.channel).login(ample())
        assert isinstance(outcome, NotSent)
        assert outcome.reason == "login_refused"
        assert "wr0ng" not in repr(outcome)

    def test_accounts_of_one_client_share_its_token_and_nobody_elses(self, trial: Trial) -> None:
        def adapter(**fields: str) -> Provider:
            return REGISTRY[trial.name](
                account_of(trial.sandbox, trial.name, **fields), trial.channel
            )

        owner = adapter().token_owner
        assert owner == adapter(client_secret="another", resend_once="true").token_owner
        assert owner != adapter(client_id="another").token_owner
        assert owner
        assert "sandbox" not in owner
