"""P4: each change of each DeliverID is delivered at least once, in order, until acknowledged."""

from datetime import timedelta

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


async def test_an_endpoint_that_never_answers_exhausts_visibly_after_ten_tries(
    story: Story,
) -> None:
    story.receiver.refuse("1-1")
    await story.submit(hyper("1"))
    await story.play(limit=timedelta(days=9))
    states = await story.all("SELECT state, tries FROM notifications ORDER BY sequence")
    assert states == [("exhausted", 10), ("exhausted", 10)]
    assert timedelta(days=2) < story.ahead


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
