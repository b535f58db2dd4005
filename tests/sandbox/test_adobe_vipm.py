"""The documented behaviour of Adobe's VIP Marketplace, and what its magic offers make happen."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.sandbox.conftest import Caller
from worker.sandbox import Sandbox, magic_values

NAME = "adobe_vipm"
ORDERS = "/v3/customers/9876543210/orders"
PACE = timedelta(seconds=0.05)


def login_form(caller: Any, **fields: str) -> bytes:
    usual = {
        "grant_type": "client_credentials",
        "client_id": caller.account["client_id"],
        "client_secret": caller.account["client_secret"],
        "scope": "openid",
    }
    return "&".join(f"{name}={value}" for name, value in (usual | fields).items()).encode()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def adobe(session: Any, sandbox: Sandbox) -> Any:
    """A caller that is logged in; its ids are fresh with every call unless it is told some."""
    caller = Caller(session, sandbox, NAME)
    assert caller.account["ims_url"] == caller.account["base_url"]
    answer = await caller("POST", "/ims/token/v3", login_form(caller), headers=FORM)
    caller.headers["X-Api-Key"] = caller.account["client_id"]
    caller.headers["Authorization"] = f"Bearer {answer.body['access_token']}"

    async def call(method: str, path: str = ORDERS, body: Any = None, **ids: str) -> Any:
        fresh = {"X-Correlation-Id": uuid4().hex, "X-Request-Id": uuid4().hex}
        return await caller(method, path, body, headers=fresh | ids)

    call.caller = caller  # type: ignore[attr-defined]  # a function may bear more
    return call


def item(offer: str = "80004567EA01A12", number: int = 1, **more: Any) -> dict[str, Any]:
    return {"extLineItemNumber": number, "offerId": offer, "quantity": 2} | more


def order(*items: Any, **more: Any) -> dict[str, Any]:
    listed = list(items) or [item()]
    return {"orderType": "NEW", "externalReferenceId": "ref", "lineItems": listed} | more


def giving_back(order_id: str, *items: Any) -> dict[str, Any]:
    return order(*items, orderType="RETURN", referenceOrderId=order_id)


async def test_an_order_is_made_got_and_listed(adobe: Any, sandbox: Sandbox) -> None:
    made = await adobe("POST", body=order(currencyCode="USD"))
    assert (made.how, made.body["status"]) == (201, "1000")
    assert made.body["lineItems"][0]["subscriptionId"].endswith("NA")
    got = await adobe("GET", f"{ORDERS}/{made.body['orderId']}?fetch-price=true")
    assert got.body["pricingSummary"] == [{"totalLineItemPartnerPrice": 730, "currencyCode": "USD"}]
    listed = await adobe("GET", f"{ORDERS}?order-type=NEW")
    assert [one["orderId"] for one in listed.body["items"]] == [made.body["orderId"]]
    assert [row.ref for row in sandbox.live_orders(NAME)] == ["ref"]


# --- idempotency ---------------------------------------------------------------------------------


async def test_an_answer_is_stored_for_ten_days(adobe: Any, sandbox: Sandbox, clock: Any) -> None:
    ids = {"X-Correlation-Id": "c-1"}
    first = await adobe("POST", body=order(), **ids)
    again = await adobe("POST", body=order(), **ids)
    assert again.body == first.body
    clock.now += timedelta(days=10)
    caller = adobe.caller
    token = await caller("POST", "/ims/token/v3", login_form(caller), headers=FORM)
    caller.headers["Authorization"] = f"Bearer {token.body['access_token']}"
    assert (await adobe("POST", body=order(), **ids)).body["orderId"] != first.body["orderId"]
    assert sandbox.books.duplicates(NAME) == {"ref": 2}


async def test_a_bad_answer_is_stored_too(adobe: Any) -> None:
    ids = {"X-Correlation-Id": "c-1"}
    assert (await adobe("POST", body=order(item("nothing")), **ids)).body["code"] == "2122"
    assert (await adobe("POST", body=order(), **ids)).body["code"] == "2122"
    assert (await adobe("POST", body=order())).how == 201


async def test_ids_are_needed_and_a_request_id_is_new(adobe: Any) -> None:
    missing = await adobe("POST", body=order(), **{"X-Correlation-Id": ""})
    assert (missing.how, missing.body["code"]) == (400, "4119")
    ids = {"X-Request-Id": "r-1"}
    assert (await adobe("POST", body=order(), **ids)).how == 201
    assert (await adobe("POST", body=order(), **ids)).body["code"] == "4120"


# --- access --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": ""}, 403, "4117"),
        ({"Authorization": "Bearer wrong"}, 401, "4116"),
        ({"X-Api-Key": "wrong"}, 403, "4115"),
    ],
)
async def test_strangers_are_turned_away(
    adobe: Any, sandbox: Sandbox, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await adobe("POST", body=order(), **headers)
    assert (answer.how, answer.body["code"]) == (status, code)
    assert sandbox.books.rows(NAME) == []


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"client_secret": "wrong"}, FORM, 401),
        ({"client_id": "wrong"}, FORM, 401),
        ({"grant_type": "password"}, FORM, 400),
        ({"scope": ""}, FORM, 400),
        ({}, {"Content-Type": "application/json"}, 400),
    ],
)
async def test_a_wrong_login_gets_no_token(
    adobe: Any, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    form = login_form(adobe.caller, **fields)
    answer = await adobe.caller("POST", "/ims/token/v3", form, headers=headers)
    assert answer.how == status
    assert "access_token" not in answer.body


async def test_the_health_check_says_pong(adobe: Any) -> None:
    answer = await adobe("GET", "/partnerservice/ping")
    assert (answer.how, answer.body) == (200, b"pong")


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 400, "1122"),
        (order(orderType=None), 400, "1122"),
        (order(orderType="SWITCH"), 400, "1117"),
        (order(note="x"), 400, "1121"),
        (order(lineItems=[]), 400, "1122"),
        (order(lineItems={}), 400, "1117"),
        (order(externalReferenceId="x" * 36), 400, "2126"),
        (order(externalReferenceId="<x>"), 400, "1117"),
        (order(referenceOrderId="1"), 400, "1121"),
        (order(orderType="RETURN"), 400, "1122"),
        (order(orderType="RENEWAL"), 400, "1122"),
        (order(item(note="x")), 400, "1121"),
        (order({"offerId": "x"}), 400, "1122"),
        (order(item(quantity="2")), 400, "1117"),
        (order(item(quantity=0)), 400, "2120"),
        (order(item(quantity=599_001)), 400, "2120"),
        (order(item(), item()), 400, "2121"),
        (order(item(number=1_000_000)), 400, "2123"),
        (order(item("nothing")), 400, "2122"),
        (order(item(deploymentId="nobody")), 404, "2138"),
        (order(item(discountCode="nothing")), 400, "5135"),
        (order(item(flexDiscountCodes=["A", "B"])), 400, "2147"),
        (order(item(flexDiscountCodes=["A"])), 400, "2146"),
        (order(item(currencyCode="USD"), currencyCode="USD"), 400, "2140"),
        (order(currencyCode="XAU"), 400, "2128"),
        (order(*(item(number=n) for n in range(500))), 400, "2119"),
    ],
)
async def test_what_is_outside_the_limits_is_refused_by_its_code(
    adobe: Any, sandbox: Sandbox, body: Any, status: int, code: str
) -> None:
    answer = await adobe("POST", body=body)
    assert (answer.how, answer.body["code"]) == (status, code)
    assert sandbox.books.rows(NAME) == []


async def test_an_unknown_customer_has_no_orders(adobe: Any) -> None:
    for method in ("POST", "GET"):
        answer = await adobe(method, "/v3/customers/nobody/orders", order())
        assert (answer.how, answer.body["code"]) == (404, "1116")
    assert (await adobe("GET", f"{ORDERS}/1")).body["code"] == "2115"


# --- previews ------------------------------------------------------------------------------------


async def test_a_preview_has_prices_the_best_offer_and_no_order(
    adobe: Any, sandbox: Sandbox
) -> None:
    asked = order(item("sandbox-level-01"), orderType="PREVIEW", currencyCode="EUR")
    plain = (await adobe("POST", body=asked)).body
    assert "pricingSummary" not in plain
    priced = (await adobe("POST", f"{ORDERS}?fetch-price=true", asked)).body
    assert (priced["orderId"], priced["status"]) == ("", "")
    assert priced["lineItems"][0]["offerId"] == "sandbox-level-02"
    assert priced["pricingSummary"] == [{"totalLineItemPartnerPrice": 600, "currencyCode": "EUR"}]
    assert sandbox.books.rows(NAME) == []


async def test_several_currencies_have_no_prices(adobe: Any) -> None:
    items = [item(currencyCode="USD"), item(number=2, currencyCode="EUR")]
    answer = await adobe("POST", f"{ORDERS}?fetch-price=true", order(*items, orderType="PREVIEW"))
    assert answer.body["code"] == "2148"


async def test_a_flexible_discount_lowers_the_price(adobe: Any) -> None:
    asked = order(item(flexDiscountCodes=["BLACK_FRIDAY_10_PERCENT_OFF"]), orderType="PREVIEW")
    answer = await adobe("POST", f"{ORDERS}?fetch-price=true", asked)
    assert answer.body["pricingSummary"][0]["totalLineItemPartnerPrice"] == 657


async def test_without_subscriptions_there_is_nothing_to_renew(adobe: Any) -> None:
    asked = {"orderType": "PREVIEW_RENEWAL"}
    assert (await adobe("POST", body=asked)).body["code"] == "3121"
    await adobe("POST", body=order())
    assert len((await adobe("POST", body=asked)).body["lineItems"]) == 1


# --- returns -------------------------------------------------------------------------------------


async def test_what_is_given_back_is_not_live_any_more(adobe: Any, sandbox: Sandbox) -> None:
    made = (await adobe("POST", body=order(item(), item(number=2)))).body
    answer = await adobe("POST", body=giving_back(made["orderId"], item()))
    assert (answer.how, answer.body["status"]) == (201, "1000")
    got = (await adobe("GET", f"{ORDERS}/{made['orderId']}")).body
    assert (got["status"], [one["status"] for one in got["lineItems"]]) == (
        "1000",
        ["1008", "1000"],
    )
    await adobe("POST", body=giving_back(made["orderId"], item(number=2)))
    assert (await adobe("GET", f"{ORDERS}/{made['orderId']}")).body["status"] == "1008"
    assert sandbox.live_orders(NAME) == []


@pytest.mark.parametrize(
    ("items", "status", "code"),
    [
        ([item("sandbox-ok")], 400, "2130"),
        ([item(number=9)], 400, "2131"),
        ([item(quantity=3)], 400, "2132"),
        ([item(number=2)], 400, "2133"),
        ([item(number=3, quantity=2)], 422, "RETURN_QTY_EXCEEDS_REMAINING"),
    ],
)
async def test_a_return_has_to_match(adobe: Any, items: Any, status: int, code: str) -> None:
    three = [item(number=n) for n in (1, 2, 3)]
    order_id = (await adobe("POST", body=order(*three))).body["orderId"]
    await adobe("POST", body=giving_back(order_id, item(number=2), item(number=3, quantity=1)))
    answer = await adobe("POST", body=giving_back(order_id, *items))
    assert (answer.how, answer.body["code"]) == (status, code)


async def test_a_return_has_to_come_in_time_and_once(adobe: Any, clock: Any) -> None:
    unknown = await adobe("POST", body=giving_back("1", item()))
    assert (unknown.how, unknown.body["code"]) == (404, "2115")
    order_id = (await adobe("POST", body=order(item("sandbox-slow")))).body["orderId"]
    gone = giving_back(order_id, item("sandbox-slow"))
    assert (await adobe("POST", body=gone)).body["code"] == "2116"
    clock.now += PACE
    assert (await adobe("POST", body=gone)).how == 201
    assert (await adobe("POST", body=gone)).body["code"] == "2118"


# --- the list ------------------------------------------------------------------------------------


async def test_the_list_is_in_pages_newest_first(adobe: Any) -> None:
    made = [(await adobe("POST", body=order())).body["orderId"] for _ in range(3)]
    page = (await adobe("GET", f"{ORDERS}?limit=2")).body
    assert [one["orderId"] for one in page["items"]] == made[:0:-1]
    assert (page["totalCount"], page["count"]) == (3, 2)
    last = (await adobe("GET", ORDERS + page["links"]["next"]["uri"].partition("orders")[2])).body
    assert [one["orderId"] for one in last["items"]] == made[:1]
    assert (await adobe("GET", f"{ORDERS}?offset=4")).body["code"] == "1133"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("order-type=NEW", 1),
        ("order-type=RENEWAL", 0),
        ("order-type=NEW&order-type=RENEWAL", 1),
        ("status=1000&status=1002", 1),
        ("status=1004", 0),
        ("offer-id=80004567EA01A12", 1),
        ("reference-order-id=1", 0),
        ("start-date=2026-11-22", 1),
        ("start-date=2026-11-22T10:00:01Z", 0),
        ("end-date=2026-11-22", 0),
        ("limit=1000", 1),
        ("order-type=RETURN", "1132"),
        ("limit=0", "1132"),
        ("limit=x", "1132"),
        ("start-date=soon", "1132"),
        ("external-reference-id=ref", "1132"),
    ],
)
async def test_the_list_has_the_documented_filters(adobe: Any, query: str, found: Any) -> None:
    await adobe("POST", body=order())
    answer = (await adobe("GET", f"{ORDERS}?{query}")).body
    assert (answer.get("code") or answer["totalCount"]) == found


# --- magic ---------------------------------------------------------------------------------------

# offer without its prefix: (what the first order comes to, its code or status, live after it)
STORIES: dict[str, tuple[int | str, str, int]] = {
    "ok": (201, "1000", 1),
    "slow": (201, "1002", 1),
    "never": (201, "1002", 1),
    "fails": (201, "1002", 0),
    "failed": (201, "1004", 0),
    "address": (201, "1002", 0),
    "distributor": (201, "1002", 0),
    "reseller": (201, "1002", 0),
    "customer": (201, "1002", 0),
    "customer-id": (201, "1002", 0),
    "odd-status": (201, "1099", 1),
    "dear": (201, "1000", 1),
    "cents": (201, "1000", 1),
    "level-01": (201, "1000", 1),
    "level-02": (201, "1000", 1),
    "level-03": (400, "2129", 0),
    "expired-product": (201, "1004", 0),
    "listed-late": ("cut", "", 1),
    "return-slow": (201, "1000", 1),
    "return-fails": (201, "1000", 1),
    "not-found": (400, "2122", 0),
    "ineligible": (400, "2129", 0),
    "quantity": (400, "2120", 0),
    "discount": (400, "2141", 0),
    "global": (400, "1140", 0),
    "renewing": (400, "3131", 0),
    "processing-once": (400, "4122", 0),
    "unavailable-once": (400, "5122", 0),
    "500-stored": (500, "1124", 0),
    "500-executed": (500, "1124", 1),
    "cut": ("cut", "", 1),
    "cut-before": ("cut", "", 0),
    "reset": ("reset", "", 1),
    "hang": ("silence", "", 1),
    "hang-before": ("silence", "", 0),
    "garbage": (200, "", 1),
    "504": (504, "", 1),
    "503": (503, "503000", 0),
    "401": (401, "4116", 0),
    "429": (429, "4118", 0),
    "drip": (201, "1000", 1),
    "preview-cut": (201, "1000", 1),
    "preview-429": (201, "1000", 1),
}


def test_every_magic_offer_has_its_story() -> None:
    values = [str(value).removeprefix("sandbox-") for value, _ in magic_values(NAME)]
    assert sorted(values) == sorted(STORIES)


@pytest.mark.parametrize("name", STORIES)
async def test_an_offer_does_what_its_story_says(
    adobe: Any, sandbox: Sandbox, clock: Any, name: str
) -> None:
    how, code, live = STORIES[name]
    answer = await adobe("POST", body=order(item(f"sandbox-{name}")))
    told = answer.body if isinstance(answer.body, dict) else {}
    assert answer.how == how
    assert told.get("code", told.get("error_code", told.get("status", ""))) == code
    clock.now += PACE
    assert len(sandbox.live_orders(NAME)) == live


@pytest.mark.parametrize("name", ["preview-cut", "preview-429"])
async def test_a_preview_may_meet_a_fault_of_its_own(adobe: Any, name: str) -> None:
    asked = order(item(f"sandbox-{name}"), orderType="PREVIEW")
    assert (await adobe("POST", body=asked)).how in {"cut", 429}
    assert (await adobe("POST", body=asked)).how == 200
