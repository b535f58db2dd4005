"""The documented behaviour of the Hyperteknoloji tenant, where no magic is asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from worker.sandbox import Sandbox

ORDINARY = 234


def line(ref: str | None = "ref", quantity: int = 1, **more: Any) -> dict[str, Any]:
    deliver_id = {} if ref is None else {"DeliverID": ref}
    return deliver_id | {"CustomerStoreProductID": ORDINARY, "Quantity": quantity} | more


async def test_a_login_gives_a_token_with_its_expiration(hyper: Any, clock: Any) -> None:
    body = {
        "Email": hyper.account["email"],
        "Password": hyper.account["password"],
        "callbackData": "mine",
    }
    answer = await hyper("POST", "/login/customer/api/verify", body, headers={"Authorization": ""})
    data = answer.body["data"]
    assert data["Token"].count(".") == 2
    assert datetime.fromisoformat(data["Expiration"]) == clock.now + timedelta(hours=1)
    assert data["callbackData"] == "mine"


async def test_a_wrong_password_gets_no_token(hyper: Any) -> None:
    answer = await hyper("POST", "/Login/Customer/Api/Verify", {"Email": "x", "Password": "y"})
    assert (answer.how, answer.body["data"]) == (401, None)


@pytest.mark.parametrize("path", ["create", "customer/list"])
async def test_an_expired_or_unknown_token_is_a_401_and_nothing_is_bought(
    path: str, hyper: Any, sandbox: Sandbox, clock: Any
) -> None:
    clock.now += timedelta(hours=1)
    assert (await hyper("POST", f"/Order/{path}", {"basketData": [line()]})).how == 401
    hyper.headers["Authorization"] = "Bearer made-up"
    assert (await hyper("POST", f"/Order/{path}", {"basketData": [line()]})).how == 401
    assert sandbox.books.rows("hyperteknoloji") == []


async def test_a_basket_is_answered_line_by_line(hyper: Any) -> None:
    answer = await hyper("POST", "/order/Create", {"basketData": [line("a", 2), line("b")]})
    assert answer.body["success"] is True
    details = answer.body["data"]["details"]
    assert [(one["DeliverID"], one["Quantity"]) for one in details] == [("a", 2), ("b", 1)]
    assert details[0]["OrderDetailID"] != details[1]["OrderDetailID"]


async def test_camel_case_is_understood_as_live_clients_send_it(
    hyper: Any, sandbox: Sandbox
) -> None:
    entry = {"deliverID": "a", "customerStoreProductID": ORDINARY, "quantity": 1}
    await hyper("POST", "/Order/create", {"basketData": [entry]})
    assert sandbox.books.copies("hyperteknoloji") == {"a": 1}


async def test_a_repeated_deliver_id_is_a_second_paid_order(hyper: Any, sandbox: Sandbox) -> None:
    for _ in range(2):
        await hyper("POST", "/Order/create", {"basketData": [line("twice")]})
    assert sandbox.books.duplicates("hyperteknoloji") == {"twice": 2}


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"{not json",
        [],
        {},
        {"basketData": []},
        {"basketData": ["x"]},
        {"basketData": [line(quantity=0)]},
        {"basketData": [line() | {"DeliverID": 7}]},
        {"basketData": [line(RequireData=[{"ProductRequireID": "1", "Value": "x"}])]},
        {"basketData": [line(RequireData=[{"ProductRequireID": 1, "Value": 5}])]},
    ],
)
async def test_an_invalid_payload_is_a_400_without_items(
    body: Any, hyper: Any, sandbox: Sandbox
) -> None:
    answer = await hyper("POST", "/Order/create", body)
    assert (answer.how, answer.body["success"], answer.body["data"]) == (400, False, None)
    assert sandbox.books.rows("hyperteknoloji") == []


async def test_the_list_is_paged_newest_first_with_the_deliver_id_in_each_row(hyper: Any) -> None:
    for number in range(5):
        await hyper("POST", "/Order/create", {"basketData": [line(str(number))]})
    pages = []
    for page in (1, 2, 3, 4):
        wish = {"page": page, "pageSize": 2}
        answer = await hyper("POST", "/Order/customer/list", wish)
        pages.append([row["DeliverID"] for row in answer.body["data"]["items"]])
        assert answer.body["data"]["totalCount"] == 5
    assert pages == [["4", "3"], ["2", "1"], ["0"], []]


async def test_a_page_that_is_no_page_is_refused(hyper: Any) -> None:
    assert (await hyper("POST", "/Order/customer/list", {"page": 0})).how == 400


async def test_the_detail_of_a_delivered_line_holds_one_code_per_piece(hyper: Any) -> None:
    answer = await hyper("POST", "/Order/create", {"basketData": [line(quantity=3)]})
    detail_id = answer.body["data"]["details"][0]["OrderDetailID"]
    data = (await hyper("GET", f"/Order/detail/{detail_id}")).body["data"]
    assert (data["Status"], data["DeliveryNote"]) == (1, None)
    assert len(set(data["DeliveryData"])) == 3


async def test_the_detail_of_nothing_is_refused(hyper: Any) -> None:
    assert (await hyper("GET", "/Order/detail/1")).how == 400
    assert (await hyper("GET", "/Order/detail/x")).how == 400


async def test_the_balance_pays_and_is_refunded_for_what_was_cancelled(
    hyper: Any, clock: Any
) -> None:
    async def balance() -> Any:
        return (await hyper("GET", "/Customer/Get")).body["data"]["balance"]

    before = await balance()
    await hyper("POST", "/Order/create", {"basketData": [line() | {"CustomerStoreProductID": 6}]})
    paid = before - await balance()
    clock.now += timedelta(seconds=1)
    assert (str(paid), await balance()) == ("19.9", before)


async def test_what_the_balance_cannot_pay_is_refused(hyper: Any, sandbox: Sandbox) -> None:
    answer = await hyper("POST", "/Order/create", {"basketData": [line(quantity=10**8)]})
    assert (answer.how, answer.body["success"]) == (200, False)
    assert "balance" in answer.body["message"]
    assert sandbox.books.rows("hyperteknoloji") == []


async def test_the_region_is_the_callers_or_tr(hyper: Any, sandbox: Sandbox) -> None:
    await hyper("POST", "/Order/create", {"basketData": [line()]})
    await hyper("POST", "/Order/create", {"basketData": [line()]}, headers={"h-region-code": "DE"})
    regions = [row.extra["region"] for row in sandbox.books.rows("hyperteknoloji")]
    assert regions == ["TR", "DE"]


async def test_a_line_may_come_without_a_deliver_id(hyper: Any, sandbox: Sandbox) -> None:
    answer = await hyper("POST", "/Order/create", {"basketData": [line(None)]})
    assert answer.body["data"]["details"][0]["DeliverID"] is None
    assert sandbox.books.copies("hyperteknoloji") == {}


async def test_a_wrong_path_is_a_404_in_the_tenants_envelope(hyper: Any) -> None:
    answer = await hyper("POST", "/Order/make")
    assert (answer.how, answer.body["success"]) == (404, False)


async def test_the_remotes_clock_may_differ_from_ours(hyper: Any, clock: Any) -> None:
    clock.now = datetime(2031, 1, 1, tzinfo=UTC)
    credentials = {"Email": hyper.account["email"], "Password": hyper.account["password"]}
    answer = await hyper("POST", "/Login/Customer/Api/Verify", credentials)
    assert answer.body["data"]["Expiration"] == "2031-01-01T01:00:00Z"
