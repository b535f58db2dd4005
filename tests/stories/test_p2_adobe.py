"""P2 at Adobe: a request whose answer was lost is sent again as it was, then looked up."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.stories.conftest import Story, adobe
from worker.sandbox import Fault

MISHAPS = {
    "ok": "fulfilled",
    "slow": "fulfilled",
    "fails": "failed",
    "failed": "failed",
    "not-found": "refused",
    "ineligible": "refused",
    "cut": "fulfilled",
    "cut-before": "fulfilled",
    "reset": "fulfilled",
    "hang": "fulfilled",
    "hang-before": "fulfilled",
    "garbage": "fulfilled",
    "504": "fulfilled",
    "503": "fulfilled",
    "500-stored": "fulfilled",  # the same 500 each time, proven absent: asked for anew
    "500-executed": "fulfilled",  # the same 500 each time, and found
    "listed-late": "fulfilled",
    "processing-once": "fulfilled",
    "unavailable-once": "fulfilled",
    "401": "fulfilled",
    "429": "fulfilled",
    "odd-status": "fulfilled",
}


def quote(max_total: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "quoted_at": now.isoformat(),
        "expires_at": (now + timedelta(hours=1)).isoformat(),
        "max_total": max_total,
        "currency": "USD",
    }


async def test_every_mishap_of_adobe_ends_known_and_never_twice(story: Story) -> None:
    await story.submit(*(adobe(name, f"sandbox-{name}") for name in MISHAPS))
    await story.play()
    ended = {name: await story.state(name) for name in MISHAPS}
    assert ended == MISHAPS
    assert not story.sandbox.books.duplicates("adobe_vipm")
    bought = sum(state == "fulfilled" for state in ended.values())
    assert story.bought() == bought


async def test_the_same_request_is_sent_again_and_told_as_the_doubt_it_is(story: Story) -> None:
    await story.submit(adobe("1", "sandbox-cut"))
    await story.play()
    assert story.told("1-1") == ["in_doubt", "delivered"]
    assert await story.all("SELECT number, sends, outcome, commits FROM attempts") == [
        (1, 2, "confirmed", True)
    ]
    assert story.sandbox.hits("adobe_vipm", "create") == 2


async def test_a_subscription_is_told_with_its_line(story: Story) -> None:
    await story.submit(adobe("1"))
    await story.play()
    (body,) = story.receiver.received.first.values()
    assert body["data"]["details"]["subscription_id"]
    kept = await story.one("SELECT details FROM lines")
    assert kept == body["data"]["details"]


# --- preview first ---------------------------------------------------------------------------


async def test_a_preview_within_the_limit_is_ordered_with_the_offer_it_returned(
    story: Story,
) -> None:
    await story.submit(adobe("1", "sandbox-level-01", preview_first=True, quote=quote("1000")))
    await story.play()
    assert story.told("1-1") == ["quoted", "delivered"]
    (row,) = story.sandbox.live_orders("adobe_vipm")
    assert row.product == "sandbox-level-02"
    quoted = next(iter(story.receiver.received.first.values()))["data"]
    assert Decimal(quoted["price"]["amount"]) == 600
    assert quoted["details"]["offer_id"] == "sandbox-level-02"


async def test_a_preview_above_the_limit_orders_nothing(story: Story) -> None:
    await story.submit(adobe("1", "sandbox-dear", preview_first=True, quote=quote("1000")))
    await story.play()
    assert (await story.state("1"), story.bought()) == ("refused", 0)
    assert story.told("1-1") == ["refused"]


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.GATEWAY_TIMEOUT_504])
async def test_a_previewed_order_in_doubt_is_the_same_request_again(
    story: Story, fault: Fault
) -> None:
    await story.submit(adobe("1", preview_first=True, quote=quote("1000")))
    story.sandbox.script("adobe_vipm", "create", [fault])
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.bought() == 1


async def test_a_preview_alone_delivers_prices_and_buys_nothing(story: Story) -> None:
    await story.submit(adobe("1", order_type="PREVIEW"))
    await story.play()
    (body,) = story.receiver.received.first.values()
    assert body["type"] == "line.delivered"
    assert Decimal(body["data"]["price"]["amount"]) == 730
    assert (await story.state("1"), story.bought()) == ("fulfilled", 0)
    assert await story.one("SELECT commits FROM attempts") is False


# --- given back ------------------------------------------------------------------------------


@pytest.mark.parametrize("offer", ["sandbox-ok", "sandbox-return-slow"])
async def test_licences_are_given_back_within_a_fortnight(story: Story, offer: str) -> None:
    await story.submit(adobe("1", offer))
    await story.play()
    await story.pass_time(timedelta(days=13))
    await story.cancel("1")
    await story.play()
    assert (await story.state("1"), story.told("1-1")) == ("cancelled", ["delivered", "cancelled"])
    assert story.bought() == 0


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.HANG_AFTER])
async def test_a_return_in_doubt_is_the_same_request_again(story: Story, fault: Fault) -> None:
    await story.submit(adobe("1"))
    await story.play()
    story.sandbox.script("adobe_vipm", "return", [fault])
    await story.cancel("1")
    await story.play()
    assert (await story.state("1"), story.bought()) == ("cancelled", 0)
    sends = await story.all("SELECT step, sends FROM attempts ORDER BY number")
    assert sends == [("place", 1), ("cancel", 2)]


async def test_after_a_fortnight_it_stands(story: Story) -> None:
    await story.submit(adobe("1"))
    await story.play()
    await story.pass_time(timedelta(days=15))
    await story.cancel("1")
    await story.play()
    assert story.told("1-1") == ["delivered", "cancel_refused"]
    assert (await story.state("1"), story.bought()) == ("fulfilled", 1)


async def test_a_return_that_fails_leaves_the_order_and_says_so(story: Story) -> None:
    await story.submit(adobe("1", "sandbox-return-fails"))
    await story.play()
    await story.cancel("1")
    await story.play()
    assert story.told("1-1") == ["delivered", "cancel_refused"]
    assert (await story.state("1"), story.bought()) == ("fulfilled", 1)


async def test_a_producers_own_return_is_an_order_of_its_own(story: Story) -> None:
    await story.submit(adobe("1"))
    await story.play()
    ref = await story.one("SELECT provider_ref FROM orders")
    given_back: dict[str, Any] = {"order_type": "RETURN", "reference_order_id": ref}
    await story.submit(adobe("2", **given_back))
    await story.play()
    assert (await story.state("1"), await story.state("2")) == ("fulfilled", "fulfilled")
    assert story.told("2-1") == ["delivered"]


async def test_what_adobe_charges_is_held_against_the_limit_once_it_tells(story: Story) -> None:
    """An order that was not previewed first: its price is asked for when it is complete."""
    now = (await story.now()).isoformat()
    for name, limit in (("dear", "729.99"), ("fair", "730.00")):
        quote = {"quoted_at": now, "max_total": limit, "currency": "USD"}
        await story.submit(adobe(name, quote=quote))
    await story.play()
    assert {await story.state("dear"), await story.state("fair")} == {"fulfilled"}
    told = await story.all(
        "SELECT o.intent_id, o.total, e.data FROM orders o LEFT JOIN events e"
        " ON e.order_id = o.id AND e.type = 'order.charged_above_max' ORDER BY o.intent_id"
    )
    assert [(row.intent_id, str(row.total.normalize())) for row in told] == [
        ("dear", "7.3E+2"),
        ("fair", "7.3E+2"),
    ]
    assert told[0].data["charged"] == "730.00 USD"
    assert told[0].data["give_back"] == "orderline cancel, for 14 days"
    assert told[1].data is None
