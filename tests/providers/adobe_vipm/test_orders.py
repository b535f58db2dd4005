"""Ordering from Adobe: statuses, replays, tokens, and answers that its documentation stores."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.providers.adobe_vipm.licences import SUBSCRIPTION, licences, renewal
from tests.providers.conftest import RemoteClock
from tests.providers.trial import Trial, account_of, after, ample, an_attempt
from worker.capabilities import Doubt
from worker.http import Channel
from worker.lifecycle import LineState, Step
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
from worker.provider import Token
from worker.providers import REGISTRY

# --- statuses ------------------------------------------------------------------------------------


async def test_a_complete_line_tells_its_subscription_and_its_offer(adobe: Trial) -> None:
    outcome = await adobe.sure(Step.PLACE, licences("sandbox-cents"))
    assert outcome.lines[0].state is LineState.DELIVERED
    assert outcome.lines[0].details["subscription_id"].endswith("NA")
    assert outcome.lines[0].details["offer_id"] == "sandbox-cents"


async def test_a_poll_tells_what_was_charged(adobe: Trial) -> None:
    outcome = await adobe.poll(await adobe.bought(licences("sandbox-cents")))
    assert isinstance(outcome, Confirmed)
    assert str(outcome.lines[0].price) == "49.31 USD"
    assert str(outcome.total) == "49.31 USD"
    assert outcome.lines[0].details["net_partner_price"] == "24.655"


async def test_an_order_for_deployments_is_polled_without_prices(adobe: Trial) -> None:
    order = licences("sandbox-ok")
    line = order.intent.lines[0].model_copy(update={"deployment_id": "12345"})
    order = replace(order, intent=order.intent.model_copy(update={"lines": (line,)}))
    outcome = await adobe.poll(await adobe.bought(order))
    assert isinstance(outcome, Confirmed)
    assert outcome.lines[0].price is None


async def test_an_open_order_is_waited_for_until_it_is_complete(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    outcome = await adobe.sure(Step.PLACE, order := licences("sandbox-slow"))
    assert [line.state for line in outcome.lines] == [LineState.ACCEPTED]
    assert "subscription_id" not in outcome.lines[0].details
    order = after(order, outcome)
    assert isinstance(await adobe.poll(order), Pending)
    remote_clock.pass_paces()
    done = await adobe.poll(order)
    assert isinstance(done, Confirmed)
    assert done.lines[0].state is LineState.DELIVERED
    assert done.lines[0].details["subscription_id"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fails", "it failed at Adobe"),
        ("address", "the customer's address is invalid"),
        ("distributor", "the distributor is inactive"),
        ("reseller", "the reseller is inactive"),
        ("customer", "the customer is inactive"),
        ("customer-id", "the customer's id is invalid"),
    ],
)
async def test_an_order_that_fails_later_failed_with_its_reason(
    adobe: Trial, remote_clock: RemoteClock, name: str, reason: str
) -> None:
    order = await adobe.bought(licences(f"sandbox-{name}"))
    remote_clock.pass_paces()
    outcome = await adobe.poll(order)
    assert isinstance(outcome, Confirmed)
    assert (outcome.lines[0].state, outcome.lines[0].reason) == (LineState.FAILED, reason)


async def test_one_line_may_fail_alone(adobe: Trial, remote_clock: RemoteClock) -> None:
    order = await adobe.bought(licences("sandbox-ok", "sandbox-fails"))
    remote_clock.pass_paces()
    outcome = await adobe.poll(order)
    assert isinstance(outcome, Confirmed)
    states = [line.state for line in outcome.lines]
    assert states == [LineState.DELIVERED, LineState.FAILED]


async def test_a_status_that_nobody_documented_is_waited_out(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    order = await adobe.bought(licences("sandbox-odd-status"))
    outcome = await adobe.poll(order)
    assert isinstance(outcome, Pending)
    assert outcome.lines[0].reason == "unknown status '1099'"
    remote_clock.pass_paces()
    assert isinstance(await adobe.poll(order), Confirmed)


async def test_an_order_given_back_by_other_hands_is_told_line_by_line(adobe: Trial) -> None:
    order = await adobe.bought(licences("sandbox-ok", "sandbox-ok"))
    returned = licences("sandbox-ok", order_type="RETURN", reference_order_id=order.provider_ref)
    await adobe.bought(returned)
    outcome = await adobe.poll(order)
    assert isinstance(outcome, Confirmed)
    states = [line.state for line in outcome.lines]
    assert states == [LineState.CANCELLED, LineState.DELIVERED]


# --- other types ---------------------------------------------------------------------------------


async def test_a_renewal_names_its_subscription(adobe: Trial) -> None:
    outcome = await adobe.sure(Step.PLACE, renewal("sandbox-ok"))
    assert outcome.lines[0].details["subscription_id"] == SUBSCRIPTION


async def test_a_return_that_was_asked_for_is_delivered(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    bought = await adobe.bought(licences("sandbox-ok", "sandbox-return-slow"))
    order = licences("x", order_type="RETURN", reference_order_id=bought.provider_ref)
    line = order.intent.lines[0].model_copy(
        update={"offer_id": "sandbox-return-slow", "line_number": 2}
    )
    order = replace(order, intent=order.intent.model_copy(update={"lines": (line,)}))
    placed = await adobe.bought(order)
    assert [line.state for line in placed.lines] == [LineState.ACCEPTED]
    assert placed.provider_ref != bought.provider_ref
    found = await adobe.look_up(order)
    assert isinstance(found, Confirmed)
    assert found.provider_ref == placed.provider_ref
    remote_clock.pass_paces()
    done = await adobe.poll(placed)
    assert isinstance(done, Confirmed)
    assert [line.state for line in done.lines] == [LineState.DELIVERED]


def test_only_what_was_bought_can_be_called_off(adobe: Trial) -> None:
    def phases(order_type: str) -> tuple[Doubt, Doubt | None, Doubt | None, bool]:
        fields: dict[str, Any] = {"reference_order_id": "1"} if order_type == "RETURN" else {}
        made = licences if order_type in {"NEW", "RETURN", "PREVIEW"} else renewal
        found = adobe.adapter.capabilities_for(made("x", order_type=order_type, **fields).intent)
        return found.after_place, found.after_confirm, found.after_cancel, found.buys

    assert phases("NEW") == phases("RENEWAL") == (Doubt.REPLAY, None, Doubt.REPLAY, True)
    assert phases("RETURN") == (Doubt.REPLAY, None, None, True)
    assert phases("PREVIEW") == phases("PREVIEW_RENEWAL") == (Doubt.HARMLESS, None, None, False)


# --- refusals ------------------------------------------------------------------------------------


async def test_a_refusal_says_why_and_which_line_is_to_blame(adobe: Trial) -> None:
    order = licences("sandbox-ok", "sandbox-ineligible")
    outcome = await adobe.call(Step.PLACE, order)
    assert isinstance(outcome, Refused)
    assert outcome.code is RefusalCode.INVALID
    assert "2129 Customer is not eligible for the offer" in outcome.reason
    assert [line.line_ref for line in outcome.lines] == [order.lines[1].line_ref]
    assert "INELIGIBLE_MARKET_SEGMENT" in (outcome.lines[0].reason or "")


@pytest.mark.parametrize(
    ("name", "wait"),
    [("processing-once", 30), ("unavailable-once", 30), ("renewing", 3600)],
)
async def test_a_400_that_passes_by_itself_is_tried_again_under_a_new_id(
    adobe: Trial, name: str, wait: int
) -> None:
    order = licences(f"sandbox-{name}")
    first = await adobe.call(Step.PLACE, order)
    assert isinstance(first, NotSent)
    assert first.retry_after == timedelta(seconds=wait)
    adobe.begin(Step.PLACE, order)
    again = await adobe.call(Step.PLACE, order)
    assert isinstance(again, NotSent if name == "renewing" else Confirmed)


# --- doubt ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("executed", "name"), [(False, "500-stored"), (True, "500-executed")])
async def test_a_stored_500_is_answered_again_and_only_the_list_tells(
    adobe: Trial, name: str, *, executed: bool
) -> None:
    order = await adobe.ready_for(Step.PLACE, licences(f"sandbox-{name}"))
    for _ in range(2):
        assert isinstance(await adobe.call(Step.PLACE, order), InDoubt)
    assert isinstance(await adobe.look_up(order), Confirmed if executed else Absent)
    if not executed:
        await adobe.bought(order)
    assert len(adobe.sandbox.live_orders("adobe_vipm")) == 1


async def test_a_cut_order_is_answered_when_the_same_bytes_are_sent_again(adobe: Trial) -> None:
    order = await adobe.ready_for(Step.PLACE, licences("sandbox-cut"))
    assert isinstance(await adobe.call(Step.PLACE, order), InDoubt)
    assert isinstance(await adobe.call(Step.PLACE, order), Confirmed)
    assert adobe.hits(Step.PLACE) == 2
    assert not adobe.sandbox.books.duplicates("adobe_vipm")


async def test_after_ten_days_a_request_would_be_executed_anew(
    adobe: Trial, remote_clock: RemoteClock
) -> None:
    """Why ``replay_for`` has to stay below what Adobe promises."""
    order = await adobe.ready_for(Step.PLACE, licences("sandbox-ok"))
    await adobe.call(Step.PLACE, order)
    remote_clock.pass_paces(timedelta(days=10) / timedelta(seconds=0.1))
    await adobe.log_in()
    await adobe.call(Step.PLACE, order)
    assert adobe.sandbox.books.duplicates("adobe_vipm")
    assert adobe.adapter.capabilities.replay_for < timedelta(days=10)


# --- access --------------------------------------------------------------------------------------


async def test_a_token_lives_as_long_as_it_says(adobe: Trial) -> None:
    token = await adobe.adapter.login(ample())
    assert isinstance(token, Token)
    assert token.expires_at is not None
    lives = token.expires_at - an_attempt().opened_at
    assert abs(lives - adobe.sandbox.settings.token_lifetime) < timedelta(seconds=30)
    assert token.value not in repr(token)


@pytest.mark.parametrize("field", ["client_id", "client_secret"])
async def test_wrong_credentials_are_a_login_refused(adobe: Trial, field: str) -> None:
    account = account_of(adobe.sandbox, "adobe_vipm", **{field: "wrong-credential"})
    async with Channel(account.base_url) as channel:
        outcome = await REGISTRY["adobe_vipm"](account, channel).login(ample())
    assert isinstance(outcome, NotSent)
    assert outcome.reason == "login_refused"


def test_accounts_of_one_integration_share_a_token_and_its_owner_is_no_credential(
    adobe: Trial,
) -> None:
    owners = [
        REGISTRY["adobe_vipm"](
            account_of(adobe.sandbox, "adobe_vipm", **fields), adobe.channel
        ).token_owner
        for fields in ({}, {"concurrency": "1"}, {"client_id": "another-client"})
    ]
    assert owners[0] == owners[1] != owners[2]
    assert "sandbox" not in (owners[0] or "")


async def test_the_health_check_proves_that_we_are_let_in(adobe: Trial) -> None:
    assert isinstance(await adobe.adapter.check(ample(), adobe.token), Checked)
    unknown = await adobe.adapter.check(ample(), "another-token")
    assert isinstance(unknown, NotSent)
    assert unknown.token_rejected
    account = account_of(adobe.sandbox, "adobe_vipm", client_id="another-client")
    stranger = REGISTRY["adobe_vipm"](account, adobe.channel)
    refused = await stranger.check(ample(), adobe.token)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.FORBIDDEN
