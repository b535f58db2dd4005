"""Previews: what they tell, for how long it holds, and that the offers they return are ordered."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.providers.adobe_vipm.licences import CUSTOMER_ID, licences, previewed, renewal
from tests.providers.trial import Trial, an_order
from worker.lifecycle import LineState, Step
from worker.outcome import Confirmed, InDoubt, NotSent, RefusalCode, Refused
from worker.providers.adobe_vipm.prices import holds_until
from worker.sandbox import Fault


async def test_a_preview_first_promises_a_price_and_orders_nothing(previewing: Trial) -> None:
    order = previewed("sandbox-cents", "sandbox-ok")
    previewing.begin(Step.PLACE, order)
    quoted = await previewing.sure(Step.PLACE, order)
    assert quoted.provider_ref is None
    assert [line.state for line in quoted.lines] == [LineState.QUOTED] * 2
    assert [str(line.price) for line in quoted.lines] == ["49.31 USD", "730.00 USD"]
    assert str(quoted.total) == "779.31 USD"
    opened_at = previewing.attempt.opened_at
    assert quoted.expires_at == holds_until(opened_at, timedelta(seconds=300))
    assert previewing.sandbox.books.rows("adobe_vipm") == []


@pytest.mark.parametrize("offer", ["sandbox-level-01", "sandbox-level-03"])
async def test_the_offers_that_a_preview_returned_are_ordered(
    previewing: Trial, offer: str
) -> None:
    order = await previewing.ready_for(Step.CONFIRM, previewed(offer))
    assert order.lines[0].details["offer_id"] == "sandbox-level-02"
    await previewing.sure(Step.CONFIRM, order)
    (row,) = previewing.sandbox.live_orders("adobe_vipm")
    assert row.product == "sandbox-level-02"


async def test_what_is_kept_is_what_was_previewed_when_the_attempt_was_opened(
    previewing: Trial,
) -> None:
    order = await previewing.ready_for(Step.CONFIRM, previewed("sandbox-level-01"))
    line = replace(order.lines[0], details={"offer_id": "sandbox-dear"})
    assert isinstance(await previewing.call(Step.CONFIRM, replace(order, lines=(line,))), Confirmed)
    (row,) = previewing.sandbox.live_orders("adobe_vipm")
    assert row.product == "sandbox-level-02"


async def test_a_preview_is_not_kept_because_none_is_sent_again(previewing: Trial) -> None:
    order = previewed("sandbox-ok")
    assert previewing.adapter.request(order, Step.PLACE, "ref") is None
    assert previewing.adapter.request(order, Step.CONFIRM, "ref")
    assert previewing.adapter.request(licences("x", order_type="PREVIEW"), Step.PLACE, "r") is None


async def test_a_refused_preview_refuses_the_order(previewing: Trial) -> None:
    outcome = await previewing.call(Step.PLACE, previewed("sandbox-not-found"))
    assert isinstance(outcome, Refused)
    assert outcome.code is RefusalCode.UNKNOWN_PRODUCT


async def test_an_order_without_a_preview_is_refused_what_a_preview_would_lower(
    adobe: Trial,
) -> None:
    outcome = await adobe.call(Step.PLACE, licences("sandbox-level-03"))
    assert isinstance(outcome, Refused)


async def test_a_renewal_previewed_first_renews_what_was_returned(previewing: Trial) -> None:
    quote = previewed("x").intent.model_dump(mode="json")["quote"]
    order = renewal("sandbox-level-01", preview_first=True, quote=quote)
    ready = await previewing.ready_for(Step.CONFIRM, order)
    await previewing.sure(Step.CONFIRM, ready)
    (row,) = previewing.sandbox.live_orders("adobe_vipm")
    assert (row.product, row.extra["type"]) == ("sandbox-level-02", "RENEWAL")


async def test_a_renewal_whose_product_has_expired_is_refused_before_it_is_ordered(
    previewing: Trial,
) -> None:
    quote = previewed("x").intent.model_dump(mode="json")["quote"]
    order = renewal("sandbox-expired-product", preview_first=True, quote=quote)
    outcome = await previewing.call(Step.PLACE, order)
    assert isinstance(outcome, Refused)
    assert "has expired" in outcome.reason
    assert [line.line_ref for line in outcome.lines] == [order.lines[0].line_ref]


# --- orders for prices alone ---------------------------------------------------------------------


async def test_an_order_for_a_preview_delivers_prices_and_buys_nothing(adobe: Trial) -> None:
    outcome = await adobe.sure(Step.PLACE, licences("sandbox-level-01", order_type="PREVIEW"))
    (line,) = outcome.lines
    assert (line.state, str(line.price)) == (LineState.DELIVERED, "600.00 USD")
    assert line.details == {
        "offer_id": "sandbox-level-02",
        "partner_price": "300.0",
        "discounted_partner_price": "300.0",
        "net_partner_price": "300.0",
        "prorated_days": "365",
    }
    assert outcome.expires_at is None
    assert adobe.sandbox.books.rows("adobe_vipm") == []


async def test_a_preview_of_named_renewals_tells_which_will_not_renew(adobe: Trial) -> None:
    order = renewal("sandbox-ok", "sandbox-expired-product", order_type="PREVIEW_RENEWAL")
    outcome = await adobe.sure(Step.PLACE, order)
    states = [line.state for line in outcome.lines]
    assert states == [LineState.DELIVERED, LineState.FAILED]


async def test_a_preview_of_all_renewals_tells_each_in_one_line(adobe: Trial) -> None:
    bought = await adobe.bought(licences("sandbox-ok", "sandbox-level-02"))
    fields = {"customer_id": CUSTOMER_ID, "order_type": "PREVIEW_RENEWAL"}
    order = an_order("adobe_vipm", [{}], **fields)
    adobe.begin(Step.PLACE, order)
    outcome = await adobe.sure(Step.PLACE, order)
    (line,) = outcome.lines
    assert (line.state, str(line.price)) == (LineState.DELIVERED, "1330.00 USD")
    assert line.details["2.offer_id"] == "sandbox-level-02"
    assert line.details["1.price"] == "730.00 USD"
    subscriptions = [line.details["subscription_id"] for line in bought.lines]
    assert [line.details[f"{n}.subscription_id"] for n in (1, 2)] == subscriptions


async def test_a_cut_preview_is_harmless_doubt(adobe: Trial) -> None:
    order = licences("sandbox-preview-cut", order_type="PREVIEW")
    assert isinstance(await adobe.call(Step.PLACE, order), InDoubt)
    adobe.begin(Step.PLACE, order)
    assert isinstance(await adobe.call(Step.PLACE, order), Confirmed)


async def test_a_throttled_preview_waits(adobe: Trial) -> None:
    order = licences("sandbox-preview-429", order_type="PREVIEW")
    assert isinstance(await adobe.call(Step.PLACE, order), NotSent)


@pytest.mark.parametrize("fault", [Fault.GATEWAY_TIMEOUT_504, Fault.GARBAGE_AFTER])
async def test_an_unreadable_preview_promises_nothing(previewing: Trial, fault: Fault) -> None:
    previewing.sandbox.script("adobe_vipm", "preview", [fault])
    assert isinstance(await previewing.call(Step.PLACE, previewed("sandbox-ok")), InDoubt)


# --- for how long a price holds ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("previewed_at", "lives", "until"),
    [
        ("2026-01-15T20:00:00Z", 300, "2026-01-15T20:05:00Z"),
        ("2026-01-16T07:58:00Z", 300, "2026-01-16T08:00:00Z"),  # winter: UTC-8
        ("2026-07-16T06:58:00Z", 300, "2026-07-16T07:00:00Z"),  # summer: UTC-7
        ("2026-01-16T08:00:00Z", 300, "2026-01-16T08:05:00Z"),  # midnight itself is a new day
        ("2026-03-08T08:30:00Z", 86_400, "2026-03-09T07:00:00Z"),  # a day of 23 hours
        ("2026-11-01T07:30:00Z", 86_400, "2026-11-02T07:30:00Z"),  # a day of 25 hours
    ],
)
def test_a_price_never_holds_across_midnight_in_pacific_time(
    previewed_at: str, lives: int, until: str
) -> None:
    found = holds_until(datetime.fromisoformat(previewed_at), timedelta(seconds=lives))
    assert found == datetime.fromisoformat(until)
    assert found.tzinfo is UTC


async def test_how_long_a_price_holds_is_a_setting(previewing: Trial) -> None:
    async with Trial(
        previewing.sandbox, "adobe_vipm", previewing.steps, preview_lives="0.5"
    ) as other:
        order = previewed("sandbox-ok")
        other.begin(Step.PLACE, order)
        quoted = await other.sure(Step.PLACE, order)
        assert quoted.expires_at is not None
        assert quoted.expires_at - other.attempt.opened_at <= timedelta(seconds=0.5)


def test_a_preview_asks_for_the_type_of_its_order(previewing: Trial) -> None:
    def kind(order: Any, step: Step) -> str:
        body = json.loads(previewing.adapter.request(order, step, "r") or b"{}")
        return str(body.get("orderType"))

    assert kind(previewed("x"), Step.CONFIRM) == "NEW"
    quote = previewed("x").intent.model_dump(mode="json")["quote"]
    assert kind(renewal("x", preview_first=True, quote=quote), Step.CONFIRM) == "RENEWAL"
