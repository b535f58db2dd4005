"""Calling an order off at the Hyperteknoloji tenant: until it is delivered, and only once."""

from datetime import timedelta
from typing import Any

import pytest

from worker.sandbox import Sandbox

PACE = 0.05


async def bought(hyper: Any, *products: int) -> dict[str, Any]:
    lines = [
        {"DeliverID": f"ref-{place}", "CustomerStoreProductID": product, "Quantity": 2}
        for place, product in enumerate(products)
    ]
    answer = await hyper("POST", "/Order/create", {"basketData": lines})
    data: dict[str, Any] = answer.body["data"]
    return data


async def balance(hyper: Any) -> Any:
    return (await hyper("GET", "/Customer/Get")).body["data"]["balance"]


def live(sandbox: Sandbox) -> list[str]:
    return [row.line_id for row in sandbox.live_orders("hyperteknoloji")]


async def test_an_order_that_is_called_off_is_refunded_and_not_live(
    hyper: Any, sandbox: Sandbox
) -> None:
    before = await balance(hyper)
    order = await bought(hyper, 38, 38)
    assert await balance(hyper) < before
    answer = await hyper("POST", "/Order/cancel", {"OrderID": order["OrderID"]})
    assert (answer.how, answer.body["success"]) == (200, True)
    assert await balance(hyper) == before
    assert live(sandbox) == []


async def test_one_line_can_be_called_off_alone(hyper: Any, sandbox: Sandbox) -> None:
    one, two = (await bought(hyper, 38, 38))["details"]
    await hyper("POST", "/order/Cancel", {"orderDetailID": one["OrderDetailID"]})
    assert live(sandbox) == [str(two["OrderDetailID"])]


async def test_what_is_delivered_or_called_off_already_is_refused(
    hyper: Any, sandbox: Sandbox
) -> None:
    half = await bought(hyper, 1, 38)
    answer = await hyper("POST", "/Order/cancel", {"OrderID": half["OrderID"]})
    assert (answer.how, answer.body["message"]) == (400, "A delivered order cannot be cancelled")
    assert len(live(sandbox)) == 2
    off = {"OrderID": (await bought(hyper, 38))["OrderID"]}
    await hyper("POST", "/Order/cancel", off)
    answer = await hyper("POST", "/Order/cancel", off)
    assert (answer.how, answer.body["message"]) == (400, "The order is already cancelled")


async def test_calling_off_may_take_a_while_or_never_happen(
    hyper: Any, sandbox: Sandbox, clock: Any
) -> None:
    for product, later in ((40, 0), (39, 1)):
        sandbox.reset()
        login = {"Email": hyper.account["email"], "Password": hyper.account["password"]}
        token = (await hyper("POST", "/Login/Customer/Api/Verify", login)).body["data"]["Token"]
        hyper.headers["Authorization"] = f"Bearer {token}"
        order = await bought(hyper, product)
        answer = await hyper("POST", "/Order/cancel", {"OrderID": order["OrderID"]})
        assert answer.body["success"] is True
        assert len(live(sandbox)) == 1
        clock.now += timedelta(seconds=PACE)
        assert len(live(sandbox)) == later


async def test_a_cut_tells_nothing_of_whether_it_was_called_off(
    hyper: Any, sandbox: Sandbox
) -> None:
    for product, left in ((41, 0), (42, 1)):
        order = await bought(hyper, product)
        answer = await hyper("POST", "/Order/cancel", {"OrderID": order["OrderID"]})
        assert answer.how == "cut"
        assert len(live(sandbox)) == left


@pytest.mark.parametrize(
    "body", [None, {}, {"OrderID": "9001"}, {"OrderID": True}, {"OrderID": 9001, "Reason": "x"}]
)
async def test_what_names_no_order_calls_none_off(body: Any, hyper: Any, sandbox: Sandbox) -> None:
    await bought(hyper, 38)
    assert (await hyper("POST", "/Order/cancel", body)).how == 400
    assert len(live(sandbox)) == 1
