"""Callbacks: what they say, how often they are tried, and to whom they never go."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from worker.sandbox import Sandbox, SandboxSettings

PACE = 0.05


def basket(product: int, url: str) -> dict[str, Any]:
    line = {"DeliverID": "ref", "CustomerStoreProductID": product, "Quantity": 2}
    return {"basketData": [line], "NotifyURL": url}


async def bought_at_gifthub(gifthub: Any, sku: str, url: str, quantity: int = 2) -> str:
    product = {"sku": sku, "productType": "fixed", "quote": 10, "quantity": quantity}
    body = {"productList": [product], "wallet": "EUR", "reference": "ref", "webhookUrl": url}
    created = await gifthub("POST", "/order/create", body)
    order_id: str = created.body["data"]["id"]
    await gifthub("PUT", "/order/confirm", {"orderId": order_id})
    return order_id


async def tried(sandbox: Sandbox, times: int) -> list[Any]:
    """Wait until that many tries are in the journal."""
    async with asyncio.timeout(20):
        while True:
            tries = [entry for entry in sandbox.journal.entries if entry.operation == "callback"]
            if len(tries) >= times:
                return tries
            await asyncio.sleep(0.005)


async def test_a_delivery_is_told_with_the_api_key_and_the_codes(hyper: Any, receiver: Any) -> None:
    answer = await hyper("POST", "/Order/create", basket(1, receiver.url))
    body, headers = await receiver.got.get()
    assert headers["Apikey"] == hyper.account["callback_api_key"]
    assert (body["DeliverID"], body["Status"]) == ("ref", 1)
    assert body["OrderDetailID"] == answer.body["data"]["details"][0]["OrderDetailID"]
    assert len(body["DeliveryData"]) == 2


async def told_pace_by_pace(
    paces: list[list[Any]], field: str, receiver: Any, sandbox: Sandbox, clock: Any
) -> None:
    """Each pace brings its callbacks, and the rest stays owed."""
    for place, expected in enumerate(paces):
        if place:
            clock.now += timedelta(seconds=PACE)
        assert [(await receiver.next())[field] for _ in expected] == expected
        assert receiver.got.empty()
        assert len(sandbox._callbacks._waiting) == sum(map(len, paces[place + 1 :]))


@pytest.mark.parametrize(
    ("product", "paces"),
    [
        (1, [[1], []]),
        (5, [[], [1], []]),
        (6, [[], [0], []]),
        (26, [[], [3], [1], []]),
        (27, [[1, 1], []]),
        (28, [[1], [2], []]),
        (30, [[], [], []]),
        (38, [[], [], []]),
    ],
)
async def test_callbacks_come_by_the_remotes_clock(
    product: int,
    paces: list[list[int]],
    hyper: Any,
    receiver: Any,
    sandbox: Sandbox,
    clock: Any,
) -> None:
    await hyper("POST", "/Order/create", basket(product, receiver.url))
    await told_pace_by_pace(paces, "Status", receiver, sandbox, clock)


async def test_a_callback_overtakes_the_answer_of_a_late_create(hyper: Any, receiver: Any) -> None:
    create = asyncio.create_task(hyper("POST", "/Order/create", basket(29, receiver.url)))
    assert (await receiver.next())["DeliverID"] == "ref"
    assert (await create).how == 200


async def test_a_callback_that_is_not_taken_is_tried_again(
    hyper: Any, receiver: Any, sandbox: Sandbox
) -> None:
    receiver.answers = [503, 302]
    await hyper("POST", "/Order/create", basket(1, receiver.url))
    tries = await tried(sandbox, 3)
    assert [(one.status, one.note) for one in tries] == [
        (503, "try 1 of 5"),
        (302, "try 2 of 5"),
        (200, "try 3 of 5"),
    ]


async def test_gifthub_gives_up_after_three_tries(
    gifthub: Any, receiver: Any, sandbox: Sandbox
) -> None:
    receiver.answers = [500] * 9
    await bought_at_gifthub(gifthub, "sandbox-ok-fixed", receiver.url)
    await tried(sandbox, 3)
    assert receiver.got.qsize() == 3
    assert sandbox.journal.entries[-1].note == "try 3 of 3"


async def test_gifthub_tells_state_reference_and_redeem_data(gifthub: Any, receiver: Any) -> None:
    order_id = await bought_at_gifthub(gifthub, "sandbox-ok-fixed", receiver.url)
    body = await receiver.next()
    assert (body["orderId"], body["orderState"], body["reference"]) == (
        order_id,
        "successful",
        "ref",
    )
    cards = body["redeemData"]["sandbox-ok-fixed"]["cards"]
    assert len({card["redeemCardCode"] for card in cards}) == 2


@pytest.mark.parametrize(
    ("sku", "paces"),
    [
        ("sandbox-partial", [[], ["partial"], ["successful"]]),
        ("sandbox-failed", [[], ["failed"], []]),
        ("sandbox-rejected", [[], ["rejected"], []]),
        ("sandbox-webhook-twice", [["successful", "successful"], []]),
        ("sandbox-webhook-reversed", [["successful"], ["partial"]]),
        ("sandbox-no-webhook", [[], [], []]),
        ("sandbox-odd-state", [[], ["successful"]]),
    ],
)
async def test_webhooks_come_by_the_remotes_clock(
    sku: str,
    paces: list[list[str]],
    gifthub: Any,
    receiver: Any,
    sandbox: Sandbox,
    clock: Any,
) -> None:
    await bought_at_gifthub(gifthub, sku, receiver.url)
    await told_pace_by_pace(paces, "orderState", receiver, sandbox, clock)


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1/cb", "https://shop.example/cb", "http://127.0.0.1.example/cb", "::", "/cb"],
)
async def test_nobody_but_this_machine_is_called(url: str, hyper: Any, sandbox: Sandbox) -> None:
    await hyper("POST", "/Order/create", basket(1, url))
    (entry,) = await tried(sandbox, 1)
    assert (entry.executed, entry.status) == (False, None)
    assert "refused" in entry.note


async def test_the_journal_keeps_no_secret_of_a_callback_url(
    hyper: Any, receiver: Any, sandbox: Sandbox
) -> None:
    await hyper("POST", "/Order/create", basket(1, receiver.url))
    await tried(sandbox, 1)
    assert "secret" not in str([entry.as_json() for entry in sandbox.journal.entries])


async def test_callbacks_can_be_switched_off(receiver: Any, gifthub: Any) -> None:
    async with Sandbox(settings=SandboxSettings(callbacks=False)) as silent:
        gifthub.sandbox = silent
        await bought_at_gifthub(gifthub, "sandbox-ok-fixed", receiver.url)
        assert silent._callbacks._waiting == []
        assert silent.hits("gifthub", "callback") == 0
    assert receiver.got.empty()


async def test_a_dead_receiver_does_not_keep_the_sandbox_from_stopping(gifthub: Any) -> None:
    async with Sandbox() as other:
        gifthub.sandbox = other
        await bought_at_gifthub(gifthub, "sandbox-ok-fixed", "http://127.0.0.1:9/cb")
        await tried(other, 1)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
