"""What cannot be taken in is told like everything else: signed, in order, and to nobody else."""

from datetime import timedelta

from schemas.ids import QuarantineId
from tests.stories.conftest import Story, hyper
from tests.stories.receiver import MoodyReceiver
from worker.store import quarantine
from worker.store.quarantine import Decided


async def test_a_bad_intent_is_told_to_the_registered_url_and_not_to_the_one_it_names(
    story: Story,
) -> None:
    async with MoodyReceiver() as attacker:
        await story.submit(
            {**hyper("1"), "colour": "red", "notify_url": attacker.hook("shop")},
            {**hyper("2"), "notify_url": attacker.hook("shop").replace("127.0.0.1", "127.0.0.2")},
            hyper("3"),
        )
        await story.play()
        assert attacker.bodies == []
    told = {
        body["data"].get("intent_id"): (body["type"], body["data"]["path"])
        for body in story.receiver.received.first.values()
        if body["type"].startswith("intent.")
    }
    assert told == {
        "1": ("intent.quarantined", "colour"),
        "2": ("intent.quarantined", "notify_url"),
    }
    assert story.receiver.received.forged == 0
    assert await story.state("3") == "fulfilled"


async def test_a_drop_is_heard_after_the_notice_however_long_that_takes(story: Story) -> None:
    story.receiver.answers = [503, 503]
    await story.submit({**hyper("1"), "colour": "red"})
    await story.work()
    quarantine_id = QuarantineId(await story.one("SELECT id FROM quarantine"))
    await quarantine.drop(story.db, quarantine_id, Decided(by="ada", why="a test"))
    await story.play(limit=timedelta(days=1))
    heard = [
        (body["type"], body["data"]["sequence"], body["data"].get("reason"))
        for body in story.receiver.received.first.values()
    ]
    assert heard == [("intent.quarantined", 1, None), ("intent.refused", 2, "a test")]
    assert story.receiver.received.out_of_order == 0
