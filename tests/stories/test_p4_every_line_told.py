"""P4: each change of each DeliverID is delivered at least once, in order, until acknowledged."""

from datetime import timedelta

import pytest

from tests.stories.conftest import Story, hyper


async def test_a_later_change_waits_for_the_earlier_one_to_be_acknowledged(story: Story) -> None:
    story.receiver.answers = [503]
    await story.submit(hyper("1", 5))
    await story.play()
    assert story.told("1-1") == ["accepted", "delivered"]
    assert story.receiver.received.out_of_order == 0


async def test_one_lines_trouble_does_not_hold_up_another_line(story: Story) -> None:
    story.receiver.refuse("1-1")
    await story.submit(hyper("1", lines=2))
    await story.play(limit=timedelta(minutes=1))
    assert story.told("1-1") == []
    assert story.told("1-2") == ["accepted", "delivered"]


async def test_ten_tries_exhaust_a_notification_and_five_days_of_failures_disable_its_endpoint(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without jitter, so that the five days end between two tries of the second one."""
    monkeypatch.setattr("worker.policy.DELIVERY_JITTER", 0.0)
    story.receiver.refuse("1-1")
    await story.submit(hyper("1"))
    await story.play(limit=timedelta(days=9))
    first, second = await story.all("SELECT state, tries FROM notifications ORDER BY sequence")
    assert first == ("exhausted", 10)
    assert second.state == "pending", "its endpoint was disabled meanwhile"
    assert timedelta(days=5) < story.ahead < timedelta(days=7)
    told = await story.all("SELECT type, data FROM events WHERE endpoint IS NOT NULL ORDER BY at")
    assert [each.type for each in told] == [
        "endpoint.failing",
        "notification.exhausted",
        "endpoint.disabled",
    ]
    assert told[1].data["tries"] == 10
    assert told[2].data["because"] == "failing"


async def test_every_try_carries_the_same_id_and_the_same_bytes(story: Story) -> None:
    story.receiver.answers = [500, 500]
    await story.submit(hyper("1", 2))
    await story.play()
    first, second, third = story.receiver.bodies
    assert first == second == third
    assert len(story.receiver.received.first) == 1


async def test_every_delivery_is_on_record(story: Story) -> None:
    story.receiver.answers = [500]
    await story.submit(hyper("1", 2))
    await story.play()
    tries = await story.all("SELECT number, code FROM deliveries ORDER BY number")
    assert tries == [(1, 500), (2, 200)]
