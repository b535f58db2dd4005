"""``orderline cancel``: asks, waits for a worker's answer, and says it."""

import json

import pytest

from tests.builders import an_intent
from tests.cli.conftest import Orderline
from tests.cli.world import World
from worker.outcome import Confirmed


async def test_without_a_worker_it_says_that_nobody_has_answered(
    world: World, orderline: Orderline
) -> None:
    await world.accept(an_intent("d-1", intent_id="i-1"))
    ran = await orderline("cancel", "i-1", "--wait", "0", "--why", "changed my mind")
    assert ran.code == 3
    assert "no worker has answered yet" in ran.out
    assert "to be called off: place was due" in ran.out
    shown = await orderline("show", "d-1")
    assert "order.cancel_asked" in shown.out
    assert "changed my mind" in shown.out


async def test_the_answer_is_the_exit_code(world: World, orderline: Orderline) -> None:
    await world.accept(an_intent("d-1", intent_id="i-1"))
    await orderline("cancel", "i-1", "--wait", "0")
    await world.call_off()
    ran = await orderline("cancel", "i-1", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["answer"] == "called_off"
    assert json.loads(ran.out)["order"]["state"] == "cancelled"


async def test_a_refusal_is_said_with_its_reason(world: World, orderline: Orderline) -> None:
    await world.accept(an_intent("d-1", intent_id="i-1"))
    await world.place(Confirmed("their-id"))
    await orderline("cancel", "i-1", "--wait", "0")
    await world.call_off()
    told = json.loads((await orderline("show", "i-1", "--json")).out)
    assert told["order"]["cancel_asked_at"] is None
    assert "line.cancel_refused" in [event["type"] for event in told["events"]]


@pytest.mark.usefixtures("world")
async def test_an_unknown_order_is_one_line(orderline: Orderline) -> None:
    ran = await orderline("cancel", "nothing")
    assert ran.code == 1
    assert ran.err == (
        "orderline: There is no order 'nothing'; `orderline list` shows those there are.\n"
    )
