"""P3: a quote that has ended may be renewed where its producer allows that, never otherwise."""

from datetime import timedelta
from typing import Any

import pytest

from tests.stories.conftest import MINUTE, Story, adobe, gifthub
from worker.sandbox import Fault

TOLD_OF_QUOTES = """
SELECT data FROM events WHERE type = 'order.quoted' ORDER BY at
"""


async def _quote(story: Story, **more: Any) -> dict[str, Any]:
    now = await story.now()
    return {"quoted_at": now.isoformat(), "max_total": "11.00", "currency": "EUR", **more}


async def _confirm_too_late(story: Story, **more: Any) -> None:
    """A quote is taken, and the call that buys is turned away until it has ended."""
    story.sandbox.script("gifthub", "confirm", [Fault.THROTTLED_429] * 400)
    await story.submit(gifthub("1", quote=await _quote(story, **more)))
    await story.play(limit=timedelta(minutes=9))
    assert await story.state("1") == "confirming"
    assert story.told("1-1") == ["quoted"]
    await story.pass_time(11 * MINUTE - story.ahead)
    story.sandbox.unscript()


async def test_a_new_quote_is_taken_and_bought_and_both_are_in_the_story(story: Story) -> None:
    await _confirm_too_late(story, requote=True)
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.told("1-1") == ["quoted", "quoted", "accepted", "delivered"]
    first, second = [row.data for row in await story.all(TOLD_OF_QUOTES)]
    assert first["provider_ref"] != second["provider_ref"]
    assert first["total"] == second["total"] == "10.00 EUR"
    assert first["expires_at"] < second["expires_at"]
    renewed = await story.one("SELECT data FROM events WHERE type = 'order.requoted'")
    assert (renewed["number"], renewed["left"]) == (1, first["provider_ref"])
    [live] = story.sandbox.live_orders("gifthub")
    ref, expires_at = (await story.all("SELECT provider_ref, expires_at FROM orders"))[0]
    assert live.order_id == ref == second["provider_ref"]
    assert live.bought_at is not None
    assert live.bought_at < expires_at


async def test_what_a_quote_left_behind_is_never_confirmed(story: Story) -> None:
    await _confirm_too_late(story, requote=True)
    await story.play()
    statuses = [row.status for row in story.sandbox.books.rows("gifthub")]
    assert sorted(statuses) == ["expired", "successful"]


async def test_without_leave_the_order_ends_with_its_quote(story: Story) -> None:
    await _confirm_too_late(story)
    await story.play()
    assert await story.state("1") == "expired"
    assert story.told("1-1") == ["quoted", "expired"]
    assert story.sandbox.hits("gifthub", "create") == 1
    assert story.bought() == 0


async def test_a_new_quote_above_the_limit_is_not_bought(story: Story) -> None:
    await _confirm_too_late(story, requote=True)
    await story.execute("UPDATE orders SET max_total = 9.99")  # as if the price had risen above it
    await story.play()
    assert await story.state("1") == "refused"
    assert story.told("1-1") == ["quoted", "refused"]
    assert "above max_total" in await story.one("SELECT reason FROM orders")
    assert story.bought() == 0


async def test_a_provider_that_calls_every_quote_too_old_is_not_asked_for_ever(
    story: Story,
) -> None:
    await story.submit(gifthub("1", "sandbox-419", quote=await _quote(story, requote=True)))
    await story.play()
    assert await story.state("1") == "expired"
    assert story.sandbox.hits("gifthub", "create") == 1 + story.engine.rt.settings.requotes
    assert story.told("1-1") == ["quoted"] * 4 + ["expired"]
    assert story.bought() == 0


async def test_a_window_that_closed_before_the_first_quote_is_renewed_too(story: Story) -> None:
    quote = await _quote(story, requote=True)
    await story.pass_time(11 * MINUTE)
    await story.submit(gifthub("1", quote=quote))
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.told("1-1") == ["quoted", "accepted", "delivered"]


async def test_a_confirmation_in_doubt_is_cleared_up_before_another_quote_is_taken(
    story: Story,
) -> None:
    """It was carried out in the last second: nobody buys beside it."""
    await story.submit(gifthub("1", "sandbox-confirm-cut", quote=await _quote(story, requote=True)))
    await story.work()
    assert await story.state("1") == "in_doubt"
    await story.pass_time(11 * MINUTE)
    await story.expire()
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert (story.bought(), story.sandbox.hits("gifthub", "create")) == (1, 1)


@pytest.mark.parametrize(("requote", "end"), [(True, "fulfilled"), (False, "expired")])
async def test_a_preview_that_has_grown_old_is_made_again(
    story: Story, *, requote: bool, end: str
) -> None:
    quote = await _quote(story, requote=requote, max_total="800", currency="USD")
    story.sandbox.script("adobe_vipm", "create", [Fault.THROTTLED_429] * 400)
    await story.submit(adobe("1", preview_first=True, quote=quote))
    await story.play(limit=4 * MINUTE)
    story.sandbox.unscript()
    await story.pass_time(6 * MINUTE - story.ahead)
    await story.play()
    assert await story.state("1") == end
    assert story.bought() == requote


async def test_a_wish_to_call_it_off_is_not_answered_by_another_quote(story: Story) -> None:
    await _confirm_too_late(story, requote=True)
    await story.cancel("1")
    await story.play()
    assert await story.state("1") == "cancelled"
    assert story.sandbox.hits("gifthub", "create") == 1
