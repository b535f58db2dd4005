"""Every magic SKU of Gifthub: what create and confirm answer, and what the books then hold."""

from datetime import timedelta
from typing import Any

import pytest

from worker.sandbox import Sandbox, magic_values

PACE = 0.05

# SKU without its prefix: (create, confirm or "-", live orders after it, state two paces on)
STORY: dict[str, tuple[int | str, int | str, int, str]] = {
    "ok-fixed": (200, 200, 1, "successful"),
    "ok-range": (200, 200, 1, "successful"),
    "ok-time": (200, 200, 1, "successful"),
    "ok-custom": (200, 200, 1, "successful"),
    "slow": (200, 200, 1, "successful"),
    "forever": (200, 200, 1, "confirmed"),
    "partial": (200, 200, 1, "successful"),
    "partial-final": (200, 200, 1, "partial"),
    "failed": (200, 200, 1, "failed"),
    "rejected": (200, 200, 1, "rejected"),
    "odd-state": (200, 200, 1, "successful"),
    "cards-short": (200, 200, 1, "successful"),
    "price-raised": (200, 200, 1, "successful"),
    "get-without-codes": (200, 200, 1, "successful"),
    "webhook-twice": (200, 200, 1, "successful"),
    "webhook-reversed": (200, 200, 1, "successful"),
    "no-webhook": (200, 200, 1, "successful"),
    "expire-fast": (200, 200, 1, "successful"),
    "out-of-stock": (500, "-", 0, ""),
    "exchange-500": (500, "-", 0, ""),
    "quote-mismatch": (400, "-", 0, ""),
    "not-found": (404, "-", 0, ""),
    "no-funds": (400, "-", 0, ""),
    "403": (403, "-", 0, ""),
    "confirm-no-funds": (200, 400, 0, "pending"),
    "419": (200, 419, 0, "pending"),
    "confirm-403": (200, 403, 0, "pending"),
    "create-cut": ("cut", "-", 0, "pending"),
    "create-hang": ("silence", "-", 0, "pending"),
    "create-500": (500, "-", 0, ""),
    "create-garbage": (200, "-", 0, "pending"),
    "429": (429, "-", 0, ""),
    "429-date": (429, "-", 0, ""),
    "confirm-cut": (200, "cut", 1, "successful"),
    "confirm-cut-before": (200, "cut", 0, "pending"),
    "confirm-reset": (200, "reset", 1, "successful"),
    "confirm-hang": (200, "silence", 1, "successful"),
    "confirm-hang-before": (200, "silence", 0, "pending"),
    "confirm-500": (200, 500, 0, "pending"),
    "confirm-500-executed": (200, 500, 1, "successful"),
    "confirm-404-when-done": (200, 404, 1, "successful"),
    "confirm-garbage": (200, 200, 1, "successful"),
    "confirm-504": (200, 504, 1, "successful"),
    "confirm-503": (200, 503, 0, "pending"),
    "confirm-429": (200, 429, 0, "pending"),
    "confirm-late": (200, 200, 1, "successful"),
    "confirm-drip": (200, 200, 1, "successful"),
}
AGAIN = {
    "create-cut",
    "create-hang",
    "create-500",
    "create-garbage",
    "429-date",
    "confirm-cut-before",
    "confirm-hang-before",
    "confirm-500",
    "confirm-503",
    "confirm-429",
}
DONE_ALREADY = {
    "confirm-cut",
    "confirm-reset",
    "confirm-hang",
    "confirm-500-executed",
    "confirm-404-when-done",
    "confirm-garbage",
    "confirm-504",
}


def create_body(name: str, quantity: int = 2, **more: Any) -> dict[str, Any]:
    kind = {"ok-range": "range", "ok-time": "time", "ok-custom": "custom_fixed"}.get(name, "fixed")
    product = {
        "sku": f"sandbox-{name}",
        "productType": kind,
        "quote": 10,
        "quantity": quantity,
    }
    return {"productList": [product], "wallet": "EUR", "reference": "ref-0", **more}


async def create(gifthub: Any, name: str, **more: Any) -> Any:
    return await gifthub("POST", "/order/create", create_body(name, **more))


async def confirm(gifthub: Any, order_id: str) -> Any:
    return await gifthub("PUT", "/order/confirm", {"orderId": order_id})


async def get(gifthub: Any, order_id: str) -> Any:
    answer = await gifthub("GET", f"/order/get?orderId={order_id}")
    return answer.body["data"]


async def bought(gifthub: Any, name: str, **more: Any) -> str:
    created = await create(gifthub, name, **more)
    order_id: str = created.body["data"]["id"]
    await confirm(gifthub, order_id)
    return order_id


def test_every_documented_sku_has_its_story_told_here() -> None:
    assert [f"sandbox-{name}" for name in STORY] == [value for value, _ in magic_values("gifthub")]


@pytest.mark.parametrize("name", list(STORY))
async def test_a_magic_sku_does_what_it_says(
    name: str, gifthub: Any, sandbox: Sandbox, clock: Any
) -> None:
    created, confirmed, live, later = STORY[name]
    answer = await create(gifthub, name)
    assert answer.how == created
    assert sandbox.live_orders("gifthub") == []
    if confirmed != "-":
        assert (await confirm(gifthub, answer.body["data"]["id"])).how == confirmed
    assert sandbox.books.copies("gifthub") == ({"ref-0": 1} if live else {})
    clock.now += timedelta(seconds=2 * PACE)
    assert [row.status for row in sandbox.books.rows("gifthub")] == ([later] if later else [])


@pytest.mark.parametrize("name", sorted(AGAIN))
async def test_what_did_not_count_may_be_repeated_and_buys_once(
    name: str, gifthub: Any, sandbox: Sandbox
) -> None:
    answer = await create(gifthub, name)
    if name.startswith(("create", "429")):
        answer = await create(gifthub, name)
    order_id = answer.body["data"]["id"]
    first = await confirm(gifthub, order_id)
    if name.startswith("confirm"):
        assert first.how != 200
        assert (await confirm(gifthub, order_id)).how == 200
    assert sandbox.books.copies("gifthub") == {"ref-0": 1}


@pytest.mark.parametrize("name", sorted(DONE_ALREADY))
async def test_a_confirmation_that_worked_cannot_be_repeated(
    name: str, gifthub: Any, sandbox: Sandbox
) -> None:
    order_id = await bought(gifthub, name)
    assert (await confirm(gifthub, order_id)).how == 404
    assert (await get(gifthub, order_id))["state"] == "successful"
    assert sandbox.books.copies("gifthub") == {"ref-0": 1}


async def test_a_price_frozen_for_three_seconds_is_gone_after_them(
    gifthub: Any, sandbox: Sandbox, clock: Any
) -> None:
    created = await create(gifthub, "expire-fast")
    assert created.body["data"]["expiresAt"] == (clock.now.timestamp() + 3) * 1000
    clock.now += timedelta(seconds=3)
    answer = await confirm(gifthub, created.body["data"]["id"])
    assert answer.how == 419
    assert sandbox.live_orders("gifthub") == []


async def test_a_partial_order_holds_half_the_cards_and_then_all(gifthub: Any, clock: Any) -> None:
    order_id = await bought(gifthub, "partial", quantity=4)
    seen = []
    for _ in range(3):
        order = await get(gifthub, order_id)
        cards = order.get("redeemData", {}).get("sandbox-partial", {}).get("cards")
        seen.append((order["state"], cards and len(cards)))
        clock.now += timedelta(seconds=PACE)
    assert seen == [("confirmed", None), ("partial", 2), ("successful", 4)]


async def test_a_failed_order_gives_its_money_back(
    gifthub: Any, sandbox: Sandbox, clock: Any
) -> None:
    async def wallet() -> Any:
        return (await gifthub("GET", "/customer/info")).body["data"]["wallet"]["EUR"]

    before = await wallet()
    await bought(gifthub, "failed")
    assert (await wallet())["frozenBalance"] == 20
    clock.now += timedelta(seconds=PACE)
    assert await wallet() == before
    assert sandbox.live_orders("gifthub") == []


async def test_an_odd_state_is_one_nobody_documented(gifthub: Any) -> None:
    order_id = await bought(gifthub, "odd-state")
    assert (await get(gifthub, order_id))["state"] == "reviewing"


async def test_some_cards_never_arrive(gifthub: Any) -> None:
    order = await get(gifthub, await bought(gifthub, "cards-short"))
    assert order["state"] == "successful"
    assert len(order["redeemData"]["sandbox-cards-short"]["cards"]) == 1


async def test_codes_may_come_by_webhook_only(gifthub: Any) -> None:
    order = await get(gifthub, await bought(gifthub, "get-without-codes"))
    assert order["state"] == "successful"
    assert "redeemData" not in order


async def test_an_invoice_may_be_higher_than_the_face_value(gifthub: Any) -> None:
    answer = await create(gifthub, "price-raised")
    assert answer.body["data"]["invoice"]["total"] == 25


async def test_an_unknown_sandbox_sku_is_told_how_the_sandbox_works(gifthub: Any) -> None:
    answer = await create(gifthub, "no-such-thing")
    assert answer.how == 404
    assert "/_sandbox/magic" in answer.body["message"]
