"""P2: whatever the line and the provider do, an order is bought at most once, and we know which."""

from datetime import timedelta

import pytest

from tests.stories.conftest import Story, gifthub, hyper
from worker.sandbox import Fault

HYPERTEKNOLOJI = {
    8: "fulfilled",  # executed, then cut by FIN
    9: "parked",  # cut unexecuted: their list is no proof of absence
    10: "fulfilled",  # executed, never answered
    11: "fulfilled",  # executed, answered 500
    12: "parked",  # 500 unexecuted
    13: "fulfilled",  # 429 twice: surely not executed
    14: "fulfilled",  # executed, success with empty details
    15: "fulfilled",  # executed, garbage
    16: "fulfilled",  # executed, then reset by RST
    18: "fulfilled",  # executed, and late in their list
    19: "parked",  # reset unexecuted
    21: "parked",  # 503 unexecuted
    22: "fulfilled",  # executed, 504 in HTML
    23: "fulfilled",  # token rejected, renewed once
    2: "refused",  # out of stock
    33: "refused",  # balance too low
    6: "cancelled",
}

GIFTHUB = {
    "sandbox-create-cut": "fulfilled",
    "sandbox-create-hang": "fulfilled",
    "sandbox-create-500": "fulfilled",
    "sandbox-create-garbage": "fulfilled",
    "sandbox-429": "fulfilled",
    "sandbox-confirm-cut": "fulfilled",
    "sandbox-confirm-cut-before": "fulfilled",
    "sandbox-confirm-reset": "fulfilled",
    "sandbox-confirm-hang": "fulfilled",
    "sandbox-confirm-hang-before": "fulfilled",
    "sandbox-confirm-500": "fulfilled",
    "sandbox-confirm-500-executed": "fulfilled",
    "sandbox-confirm-404-when-done": "fulfilled",
    "sandbox-confirm-garbage": "fulfilled",
    "sandbox-confirm-504": "fulfilled",
    "sandbox-confirm-503": "fulfilled",
    "sandbox-confirm-429": "fulfilled",
    "sandbox-out-of-stock": "refused",
    "sandbox-419": "expired",
    "sandbox-failed": "failed",
}

BOUGHT = {"fulfilled"}


async def test_every_mishap_of_hyperteknoloji_ends_known_or_parked_and_never_twice(
    story: Story,
) -> None:
    await story.submit(*(hyper(str(product), product) for product in HYPERTEKNOLOJI))
    await story.play()
    assert {p: await story.state(str(p)) for p in HYPERTEKNOLOJI} == HYPERTEKNOLOJI
    assert story.sandbox.books.duplicates("hyperteknoloji") == {}
    assert story.bought() == sum(end in BOUGHT for end in HYPERTEKNOLOJI.values())


async def test_every_mishap_of_gifthub_ends_known_and_never_twice(story: Story) -> None:
    await story.submit(*(gifthub(sku, sku) for sku in GIFTHUB))
    await story.play()
    assert {sku: await story.state(sku) for sku in GIFTHUB} == GIFTHUB
    assert story.sandbox.books.duplicates("gifthub") == {}
    assert story.bought() == sum(end in BOUGHT for end in GIFTHUB.values())


async def test_an_order_in_doubt_is_looked_up_before_anything_is_sent_again(story: Story) -> None:
    story.sandbox.script("hyperteknoloji", "create", [Fault.RESET_AFTER])
    await story.submit(hyper("1"))
    await story.work()
    assert await story.state("1") == "in_doubt"
    assert story.told("1-1") == ["in_doubt"]
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.told("1-1") == ["in_doubt", "accepted", "delivered"]
    assert story.sandbox.hits("hyperteknoloji", "create") == 1


async def test_absence_from_a_list_that_proves_nothing_leads_to_a_person(story: Story) -> None:
    story.sandbox.script("hyperteknoloji", "create", [Fault.RESET_BEFORE])
    await story.submit(hyper("1"))
    await story.play()
    assert await story.state("1") == "parked"
    assert story.sandbox.hits("hyperteknoloji", "create") == 1
    look_ups = await story.one("SELECT look_ups FROM attempts")
    waited = await story.one(
        "SELECT max(e.at) - min(a.opened_at) FROM attempts a JOIN events e USING (order_id)"
    )
    assert look_ups >= 3
    assert waited >= timedelta(minutes=10)


async def test_a_price_above_max_total_is_never_confirmed(story: Story) -> None:
    quote = {"quoted_at": (await story.now()).isoformat(), "max_total": "10.50", "currency": "EUR"}
    await story.submit(gifthub("1", "sandbox-price-raised", quote=quote))
    await story.play()
    assert await story.state("1") == "refused"
    assert story.bought() == 0
    assert story.sandbox.hits("gifthub", "confirm") == 0


async def test_a_price_raised_in_silence_is_seen_and_said(story: Story) -> None:
    quote = {"quoted_at": (await story.now()).isoformat(), "max_total": "20.00", "currency": "TRY"}
    await story.submit(hyper("1", 17, quote=quote))
    await story.play()
    assert await story.state("1") == "fulfilled"
    told = await story.all("SELECT type FROM events WHERE line_id IS NULL")
    assert ("order.charged_above_max",) in told


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.HANG_AFTER, Fault.GARBAGE_AFTER])
async def test_a_second_doubt_after_the_first_is_settled_by_look_up_alone(
    story: Story, fault: Fault
) -> None:
    story.sandbox.script("gifthub", "confirm", [Fault.CUT_BEFORE, fault])
    await story.submit(gifthub("1"))
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.bought() == 1
