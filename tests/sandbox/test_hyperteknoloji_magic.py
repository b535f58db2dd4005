"""Every magic product of Hyperteknoloji: what the caller sees, and what the books then hold."""

from datetime import timedelta
from typing import Any

import pytest

from worker.sandbox import Sandbox, magic_values

PACE = 0.05

# product: (what the caller sees, live lines after it, their status, their status two paces on)
STORY: dict[int | str, tuple[int | str, int, str, str]] = {
    1: (200, 1, "1", "1"),
    2: (200, 0, "", ""),
    3: (200, 0, "", ""),
    4: (400, 0, "", ""),
    5: (200, 1, "2", "1"),
    6: (200, 1, "2", "0"),
    7: (200, 1, "1", "1"),
    8: ("cut", 1, "1", "1"),
    9: ("cut", 0, "", ""),
    10: ("silence", 1, "1", "1"),
    11: (500, 1, "1", "1"),
    12: (500, 0, "", ""),
    13: (429, 0, "", ""),
    14: (200, 1, "1", "1"),
    15: (200, 1, "1", "1"),
    16: ("reset", 1, "1", "1"),
    17: (200, 1, "1", "1"),
    18: ("cut", 1, "1", "1"),
    19: ("reset", 0, "", ""),
    20: ("silence", 0, "", ""),
    21: (503, 0, "", ""),
    22: (504, 1, "1", "1"),
    23: (401, 0, "", ""),
    24: (502, 0, "", ""),
    25: (200, 1, "1", "1"),
    26: (200, 1, "2", "1"),
    27: (200, 1, "1", "1"),
    28: (200, 1, "1", "1"),
    29: (200, 1, "1", "1"),
    30: (200, 1, "2", "1"),
    31: (400, 0, "", ""),
    32: (200, 0, "", ""),
    33: (200, 0, "", ""),
    34: (403, 0, "", ""),
    35: (404, 0, "", ""),
    36: (200, 1, "1", "1"),
    37: (429, 0, "", ""),
    38: (200, 1, "2", "2"),
    39: (200, 1, "2", "2"),
    40: (200, 1, "2", "2"),
    41: (200, 1, "2", "2"),
    42: (200, 1, "2", "2"),
    43: ("torn", 1, "1", "1"),
}
HIT_ONCE = {9: 1, 12: 1, 13: 2, 19: 1, 20: 1, 21: 1, 24: 1, 37: 1}


def basket(*products: int, quantity: int = 2, **more: Any) -> dict[str, Any]:
    lines = [
        {"DeliverID": f"ref-{place}", "CustomerStoreProductID": product, "Quantity": quantity}
        for place, product in enumerate(products)
    ]
    return {"basketData": lines, **more}


def test_every_documented_product_has_its_story_told_here() -> None:
    assert list(STORY) == [value for value, _ in magic_values("hyperteknoloji")]


@pytest.mark.parametrize("product", list(STORY))
async def test_a_magic_product_does_what_it_says(
    product: int, hyper: Any, sandbox: Sandbox, clock: Any
) -> None:
    how, live, status, later = STORY[product]
    answer = await hyper("POST", "/Order/create", basket(product))
    assert answer.how == how
    rows = sandbox.live_orders("hyperteknoloji", "ref-0")
    assert [row.status for row in rows] == [status] * live
    clock.now += timedelta(seconds=2 * PACE)
    assert [row.status for row in sandbox.books.rows("hyperteknoloji")] == [later] * live


@pytest.mark.parametrize(("product", "times"), HIT_ONCE.items())
async def test_a_call_that_was_not_executed_goes_through_when_repeated(
    product: int, times: int, hyper: Any, sandbox: Sandbox
) -> None:
    for _ in range(times):
        await hyper("POST", "/Order/create", basket(product))
    assert sandbox.hits("hyperteknoloji", "create", executed=True) == 0
    answer = await hyper("POST", "/Order/create", basket(product))
    assert answer.body["success"] is True
    assert sandbox.books.copies("hyperteknoloji") == {"ref-0": 1}


async def test_product_2_names_the_refused_line_on_a_200(hyper: Any, sandbox: Sandbox) -> None:
    answer = await hyper("POST", "/Order/create", basket(1, 2))
    assert answer.how == 200
    assert answer.body["success"] is False
    assert [item["reason"] for item in answer.body["data"]["items"]] == ["out of stock"]
    assert sandbox.books.rows("hyperteknoloji") == []


async def test_product_7_delivers_one_code_fewer(hyper: Any) -> None:
    answer = await hyper("POST", "/Order/create", basket(7, quantity=3))
    detail = await hyper(
        "GET", f"/Order/detail/{answer.body['data']['details'][0]['OrderDetailID']}"
    )
    assert len(detail.body["data"]["DeliveryData"]) == 2


async def test_product_14_hides_the_details_of_what_it_bought(hyper: Any) -> None:
    answer = await hyper("POST", "/Order/create", basket(14))
    assert (answer.body["success"], answer.body["data"]["details"]) == (True, [])


async def test_products_15_and_22_answer_what_no_json_parser_takes(hyper: Any) -> None:
    for product in (15, 22, 24):
        answer = await hyper("POST", "/Order/create", basket(product))
        assert isinstance(answer.body, bytes), product


async def test_product_17_charges_more_than_the_list_says(hyper: Any) -> None:
    prices = []
    for product in (1, 17):
        answer = await hyper("POST", "/Order/create", basket(product))
        prices.append(str(answer.body["data"]["details"][0]["Price"]))
    assert prices == ["19.9", "24.9"]


async def test_product_18_is_missing_from_the_list_for_a_while(hyper: Any, clock: Any) -> None:
    await hyper("POST", "/Order/create", basket(18))
    listed = await hyper("POST", "/Order/customer/list", {})
    assert listed.body["data"]["items"] == []
    clock.now += timedelta(seconds=PACE)
    listed = await hyper("POST", "/Order/customer/list", {})
    assert [row["DeliverID"] for row in listed.body["data"]["items"]] == ["ref-0"]


async def test_product_23_kills_the_token(hyper: Any, sandbox: Sandbox) -> None:
    await hyper("POST", "/Order/create", basket(23))
    assert (await hyper("GET", "/Customer/Get")).how == 401
    assert sandbox.hits("hyperteknoloji", "create", executed=False) == 1


async def test_product_26_is_taken_out_of_processing_in_between(hyper: Any, clock: Any) -> None:
    answer = await hyper("POST", "/Order/create", basket(26))
    clock.now += timedelta(seconds=PACE)
    detail = await hyper(
        "GET", f"/Order/detail/{answer.body['data']['details'][0]['OrderDetailID']}"
    )
    assert detail.body["data"]["Status"] == 3
    assert isinstance(detail.body["data"]["DeliveryNote"], list)


async def test_product_36_answers_in_camel_case(hyper: Any) -> None:
    answer = await hyper("POST", "/Order/create", basket(36))
    assert answer.body["data"]["details"][0]["deliverID"] == "ref-0"
    assert "orderID" in answer.body["data"]


@pytest.mark.parametrize(("product", "form"), [(13, "1"), (37, "Sun, 22 Nov 2026 10:00:01 GMT")])
async def test_a_throttled_caller_is_told_when_to_come_back(
    product: int, form: str, hyper: Any
) -> None:
    answer = await hyper("POST", "/Order/create", basket(product))
    assert answer.headers["Retry-After"] == form


async def test_a_wrong_product_id_is_told_how_the_sandbox_works(hyper: Any) -> None:
    for wrong in (0, -3, "1", 1.5, True, None):
        answer = await hyper(
            "POST",
            "/Order/create",
            {"basketData": [{"CustomerStoreProductID": wrong, "Quantity": 1}]},
        )
        assert answer.how == 400
        assert "/_sandbox/magic" in answer.body["message"]
