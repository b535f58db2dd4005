"""Books that other hands change: what rows, lists and details show afterwards."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from worker.sandbox import Change, Sandbox
from worker.sandbox.books import Row

REMOTES = ("hyperteknoloji", "adobe_vipm", "threekit", "gifthub")
PRICED = ("hyperteknoloji", "adobe_vipm", "gifthub")
STATUSES = {
    # forward, backward, and one that nobody documented
    "hyperteknoloji": ("0", "2", "9"),
    "adobe_vipm": ("1008", "1002", "1099"),
    "threekit": ("Complete", "List", "Lost"),
    "gifthub": ("failed", "pending", "reviewing"),
}


def added(sandbox: Sandbox, remote: str, ref: str | None = "ref") -> str:
    """An order of somebody's, as if it had been bought there long ago."""
    (order_id,) = sandbox.tamper(remote, Change.ADD, ref=ref)
    return order_id


def rows(sandbox: Sandbox, remote: str, order_id: str) -> list[Row]:
    return [row for row in sandbox.books.rows(remote) if row.order_id == order_id]


# --- every remote --------------------------------------------------------------------------------


@pytest.mark.parametrize("remote", REMOTES)
def test_an_order_that_is_removed_is_gone_and_its_id_is_not_given_again(
    sandbox: Sandbox, remote: str
) -> None:
    gone, stays = added(sandbox, remote), added(sandbox, remote, "other")
    assert sandbox.tamper(remote, "remove", order_id=gone) == [gone]
    assert {row.order_id for row in sandbox.books.rows(remote)} == {stays}
    assert added(sandbox, remote) not in {gone, stays}
    with pytest.raises(ValueError, match="there is no order"):
        sandbox.tamper(remote, "remove", order_id=gone)


@pytest.mark.parametrize("remote", REMOTES)
def test_a_status_that_was_set_stays_whatever_the_time(
    sandbox: Sandbox, remote: str, clock: Any
) -> None:
    order_id = added(sandbox, remote)
    for status in STATUSES[remote]:
        sandbox.tamper(remote, "status", ref="ref", to=status)
        clock.now += timedelta(minutes=1)
        assert {row.status for row in rows(sandbox, remote, order_id)} == {status}


@pytest.mark.parametrize(
    ("remote", "status", "costs"),
    [
        ("hyperteknoloji", 0, False),
        ("hyperteknoloji", 2, True),
        ("adobe_vipm", "1004", False),
        ("adobe_vipm", "1002", True),
        ("gifthub", "expired", False),
        ("gifthub", "confirmed", True),
    ],
)
def test_a_status_that_was_set_says_whether_money_is_spent(
    sandbox: Sandbox, remote: str, status: Any, *, costs: bool
) -> None:
    order_id = added(sandbox, remote)
    sandbox.tamper(remote, "status", order_id=order_id, to=status)
    assert [row.live for row in rows(sandbox, remote, order_id)] == [costs]


@pytest.mark.parametrize("remote", PRICED)
def test_a_price_is_that_of_one(sandbox: Sandbox, remote: str) -> None:
    order_id = added(sandbox, remote)
    sandbox.tamper(remote, "price", order_id=order_id, to="12.34")
    (row,) = rows(sandbox, remote, order_id)
    assert (row.price, row.quantity) == (Decimal("12.34"), 1)


@pytest.mark.parametrize("remote", REMOTES)
def test_a_copy_is_a_second_order_with_the_same_reference(sandbox: Sandbox, remote: str) -> None:
    order_id = added(sandbox, remote)
    sandbox.tamper(remote, "status", order_id=order_id, to=STATUSES[remote][1])
    (twin,) = sandbox.tamper(remote, "copy", ref="ref")
    assert twin != order_id
    (one,), (other,) = rows(sandbox, remote, order_id), rows(sandbox, remote, twin)
    assert (one.ref, one.product, one.status) == (other.ref, other.product, other.status)


@pytest.mark.parametrize("remote", REMOTES)
def test_a_reference_means_everything_that_bears_it(sandbox: Sandbox, remote: str) -> None:
    order_id = added(sandbox, remote)
    twins = sandbox.tamper(remote, "copy", order_id=order_id)
    stranger = added(sandbox, remote, None)
    assert sandbox.tamper(remote, "remove", ref="ref") == [order_id, *twins]
    assert [row.order_id for row in sandbox.books.rows(remote)] == [stranger]


@pytest.mark.parametrize("remote", REMOTES)
def test_a_strangers_order_bears_nothing_of_ours(sandbox: Sandbox, remote: str) -> None:
    (row,) = rows(sandbox, remote, added(sandbox, remote, None))
    assert row.ref in {None, "a stranger's"}


@pytest.mark.parametrize("remote", REMOTES)
def test_what_cannot_be_done_is_said_and_nothing_is_done(sandbox: Sandbox, remote: str) -> None:
    order_id = added(sandbox, remote)
    before = sandbox.books.rows(remote)
    for change, how in (
        ("remove", {}),
        ("remove", {"order_id": order_id, "ref": "ref"}),
        ("remove", {"ref": "another"}),
        ("status", {"order_id": order_id}),
        ("price", {"order_id": order_id, "to": "dear"}),
        ("price", {"order_id": order_id, "to": "-1"}),
        ("price", {"order_id": order_id, "to": "NaN"}),
        ("add", {"order_id": "7"}),
        ("add", {"shelf": "[]"}),
        ("burn", {"order_id": order_id}),
    ):
        with pytest.raises(ValueError, match=r"."):
            sandbox.tamper(remote, change, **how)
    assert sandbox.books.rows(remote) == before


def test_books_that_nobody_reads_are_not_changed(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="nobody can read the books of feedback_company"):
        sandbox.tamper("feedback_company", "add")
    with pytest.raises(KeyError):
        sandbox.tamper("nobody", "add")


def test_where_nothing_has_a_price_none_is_set(sandbox: Sandbox) -> None:
    order_id = added(sandbox, "threekit")
    with pytest.raises(ValueError, match="nothing has a price here"):
        sandbox.tamper("threekit", "price", order_id=order_id, to="1")


# --- one by one ----------------------------------------------------------------------------------


async def bought(hyper: Any, *refs: str) -> str:
    lines = [{"DeliverID": ref, "CustomerStoreProductID": 234, "Quantity": 2} for ref in refs]
    answer = await hyper("POST", "/Order/create", {"basketData": lines})
    return str(answer.body["data"]["OrderID"])


async def listed(hyper: Any) -> list[dict[str, Any]]:
    answer = await hyper("POST", "/Order/customer/list", {"page": 1, "pageSize": 200})
    found: list[dict[str, Any]] = answer.body["data"]["items"]
    return found


async def test_a_reference_of_a_tenant_is_one_line_and_its_order_all_of_them(
    hyper: Any, sandbox: Sandbox
) -> None:
    order_id = await bought(hyper, "one", "two")
    sandbox.tamper("hyperteknoloji", "status", ref="one", to=3)
    sandbox.tamper("hyperteknoloji", "price", order_id=order_id, to="7.25")
    assert [(row["DeliverID"], row["Status"], row["Price"]) for row in await listed(hyper)] == [
        ("two", 1, Decimal("7.25")),
        ("one", 3, Decimal("7.25")),
    ]
    detail = sandbox.books.rows("hyperteknoloji")[0].line_id
    answer = await hyper("GET", f"/Order/detail/{detail}")
    assert answer.body["data"]["Status"] == 3
    assert answer.body["data"]["DeliveryData"] is None
    sandbox.tamper("hyperteknoloji", "remove", ref="one")
    assert (await hyper("GET", f"/Order/detail/{detail}")).how == 400
    assert [row["DeliverID"] for row in await listed(hyper)] == ["two"]


async def test_a_tenants_balance_follows_its_books(hyper: Any, sandbox: Sandbox) -> None:
    async def balance() -> Decimal:
        answer = await hyper("GET", "/Customer/Get")
        return Decimal(answer.body["data"]["balance"])

    before = await balance()
    order_id = await bought(hyper, "one")
    sandbox.tamper("hyperteknoloji", "price", order_id=order_id, to="20.00")
    assert await balance() == before - 40
    sandbox.tamper("hyperteknoloji", "copy", order_id=order_id)
    assert await balance() == before - 80
    sandbox.tamper("hyperteknoloji", "status", order_id=order_id, to=0)
    assert await balance() == before - 40
    sandbox.tamper("hyperteknoloji", "status", order_id=order_id, to=1)
    assert await balance() == before - 80


async def test_a_shop_orders_list_shows_what_other_hands_did(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    shelf = json.dumps({"id": "7", "platform": "ourshop", "storeName": "main"})
    (order_id,) = sandbox.tamper("threekit", "add", ref="key", shelf=shelf)
    added(sandbox, "threekit")
    token = sandbox.account_settings()["threekit"]["default"]["token"]
    url = sandbox.url("threekit") + "/api/orders"
    headers = {"Authorization": f"Bearer {token}"}
    async with session.get(url, params={"platform": shelf}, headers=headers) as answer:
        page = await answer.json()
    assert [(one["id"], one["metadata"]) for one in page["orders"]] == [
        (order_id, {"clientOrderKey": "key"})
    ]
    sandbox.tamper("threekit", "remove", order_id=order_id)
    async with session.get(f"{url}/{order_id}", headers=headers) as answer:
        assert answer.status == 404


async def test_a_card_order_shows_what_other_hands_did(gifthub: Any, sandbox: Sandbox) -> None:
    order_id = added(sandbox, "gifthub")
    sandbox.tamper("gifthub", "status", order_id=order_id, to="partial")
    sandbox.tamper("gifthub", "price", order_id=order_id, to="11.50")
    data = (await gifthub("GET", f"/order/get?orderId={order_id}")).body["data"]
    assert (data["state"], data["invoice"]["total"]) == ("partial", Decimal("11.5"))
    sandbox.tamper("gifthub", "remove", order_id=order_id)
    assert (await gifthub("GET", f"/order/get?orderId={order_id}")).how == 404


def test_a_customers_order_whose_return_is_removed_was_not_given_back(sandbox: Sandbox) -> None:
    remote = sandbox._remotes["adobe_vipm"]
    order_id = added(sandbox, "adobe_vipm")
    ledger = remote._ledger  # type: ignore[attr-defined]  # it is Adobe's
    order = ledger.get(order_id)
    asked = type(order.asked)("RETURN", "ref", None, order_id, order.asked.items)
    returned = ledger.record(sandbox.clock(), asked, order.customer_id, order)
    assert [row.status for row in rows(sandbox, "adobe_vipm", order_id)] == ["1008"]
    sandbox.tamper("adobe_vipm", "remove", order_id=returned.order_id)
    assert [row.status for row in rows(sandbox, "adobe_vipm", order_id)] == ["1000"]


# --- from outside ---------------------------------------------------------------------------------


async def test_books_are_changed_from_outside(
    session: aiohttp.ClientSession, sandbox: Sandbox
) -> None:
    async def tamper(body: Any) -> tuple[int, Any]:
        async with session.post(f"{sandbox.url()}/tamper", json=body) as answer:
            return answer.status, await answer.json()

    status, answer = await tamper({"remote": "hyperteknoloji", "change": "add", "ref": "x"})
    assert status == 200
    (order_id,) = answer["orders"]
    wish = {"remote": "hyperteknoloji", "change": "price", "order_id": order_id, "to": 12.5}
    assert await tamper(wish) == (200, {"orders": [order_id]})
    assert [row.price for row in sandbox.books.rows("hyperteknoloji")] == [Decimal("12.5")]
    wrong: Any
    for wrong in (
        {},
        [],
        {"remote": "nobody", "change": "add"},
        {"remote": "gifthub", "change": "remove", "order_id": "?"},
        {"remote": "gifthub", "change": "add", "colour": "red"},
    ):
        status, answer = await tamper(wrong)
        assert (status, answer["message"].startswith("no such change")) == (400, True)
