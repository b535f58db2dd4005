"""The documented behaviour of Gifthub, where no magic is asked for."""

from datetime import timedelta
from typing import Any

import pytest

from worker.sandbox import Sandbox


def product(sku: str = "038-00-range", **more: Any) -> dict[str, Any]:
    return {"sku": sku, "productType": "range", "quote": 5, "quantity": 1} | more


def order(*products: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed = list(products) or [product()]
    return {"productList": listed, "wallet": "EUR", "reference": "ref", **more}


async def test_an_order_is_created_frozen_confirmed_and_delivered(
    gifthub: Any, sandbox: Sandbox, clock: Any
) -> None:
    async def wallet() -> dict[str, Any]:
        answer = await gifthub("GET", "/customer/info")
        found: dict[str, Any] = answer.body["data"]["wallet"]["EUR"]
        return found

    before = await wallet()
    created = (await gifthub("POST", "/order/create", order())).body["data"]
    assert created["invoice"]["total"] == 5
    assert created["retailInvoice"] == {"total": 395700, "wallet": "IRT", "records": []}
    assert created["expiresAt"] == (clock.now.timestamp() + 600) * 1000
    assert set(created["exchangeRates"][0]["modifiedDate"]) == {"_seconds", "_nanoseconds"}
    assert await wallet() == before | {"frozenBalance": 5}
    assert sandbox.live_orders("gifthub") == []

    confirmed = await gifthub("PUT", "/order/confirm", {"orderId": created["id"]})
    assert confirmed.body["data"] == {"id": created["id"], "state": "confirmed"}
    assert await wallet() == before | {"balance": before["balance"] - 5}
    got = (await gifthub("GET", f"/order/get?orderId={created['id']}")).body["data"]
    assert (got["uid"], got["state"]) == (created["id"], "successful")
    assert len(got["redeemData"]["038-00-range"]["cards"]) == 1
    assert [row.ref for row in sandbox.live_orders("gifthub")] == ["ref"]


async def test_an_order_nobody_confirms_expires_and_frees_the_money(
    gifthub: Any, sandbox: Sandbox, clock: Any
) -> None:
    created = await gifthub("POST", "/order/create", order())
    order_id = created.body["data"]["id"]
    clock.now += timedelta(minutes=10)
    assert (await gifthub("PUT", "/order/confirm", {"orderId": order_id})).how == 419
    got = await gifthub("GET", f"/order/get?orderId={order_id}")
    assert got.body["data"]["state"] == "expired"
    info = await gifthub("GET", "/customer/info")
    assert info.body["data"]["wallet"]["EUR"]["frozenBalance"] == 0
    assert sandbox.live_orders("gifthub") == []


async def test_a_wrong_token_is_a_403(gifthub: Any, sandbox: Sandbox) -> None:
    gifthub.headers["Authorization"] = "Bearer wrong"
    assert (await gifthub("POST", "/order/create", order())).how == 403
    assert sandbox.books.rows("gifthub") == []


FIVE = [product(f"sku-{number}") for number in range(5)]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (None, 400, "well formatted"),
        (order(product(quote="5")), 400, "well formatted"),
        (order(product(quantity=0)), 400, "well formatted"),
        (order(product(productType="odd")), 400, "well formatted"),
        (order(product(), product()), 400, "well formatted"),
        (order(*FIVE, product("sku-6")), 400, "bigger than allowed"),
        (order(product(quantity=6)), 400, "bigger than allowed"),
        (order(product(quote=0)), 400, "not in range"),
        (order(product("sandbox-ok-range", quote=7)), 400, "not in range"),
        (order(product("sandbox-ok-range", quote=105)), 400, "not in range"),
        (order(product("sandbox-ok-range", quote=0)), 400, "not in range"),
        (order(product("sandbox-ok-fixed", productType="fixed")), 400, "doesn't match SKU"),
        (order(product("sandbox-unheard-of")), 404, "not found"),
        (order(wallet="XAU"), 500, "exchange not supported"),
        (order(wallet=None), 400, "strings"),
        (order(reference=7), 400, "strings"),
        (order(webhookUrl=7), 400, "string"),
        (order(product(quote=10**9)), 400, "Insufficient wallet funds"),
    ],
)
async def test_a_create_outside_the_limits_is_refused_in_the_documented_way(
    body: Any, status: int, message: str, gifthub: Any, sandbox: Sandbox
) -> None:
    answer = await gifthub("POST", "/order/create", body)
    assert answer.how == status
    assert message in answer.body["message"]
    assert sandbox.books.rows("gifthub") == []


async def test_twenty_five_cards_of_five_skus_are_just_allowed(gifthub: Any) -> None:
    full = order(*(one | {"quantity": 5} for one in FIVE))
    assert (await gifthub("POST", "/order/create", full)).how == 200


async def test_frozen_money_trips_the_next_order_until_it_is_free(gifthub: Any, clock: Any) -> None:
    most = order(product(quote=6 * 10**7))
    assert (await gifthub("POST", "/order/create", most)).how == 200
    assert (await gifthub("POST", "/order/create", most)).how == 400
    clock.now += timedelta(minutes=10)
    assert (await gifthub("POST", "/order/create", most)).how == 200


@pytest.mark.parametrize(("wallet", "total"), [("USD", 6.25), ("IRT", 395700)])
async def test_a_wallet_in_another_currency_pays_at_the_shown_rate(
    wallet: str, total: float, gifthub: Any
) -> None:
    data = (await gifthub("POST", "/order/create", order(wallet=wallet))).body["data"]
    rates = {pair["baseCurrency"]: pair["rate"] for pair in data["exchangeRates"]}
    assert float(data["invoice"]["total"]) == total
    assert round(float(5 / rates[wallet]), 2) == pytest.approx(total, abs=0.5)


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"orderId": "nobody"}, 404)])
async def test_a_confirm_of_nothing_is_refused(body: Any, status: int, gifthub: Any) -> None:
    assert (await gifthub("PUT", "/order/confirm", body)).how == status


async def test_a_reference_is_not_unique_and_cannot_be_looked_up(
    gifthub: Any, sandbox: Sandbox
) -> None:
    for _ in range(2):
        created = await gifthub("POST", "/order/create", order())
        await gifthub("PUT", "/order/confirm", {"orderId": created.body["data"]["id"]})
    assert sandbox.books.duplicates("gifthub") == {"ref": 2}
    assert (await gifthub("GET", "/order/get?reference=ref")).how == 404


async def test_an_order_is_bought_when_it_is_confirmed(
    gifthub: Any, sandbox: Sandbox, clock: Any
) -> None:
    created = await gifthub("POST", "/order/create", order())
    assert sandbox.books.rows("gifthub")[0].bought_at is None
    clock.now += timedelta(minutes=1)
    await gifthub("PUT", "/order/confirm", {"orderId": created.body["data"]["id"]})
    [row] = sandbox.books.rows("gifthub")
    assert row.bought_at == clock.now
    assert row.created_at == clock.now - timedelta(minutes=1)
