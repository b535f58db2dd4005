"""The Threekit adapter against its simulated remote."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar, Final

import pytest

from schemas import jsontext
from tests.providers.conftest import Recorder, RemoteClock
from tests.providers.suite import Means, ProviderSuite
from tests.providers.trial import CUSTOMER, Trial, account_of, ample, an_attempt, an_order
from worker.http import Channel
from worker.lifecycle import LineState, Step
from worker.order import Ordered
from worker.outcome import (
    Absent,
    Checked,
    Confirmed,
    InDoubt,
    NotSent,
    Pending,
    RefusalCode,
    Refused,
)
from worker.providers.threekit import adapter
from worker.sandbox import Fault, Sandbox

PLATFORM: Final = {"id": "10077", "platform": "ourshop", "store_name": "Şişli & Söhne/2?"}
SENT: Final = {"id": "10077", "platform": "ourshop", "storeName": "Şişli & Söhne/2?"}
SHELF: Final = jsontext.canonical(SENT).decode()
ORG: Final = "5a4d0b0e-0000-4000-8000-000000000001"


def recording(*configurations: str, quantity: int = 2, **fields: Any) -> Ordered:
    lines = [
        {"configuration_id": one, "quantity": quantity, "metadata": {"engraving": CUSTOMER}}
        for one in configurations
    ]
    return an_order("threekit", lines, **{"platform": PLATFORM, **fields})


class TestThreekit(ProviderSuite):
    provider: ClassVar[str] = "threekit"
    reads: ClassVar[tuple[str | None, str | None]] = ("list", "get")
    placed_as: ClassVar[LineState] = LineState.DELIVERED
    tells_price: ClassVar[bool] = False
    gives_goods: ClassVar[bool] = False
    books_shelf: ClassVar[str | None] = SHELF
    books_unknown: ClassVar[LineState | None] = LineState.DELIVERED
    documented: ClassVar[Mapping[tuple[str, str], Means]] = {
        ("create", "400"): Means(Refused, RefusalCode.INVALID),
        ("create", "401"): Means(NotSent),
        ("create", "403"): Means(NotSent),
        ("create", "404"): Means(InDoubt),
        ("create", "413"): Means(Refused, RefusalCode.INVALID),
        ("create", "422"): Means(Refused, RefusalCode.INVALID),
        ("create", "429"): Means(NotSent),
        ("create", "500"): Means(InDoubt),
    }

    def plain(self) -> Ordered:
        return recording("sandbox-ok", "6c0b1f7e-4d0e-4c53-9b0e-0c3f7b1f5a10")

    # --- create ------------------------------------------------------------------------------

    async def test_a_recorded_order_is_all_that_was_wanted(self, trial: Trial) -> None:
        outcome = await trial.sure(Step.PLACE, self.plain())
        assert {line.state for line in outcome.lines} == {LineState.DELIVERED}
        (short_id,) = {line.details["short_id"] for line in outcome.lines}
        assert short_id == trial.sandbox.books.rows("threekit")[0].extra["short_id"]

    async def test_the_same_request_again_would_be_a_second_order(self, trial: Trial) -> None:
        """Why doubt is looked up here and never sent again."""
        order = self.plain()
        await trial.sure(Step.PLACE, order)
        await trial.sure(Step.PLACE, order)
        assert trial.sandbox.books.duplicates("threekit") == {order.order_id.hex: 2}

    async def test_a_cart_that_came_out_empty_is_doubt_for_a_person(self, trial: Trial) -> None:
        order = recording("sandbox-empty-cart", "sandbox-ok")
        outcome = await trial.call(Step.PLACE, order)
        assert isinstance(outcome, InDoubt)
        assert outcome.reason == "recorded, with 0 of 2 lines in its cart"
        found = await trial.look_up(order)
        assert isinstance(found, InDoubt)
        assert found.reason == outcome.reason

    @pytest.mark.parametrize("hidden", ["no-id", "cart-hidden", "no-metadata"])
    async def test_an_answer_without_our_order_is_doubt_that_the_look_up_settles(
        self, trial: Trial, hidden: str
    ) -> None:
        order = recording(f"sandbox-{hidden}")
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        assert isinstance(await trial.look_up(order), Confirmed)

    async def test_a_revoked_token_loses_no_order(self, sandbox: Sandbox) -> None:
        async with Trial(sandbox, "threekit", token="revoked-long-ago") as trial:
            outcome = await trial.call(Step.PLACE, self.plain())
        assert isinstance(outcome, NotSent)
        assert (outcome.reason, outcome.token_rejected) == ("unauthorized", False)

    async def test_what_404_means_is_a_setting(self, sandbox: Sandbox) -> None:
        order = recording("sandbox-404")
        async with Trial(sandbox, "threekit", not_found="refused") as trial:
            outcome = await trial.call(Step.PLACE, order)
        assert isinstance(outcome, Refused)
        assert outcome.code is RefusalCode.UNKNOWN_PRODUCT

    # --- look-up -----------------------------------------------------------------------------

    async def test_an_order_that_the_list_shows_late_is_found_late(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = recording("sandbox-listed-late")
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        assert isinstance(await trial.look_up(order), Absent)
        remote_clock.pass_paces()
        assert isinstance(await trial.look_up(order), Confirmed)

    async def test_of_two_orders_the_older_is_adopted_and_the_other_told(
        self, trial: Trial
    ) -> None:
        order = recording("sandbox-twice")
        assert isinstance(await trial.call(Step.PLACE, order), InDoubt)
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        older, newer = (row.order_id for row in trial.sandbox.books.rows("threekit"))
        assert (found.provider_ref, found.surplus) == (older, (newer,))

    async def test_another_order_of_the_same_shop_order_is_not_ours(self, trial: Trial) -> None:
        await trial.bought(self.plain())
        assert isinstance(await trial.look_up(self.plain()), Absent)
        ours = await trial.bought(self.plain())
        found = await trial.look_up(ours)
        assert isinstance(found, Confirmed)
        assert (found.provider_ref, found.surplus) == (ours.provider_ref, ())

    async def test_an_order_is_found_below_many_of_the_same_shop_order(self, trial: Trial) -> None:
        order = await trial.bought(self.plain())
        for _ in range(250):
            await trial.sure(Step.PLACE, self.plain())
        found = await trial.look_up(order)
        assert isinstance(found, Confirmed)
        assert found.provider_ref == order.provider_ref
        assert trial.sandbox.hits("threekit", "list") == 3

    async def test_orders_of_other_shop_orders_are_not_even_read(self, trial: Trial) -> None:
        await trial.bought(recording("sandbox-ok", platform={**PLATFORM, "id": "10078"}))
        found = await trial.look_up(self.plain())
        assert isinstance(found, Absent)
        assert found.evidence.body == "0 of 0 orders of this platform were read"

    # --- the account -------------------------------------------------------------------------

    async def test_the_account_lets_us_in(self, trial: Trial) -> None:
        assert isinstance(await trial.adapter.check(ample(), None), Checked)
        assert trial.sandbox.books.rows("threekit") == []

    async def test_a_wrong_token_is_found_out_by_a_check(self, sandbox: Sandbox) -> None:
        async with Trial(sandbox, "threekit", token="revoked-long-ago") as trial:
            outcome = await trial.adapter.check(ample(), None)
        assert isinstance(outcome, Refused)
        assert outcome.code is RefusalCode.FORBIDDEN

    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [
            (Fault.THROTTLED_429, NotSent),
            (Fault.ERROR_500_BEFORE, InDoubt),
            (Fault.GARBAGE_AFTER, InDoubt),
            (Fault.CUT_BEFORE, InDoubt),
        ],
    )
    async def test_a_check_that_fails_says_nothing_about_the_account(
        self, trial: Trial, fault: Fault, outcome: type[NotSent | InDoubt]
    ) -> None:
        trial.sandbox.script("threekit", "list", [fault])
        assert isinstance(await trial.adapter.check(ample(), None), outcome)

    async def test_the_organisation_is_said_where_it_is_set(self, sandbox: Sandbox) -> None:
        async with Trial(sandbox, "threekit", org_id=ORG) as trial:
            order = await trial.bought(self.plain())
            assert isinstance(await trial.look_up(order), Confirmed)


class TestThreekitUntilComplete(ProviderSuite):
    """The same, where an order counts once the work on it is done."""

    provider: ClassVar[str] = "threekit"
    reads: ClassVar[tuple[str | None, str | None]] = ("list", "get")
    account: ClassVar[Mapping[str, str]] = {"done_when": "complete"}
    placed_as: ClassVar[LineState] = LineState.ACCEPTED
    tells_price: ClassVar[bool] = False
    gives_goods: ClassVar[bool] = False
    books_shelf: ClassVar[str | None] = SHELF
    books_state: ClassVar[LineState] = LineState.ACCEPTED
    documented: ClassVar[Mapping[tuple[str, str], Means]] = TestThreekit.documented

    def plain(self) -> Ordered:
        return recording("sandbox-ok", "sandbox-ok")

    async def test_an_order_is_new_in_progress_and_then_complete(
        self, trial: Trial, remote_clock: RemoteClock
    ) -> None:
        order = await trial.bought(recording("sandbox-worked-on"))
        for _ in range(2):
            outcome = await trial.poll(order)
            assert isinstance(outcome, Pending)
            assert [(line.state, line.reason) for line in outcome.lines] == [
                (LineState.ACCEPTED, None)
            ]
            remote_clock.pass_paces()
        last = await trial.poll(order)
        assert isinstance(last, Confirmed)
        assert [line.state for line in last.lines] == [LineState.DELIVERED]

    async def test_an_order_may_be_complete_at_once(self, trial: Trial) -> None:
        outcome = await trial.sure(Step.PLACE, recording("sandbox-complete"))
        assert [line.state for line in outcome.lines] == [LineState.DELIVERED]

    @pytest.mark.parametrize(
        ("configuration", "paces", "reason"),
        [
            ("sandbox-draft", 1, "the order is a draft there: 'In Cart'"),
            ("sandbox-odd-status", 0, "the order is in an unknown status there: 'On Hold'"),
        ],
    )
    async def test_what_is_not_being_worked_on_is_told_and_waited_out(
        self, trial: Trial, remote_clock: RemoteClock, configuration: str, paces: int, reason: str
    ) -> None:
        order = await trial.bought(recording(configuration))
        remote_clock.pass_paces(paces)
        outcome = await trial.poll(order)
        assert isinstance(outcome, Pending)
        assert [line.reason for line in outcome.lines] == [reason]
        remote_clock.pass_paces(2)
        assert isinstance(await trial.poll(order), Confirmed)

    async def test_an_order_nobody_there_knows_is_doubt(self, trial: Trial) -> None:
        order = replace(self.plain(), provider_ref="0a1b2c3d-1111-2222-3333-444455556666")
        assert isinstance(await trial.poll(order), InDoubt)


# --- what is sent --------------------------------------------------------------------------------


@asynccontextmanager
async def api(recorder: Recorder, **settings: str) -> AsyncIterator[adapter.Threekit]:
    """The adapter of an account whose remote writes down what it is asked."""
    account = adapter.ThreekitAccount.model_validate(
        {"base_url": recorder.url, "token": "t0ken", **settings}
    )
    async with Channel(account.base_url) as channel:
        yield adapter.Threekit(account, channel)


async def test_a_create_call_says_what_the_documentation_asks_for(recorder: Recorder) -> None:
    order = recording("c-1", quantity=3, metadata={"basket": "7"})
    async with api(recorder) as threekit:
        outcome = await threekit.place(order, an_attempt(), ample(), None)
    assert isinstance(outcome, InDoubt)
    assert recorder.headers[0]["authorization"] == "Bearer t0ken"
    assert recorder.queries == [{}]
    assert recorder.bodies == [
        {
            "platform": SENT,
            "metadata": {"basket": "7", "clientOrderKey": order.order_id.hex},
            "status": "New",
            "cart": [
                {
                    "configurationId": "c-1",
                    "count": 3,
                    "metadata": {"engraving": CUSTOMER, "lineRef": order.lines[0].line_ref},
                }
            ],
        }
    ]


async def test_what_the_producer_adds_is_said_too(recorder: Recorder) -> None:
    order = recording("c-1", name="Şişli 7", customer_id="c", origin_org_id="reseller")
    async with api(recorder, org_id="org") as threekit:
        await threekit.place(order, an_attempt(), ample(), None)
    (body,) = recorder.bodies
    added = {name: body[name] for name in body.keys() - {"platform", "metadata", "status", "cart"}}
    assert added == {
        "name": "Şişli 7",
        "customerId": "c",
        "originOrgId": "reseller",
        "orgId": "org",
    }


async def test_a_look_up_asks_for_the_very_platform_that_was_sent(recorder: Recorder) -> None:
    """Characters that mean something in a URL, or are none there, arrive as they are."""
    recorder.answer = b"[]"
    order = recording("c-1")
    async with api(recorder, org_id="org") as threekit:
        found = await threekit.look_up(order, an_attempt(), ample(), None)
    assert isinstance(found, Absent)
    (query,) = recorder.queries
    assert json.loads(query.pop("platform")) == SENT
    assert query == {"orgId": "org", "perPage": "100"}
    assert recorder.headers[0]["authorization"] == "Bearer t0ken"


async def test_an_order_id_stays_one_part_of_the_path(recorder: Recorder) -> None:
    recorder.answer = json.dumps({"id": "a/b?c=1&d#é", "status": "New"}).encode()
    order = replace(recording("c-1"), provider_ref="a/b?c=1&d#é")
    async with api(recorder) as threekit:
        polled = await threekit.poll(order, ample(), None)
    assert isinstance(polled, Confirmed)
    assert recorder.queries == [{}]


def test_the_sandboxes_account_is_one(sandbox: Sandbox) -> None:
    account = account_of(sandbox, "threekit")
    assert isinstance(account, adapter.ThreekitAccount)
    assert account.done_when == "placed"
