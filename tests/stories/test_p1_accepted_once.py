"""P1: an intent becomes exactly one order, or one quarantined intent with a reason."""

from tests.stories.conftest import Story, gifthub, hyper


async def test_a_repeat_finds_the_same_order_also_long_after_it_ended(story: Story) -> None:
    first = await story.submit(hyper("1"))
    await story.play()
    again = await story.submit(hyper("1"), hyper("1"))
    assert [order_id for _, order_id in again.repeated] == [first.fresh[0].order_id] * 2
    assert story.bought() == 1


async def test_a_repeat_with_other_content_is_set_aside_and_changes_nothing(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.submit(hyper("1", lines=2))
    await story.play()
    assert story.bought() == 1
    assert await story.all("SELECT code, path FROM quarantine") == [
        ("repeated_with_other_content", "intent_id")
    ]


async def test_a_deliver_id_belongs_to_one_intent(story: Story) -> None:
    other = hyper("2")
    other["lines"][0]["deliver_id"] = "1-1"
    await story.submit(hyper("1"), other)
    assert await story.all("SELECT code, path FROM quarantine") == [
        ("deliver_id_taken", "lines[0].deliver_id")
    ]


async def test_a_bad_intent_hurts_no_good_one_in_its_batch(story: Story) -> None:
    heaps = await story.submit(hyper("1"), b"{", b"[]", b'{"intent_id": "\\u0000"}', gifthub("2"))
    await story.play()
    assert len(heaps.faulty) == 3
    assert {await story.state("1"), await story.state("2")} == {"fulfilled"}
