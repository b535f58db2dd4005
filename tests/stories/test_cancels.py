"""A wish to call an order off is answered: by the lines' end, or by a no with its reason."""

from datetime import timedelta

import pytest

from tests.stories.conftest import Story, gifthub, hyper, threekit
from worker.sandbox import Fault

NEVER_ENDS = 38
IN_VAIN = 39
LATER = 40
CUT_EXECUTED = 41
CUT_BEFORE = 42

MINUTE = timedelta(minutes=1)


async def test_before_anything_was_bought_nobody_is_asked(story: Story) -> None:
    for pump in story.engine.orders.values():
        pump.stop()  # no worker has taken it yet
    await story.submit(hyper("1"))
    wished = await story.cancel("1")
    assert [asked.provider for asked in wished.to_cancel] == ["hyperteknoloji"]
    assert await story.all("SELECT state, step, due_at <= orderline_now() FROM orders") == [
        ("accepted", "place", True)
    ]


async def test_an_intent_and_its_wish_in_one_batch_buy_nothing(story: Story) -> None:
    story.sandbox.script("gifthub", "create", [Fault.THROTTLED_429])
    await story.submit(gifthub("1"))
    await story.work()
    await story.cancel("1", reason="the customer left")
    await story.play()
    assert await story.state("1") == "cancelled"
    assert story.told("1-1") == ["cancelled"]
    assert story.bought() == 0
    asked = await story.one("SELECT data FROM events WHERE type = 'order.cancel_asked'")
    assert asked == {"by": "producer", "reason": "the customer left"}


@pytest.mark.parametrize("product", [NEVER_ENDS, LATER, CUT_EXECUTED, CUT_BEFORE])
async def test_what_is_not_delivered_is_called_off_at_hyperteknoloji(
    story: Story, product: int
) -> None:
    await story.submit(hyper("1", product, lines=2))
    await story.work()
    assert await story.state("1") == "placed"
    await story.cancel("1")
    await story.play(limit=timedelta(hours=1))
    assert await story.state("1") == "cancelled"
    assert story.told("1-1") == story.told("1-2") == ["accepted", "cancelled"]
    assert story.bought() == 0


async def test_what_was_delivered_meanwhile_stands(story: Story) -> None:
    await story.submit(hyper("1", 5))
    await story.work()
    await story.pass_time(MINUTE)
    await story.cancel("1")
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert sorted(story.told("1-1")) == ["accepted", "cancel_refused", "delivered"]
    assert story.bought() == 1


async def test_what_its_provider_never_calls_off_reaches_a_person_in_the_end(
    story: Story,
) -> None:
    await story.submit(hyper("1", IN_VAIN))
    await story.work()
    await story.cancel("1")
    await story.play(limit=timedelta(minutes=80))
    assert await story.one("SELECT cancel_asked_at FROM orders") is None
    assert story.told("1-1") == ["accepted", "cancel_refused"]
    assert story.bought() == 1


async def test_where_no_way_is_documented_the_producer_hears_why(story: Story) -> None:
    await story.submit(gifthub("1", "sandbox-slow"))
    await story.work()
    await story.cancel("1")
    await story.play()
    assert await story.state("1") == "fulfilled"
    assert story.told("1-1") == ["quoted", "accepted", "cancel_refused", "delivered"]
    (refusal,) = [
        body["data"]
        for body in story.receiver.received.first.values()
        if body["type"] == "line.cancel_refused"
    ]
    assert refusal["state"] == "accepted"
    assert "documents no way to call an order off" in refusal["reason"]


async def test_a_finished_order_is_answered_and_stays_finished(story: Story) -> None:
    await story.submit(hyper("1"))
    await story.play()
    finished = await story.one("SELECT finished_at FROM orders")
    await story.cancel("1")
    await story.play()
    assert await story.all("SELECT state, step, due_at, cancel_asked_at FROM orders") == [
        ("fulfilled", None, None, None)
    ]
    assert await story.one("SELECT finished_at FROM orders") == finished
    assert story.told("1-1")[-1] == "cancel_refused"


@pytest.mark.parametrize(
    ("fault", "state", "told"),
    [
        (Fault.CUT_BEFORE, "cancelled", ["in_doubt", "cancelled"]),
        (Fault.CUT_AFTER, "fulfilled", ["in_doubt", "delivered", "cancel_refused"]),
    ],
)
async def test_an_order_in_doubt_is_called_off_only_when_it_is_known_not_to_be_there(
    story: Story, fault: Fault, state: str, told: list[str]
) -> None:
    story.sandbox.script("threekit", "create", [fault])
    await story.submit(threekit("1"))
    await story.work()
    assert await story.state("1") == "in_doubt"
    await story.cancel("1")
    await story.play()
    assert await story.state("1") == state
    assert story.told("1-1") == told
    assert story.sandbox.hits("threekit", "create") == 1


async def test_a_confirmation_in_doubt_is_waited_out_before_anything_is_said(
    story: Story,
) -> None:
    story.sandbox.script("gifthub", "confirm", [Fault.CUT_BEFORE])
    await story.submit(gifthub("1"))
    await story.work()
    await story.cancel("1")
    await story.play()
    assert story.told("1-1") == ["quoted", "in_doubt", "expired", "cancel_refused"]
    assert story.sandbox.hits("gifthub", "confirm") == 1
    assert story.bought() == 0


async def test_the_same_wish_read_twice_is_one_wish(story: Story) -> None:
    await story.submit(gifthub("1", "sandbox-slow"))
    await story.work()
    first = await story.cancel("1")
    story.entries -= 1  # as when a commit came through and the removal from the stream did not
    await story.play()
    again = await story.cancel("1")
    await story.play()
    assert first.to_cancel == again.to_cancel
    assert story.told("1-1").count("cancel_refused") == 1


@pytest.mark.parametrize(
    ("wish", "code", "path"),
    [
        ({"intent_id": "9"}, "unknown_intent", "intent_id"),
        ({"intent_id": "1", "producer": "other"}, "foreign_producer", "producer"),
        ({"intent_id": 1}, "wrong_type", "intent_id"),
        ({"intent_id": "1", "lines": []}, "unknown_field", "lines"),
    ],
)
async def test_a_wish_that_names_no_order_is_set_aside(
    story: Story, wish: dict[str, str], code: str, path: str
) -> None:
    await story.submit(hyper("1", NEVER_ENDS))
    heaps = await story.cancel(**wish)
    assert [(fault.code, fault.path) for _, fault in heaps.faulty] == [(code, path)]
    assert await story.all("SELECT kind, code, path FROM quarantine") == [("cancel", code, path)]
    assert await story.one("SELECT cancel_asked_at FROM orders") is None
