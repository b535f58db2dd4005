"""P1: an intent becomes exactly one order, or one quarantined intent with a reason."""

import json

from schemas.quarantine import Became
from tests.stories.conftest import Story, gifthub, hyper
from worker.demo.books import read_books
from worker.steps.replay import replay
from worker.store.quarantine import Decided, Kept
from worker.store.views_quarantine import kept

ADA = Decided(by="ada", why="a misspelt field")


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


async def in_quarantine(story: Story) -> Kept:
    rt = story.engine.rt
    return await kept(rt.db, rt.vault, await story.one("SELECT id FROM quarantine"))


async def test_what_a_person_mended_is_bought_once_and_told_like_any_other(story: Story) -> None:
    await story.submit(hyper("1") | {"colour": "red"})
    rt, entry = story.engine.rt, await in_quarantine(story)
    assert (await read_books(rt.db)).quarantined == 1
    mended = entry.saying(json.dumps(hyper("1")).encode())
    first = await replay(rt.db, rt.vault, rt.settings, mended, ADA)
    again = await replay(rt.db, rt.vault, rt.settings, mended, ADA)
    sent = await story.submit(hyper("1"))
    assert [first.result, again.result] == [Became.ACCEPTED, Became.CLOSED]
    assert [order_id for _, order_id in sent.repeated] == [first.order_id]
    await story.play()
    assert (await story.state("1"), story.bought()) == ("fulfilled", 1)
    assert story.told("1-1") == ["accepted", "delivered"]
    books = await read_books(rt.db)
    assert (len(books.states), books.quarantined) == (1, 0)


async def test_an_intent_whose_quote_ended_in_quarantine_buys_nothing_and_says_so(
    story: Story,
) -> None:
    quote = {"quoted_at": (await story.now()).isoformat()}
    await story.submit(hyper("1") | {"colour": "red", "quote": quote})
    rt, entry = story.engine.rt, await in_quarantine(story)
    await story.pass_time(2 * rt.settings.quote_window)
    mended = entry.saying(json.dumps(hyper("1") | {"quote": quote}).encode())
    assert (await replay(rt.db, rt.vault, rt.settings, mended, ADA)).result is Became.ACCEPTED
    await story.play()
    assert (await story.state("1"), story.bought()) == ("expired", 0)
    assert story.told("1-1") == ["expired"]
