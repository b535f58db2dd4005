"""An intent becomes an order at a provider and a signed notification per DeliverID."""

from tests.stories.conftest import Story, gifthub, hyper


async def test_a_one_phase_order_is_placed_delivered_and_every_line_told(story: Story) -> None:
    await story.submit(hyper("1", lines=2))
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.told("1-1") == story.told("1-2") == ["accepted", "delivered"]
    assert story.bought() == 1
    assert story.receiver.received.forged == 0


async def test_a_two_phase_order_is_quoted_confirmed_and_delivered(story: Story) -> None:
    await story.submit(gifthub("1"))
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.told("1-1")[0] == "quoted"
    assert story.told("1-1")[-1] == "delivered"
    assert story.bought() == 1
