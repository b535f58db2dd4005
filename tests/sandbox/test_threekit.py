"""The documented behaviour of Threekit, and every magic configuration."""

import json
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest

from tests.sandbox.conftest import Caller
from worker.sandbox import Sandbox, magic_values

PACE: Final = 0.05
PLATFORM: Final = {"id": "10077", "platform": "ourshop", "storeName": "Şişli & 2"}
ORG: Final = "5a4d0b0e-0000-4000-8000-000000000001"


@pytest.fixture
def threekit(session: aiohttp.ClientSession, sandbox: Sandbox) -> Caller:
    caller = Caller(session, sandbox, "threekit")
    caller.headers["Authorization"] = f"Bearer {caller.account['token']}"
    return caller


def entry(configuration: str = "c-1", **more: Any) -> dict[str, Any]:
    return {"configurationId": configuration, "count": 1, "metadata": {"line": "1"}} | more


def order(*cart: dict[str, Any], **more: Any) -> dict[str, Any]:
    metadata = {"clientOrderKey": "key-0"}
    return {"platform": PLATFORM, "metadata": metadata, "cart": list(cart) or [entry()], **more}


def by(platform: Any, **more: Any) -> str:
    """The path that lists orders by a platform."""
    said = "".join(f"&{name}={value}" for name, value in more.items())
    return f"/api/orders?platform={quote(json.dumps(platform))}{said}"


async def ids(threekit: Caller, path: str) -> list[str]:
    return [one["id"] for one in (await threekit("GET", path)).body["orders"]]


# --- create --------------------------------------------------------------------------------------


async def test_an_order_is_answered_as_it_was_recorded(threekit: Caller, sandbox: Sandbox) -> None:
    answer = await threekit("POST", "/api/orders", order(name="shop order 10077"))
    assert answer.how == 200
    assert answer.body["cart"] == [entry()]
    assert answer.body["metadata"] == {"clientOrderKey": "key-0"}
    assert (answer.body["status"], answer.body["orgId"]) == ("New", ORG)
    assert (answer.body["customerId"], answer.body["items"]) == (None, [])
    assert answer.body["createdAt"] == "2026-11-22T10:00:00.000Z"
    (row,) = sandbox.live_orders("threekit")
    assert (row.ref, row.product, row.quantity, row.price) == ("key-0", "c-1", 1, Decimal(0))


async def test_every_create_makes_a_new_order(threekit: Caller, sandbox: Sandbox) -> None:
    first = await threekit("POST", "/api/orders", order())
    second = await threekit("POST", "/api/orders", order())
    assert first.body["id"] != second.body["id"]
    assert sandbox.books.duplicates("threekit") == {"key-0": 2}


@pytest.mark.parametrize(
    ("items", "cart"),
    [
        ([{"id": "c-1", "count": 2}], [{"configurationId": "c-1", "count": 2, "metadata": None}]),
        ([{"configurationId": "c-1", "count": 2}], []),
        ([{"id": "c-1", "count": "2"}], []),
        ({"id": "c-1"}, []),
        ("c-1", []),
    ],
)
async def test_old_items_of_a_wrong_shape_leave_an_empty_cart_in_silence(
    items: Any, cart: list[Any], threekit: Caller, sandbox: Sandbox
) -> None:
    body = order(items=items)
    del body["cart"]
    answer = await threekit("POST", "/api/orders", body)
    assert (answer.how, answer.body["items"], answer.body["cart"]) == (200, items, cart)
    assert len(sandbox.live_orders("threekit", "key-0")) == 1


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (None, 400, "JSON object"),
        (b"{not json", 400, "JSON object"),
        ([], 400, "JSON object"),
        (order(surprise=1), 400, "surprise must be left out"),
        (order(name=7), 400, "name must be a string"),
        (order(name="x" * 256), 422, "longer than 255"),
        (order(customerId=7), 400, "customerId must be"),
        (order(status="Shipped"), 400, "status must be one of"),
        (order(status=["New"]), 400, "status must be one of"),
        (order(platform={"Id": "10077"}), 400, "platform must be"),
        (order(platform={"id": 10077}), 400, "platform must be"),
        (order(platform="10077"), 400, "platform must be"),
        (order(metadata={"a": 1}), 400, "metadata must be"),
        (order(derivative=[]), 400, "derivative must be"),
        (order(cart={}), 400, "cart must be"),
        (order("c-1"), 400, "cart must be"),  # type: ignore[arg-type] # a wrong entry is the test
        (order(entry("")), 400, "cart must be"),
        (order(entry(count=0)), 400, "cart must be"),
        (order(entry(count=True)), 400, "cart must be"),
        (order(entry(metadata={"line": 1})), 400, "cart must be"),
        (order(entry(price=1)), 400, "cart must be"),
        (order(orgId="another"), 403, "another organization"),
        (order(derivative={"x": "y" * 100_000}), 413, "too large"),
    ],
)
async def test_a_create_outside_the_documentation_is_refused(
    body: Any, status: int, message: str, threekit: Caller, sandbox: Sandbox
) -> None:
    answer = await threekit("POST", "/api/orders", body)
    assert answer.how == status
    assert message in answer.body["message"]
    assert sandbox.books.rows("threekit") == []


async def test_a_name_of_255_characters_and_the_own_organisation_just_pass(
    threekit: Caller,
) -> None:
    answer = await threekit("POST", "/api/orders", order(name="ş" * 255, orgId=ORG))
    assert answer.how == 200


@pytest.mark.parametrize(("header", "status"), [("Bearer wrong", 401), ("", 403)])
async def test_a_wrong_token_is_a_401_and_none_is_a_403(
    header: str, status: int, threekit: Caller, sandbox: Sandbox
) -> None:
    threekit.headers["Authorization"] = header
    assert (await threekit("POST", "/api/orders", order())).how == status
    assert sandbox.books.rows("threekit") == []


async def test_a_token_in_the_query_is_not_for_servers(threekit: Caller) -> None:
    token = threekit.account["token"]
    threekit.headers["Authorization"] = ""
    assert (await threekit("POST", f"/api/orders?bearer_token={token}", order())).how == 403


# --- list and get --------------------------------------------------------------------------------


async def test_orders_are_listed_by_what_their_platform_contains(threekit: Caller) -> None:
    ours = (await threekit("POST", "/api/orders", order())).body["id"]
    other = PLATFORM | {"id": "10078"}
    theirs = (await threekit("POST", "/api/orders", order(platform=other))).body["id"]
    assert await ids(threekit, by(PLATFORM)) == [ours]
    assert await ids(threekit, by({"id": "10078"})) == [theirs]
    assert await ids(threekit, by({"platform": "ourshop"})) == [theirs, ours]
    assert await ids(threekit, by(PLATFORM | {"storeName": "another"})) == []
    assert await ids(threekit, "/api/orders") == [theirs, ours]


async def test_orders_are_listed_by_their_other_fields(threekit: Caller) -> None:
    answer = await threekit("POST", "/api/orders", order(originOrgId="reseller"))
    order_id, short_id = answer.body["id"], answer.body["shortId"]
    assert await ids(threekit, f"/api/orders?shortId={short_id}&orgId={ORG}") == [order_id]
    assert await ids(threekit, "/api/orders?originOrgId=reseller") == [order_id]
    assert await ids(threekit, "/api/orders?originOrgId=another") == []


async def test_the_list_is_paged_newest_first_with_its_whole_count(threekit: Caller) -> None:
    made = [(await threekit("POST", "/api/orders", order())).body["id"] for _ in range(5)]
    pages = []
    for page in (1, 2, 3, 4):
        answer = await threekit("GET", by(PLATFORM, page=page, perPage=2))
        assert (answer.body["count"], answer.body["page"], answer.body["perPage"]) == (5, page, 2)
        pages += [one["id"] for one in answer.body["orders"]]
    assert pages == made[::-1]
    unasked = (await threekit("GET", "/api/orders")).body
    assert (unasked["page"], unasked["perPage"]) == (1, 20)
    assert (await threekit("GET", "/api/orders?perPage=1000")).body["perPage"] == 100


@pytest.mark.parametrize(
    "query", ["platform=10077", "platform={", "page=0", "page=x", "perPage=0", "perPage=-1"]
)
async def test_a_list_of_nonsense_is_refused(query: str, threekit: Caller) -> None:
    assert (await threekit("GET", f"/api/orders?{query}")).how == 400


async def test_an_order_is_got_by_either_of_its_ids(threekit: Caller) -> None:
    made = (await threekit("POST", "/api/orders", order())).body
    for name in (made["id"], made["shortId"]):
        assert (await threekit("GET", f"/api/orders/{name}")).body == made
    assert (await threekit("GET", "/api/orders/nobody")).how == 404


# --- magic ---------------------------------------------------------------------------------------

# configuration without its prefix: (create, orders after it, status two paces on)
STORY: Final[dict[str, tuple[int | str, int, str]]] = {
    "ok": (200, 1, "New"),
    "worked-on": (200, 1, "Complete"),
    "complete": (200, 1, "Complete"),
    "draft": (200, 1, "Complete"),
    "odd-status": (200, 1, "Complete"),
    "empty-cart": (200, 1, "New"),
    "cart-hidden": (200, 1, "New"),
    "no-id": (200, 1, "New"),
    "no-metadata": (200, 1, "New"),
    "twice": ("cut", 2, "New"),
    "listed-late": ("cut", 1, "New"),
    "400": (400, 0, ""),
    "401": (401, 0, ""),
    "403": (403, 0, ""),
    "404": (404, 0, ""),
    "413": (413, 0, ""),
    "422": (422, 0, ""),
    "429": (429, 0, ""),
    "500": (500, 0, ""),
    "cut": ("cut", 1, "New"),
    "cut-before": ("cut", 0, ""),
    "reset": ("reset", 1, "New"),
    "reset-before": ("reset", 0, ""),
    "hang": ("silence", 1, "New"),
    "hang-before": ("silence", 0, ""),
    "500-once": (500, 0, ""),
    "500-executed": (500, 1, "New"),
    "404-executed": (404, 1, "New"),
    "503": (503, 0, ""),
    "garbage": (200, 1, "New"),
    "502": (502, 0, ""),
    "504": (504, 1, "New"),
    "401-once": (401, 0, ""),
    "429-twice": (429, 0, ""),
    "429-date": (429, 0, ""),
    "late": (200, 1, "New"),
    "drip": (200, 1, "New"),
}
FOR_GOOD: Final = {"400", "401", "403", "404", "413", "422", "429", "500"}
AGAIN: Final = {name for name, story in STORY.items() if story[1] == 0} - FOR_GOOD


def magic(name: str) -> dict[str, Any]:
    return order(entry(f"sandbox-{name}"))


def statuses(sandbox: Sandbox) -> Iterable[str]:
    return {row.status for row in sandbox.books.rows("threekit")}


def test_every_documented_configuration_has_its_story_told_here() -> None:
    assert [f"sandbox-{name}" for name in STORY] == [value for value, _ in magic_values("threekit")]


@pytest.mark.parametrize("name", list(STORY))
async def test_a_magic_configuration_does_what_it_says(
    name: str, threekit: Caller, sandbox: Sandbox, clock: Any
) -> None:
    created, orders, later = STORY[name]
    assert (await threekit("POST", "/api/orders", magic(name))).how == created
    assert sandbox.books.copies("threekit") == ({"key-0": orders} if orders else {})
    clock.now += timedelta(seconds=2 * PACE)
    assert statuses(sandbox) == ({later} if later else set())


@pytest.mark.parametrize("name", sorted(AGAIN))
async def test_what_did_not_count_may_be_repeated_and_is_recorded_once(
    name: str, threekit: Caller, sandbox: Sandbox
) -> None:
    for _ in range(2 if name == "429-twice" else 1):
        assert (await threekit("POST", "/api/orders", magic(name))).how == STORY[name][0]
    assert (await threekit("POST", "/api/orders", magic(name))).how == 200
    assert sandbox.books.copies("threekit") == {"key-0": 1}


@pytest.mark.parametrize("name", sorted(FOR_GOOD))
async def test_what_is_refused_for_good_stays_refused(
    name: str, threekit: Caller, sandbox: Sandbox
) -> None:
    for _ in range(3):
        assert (await threekit("POST", "/api/orders", magic(name))).how == int(name)
    assert sandbox.books.rows("threekit") == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("worked-on", ["New", "In Progress", "Complete"]),
        ("draft", ["New", "In Cart", "Complete"]),
        ("odd-status", ["On Hold", "Complete", "Complete"]),
        ("complete", ["Complete", "Complete", "Complete"]),
    ],
)
async def test_an_order_moves_on_by_itself(
    name: str, told: list[str], threekit: Caller, clock: Any
) -> None:
    made = (await threekit("POST", "/api/orders", magic(name))).body
    seen = []
    for _ in told:
        seen.append((await threekit("GET", f"/api/orders/{made['id']}")).body["status"])
        clock.now += timedelta(seconds=PACE)
    assert seen == told


async def test_what_an_answer_hides_is_recorded_all_the_same(threekit: Caller) -> None:
    for name, hidden in (("no-id", "id"), ("no-metadata", "metadata")):
        assert hidden not in (await threekit("POST", "/api/orders", magic(name))).body
    assert (await threekit("POST", "/api/orders", magic("cart-hidden"))).body["cart"] == []
    listed = (await threekit("GET", by(PLATFORM))).body["orders"]
    assert all(one["id"] and one["cart"] and one["metadata"] for one in listed)


async def test_a_cart_that_is_lost_is_lost_for_good(threekit: Caller, sandbox: Sandbox) -> None:
    made = (await threekit("POST", "/api/orders", magic("empty-cart"))).body
    assert made["cart"] == []
    assert (await threekit("GET", f"/api/orders/{made['id']}")).body["cart"] == []
    assert [(row.product, row.live) for row in sandbox.books.rows("threekit")] == [("", True)]


async def test_two_orders_of_one_create_differ_in_age(threekit: Caller) -> None:
    await threekit("POST", "/api/orders", magic("twice"))
    listed = (await threekit("GET", by(PLATFORM))).body["orders"]
    assert listed[0]["createdAt"] > listed[1]["createdAt"]


async def test_an_order_may_be_listed_late(threekit: Caller, clock: Any) -> None:
    await threekit("POST", "/api/orders", magic("listed-late"))
    assert await ids(threekit, by(PLATFORM)) == []
    clock.now += timedelta(seconds=PACE)
    assert len(await ids(threekit, by(PLATFORM))) == 1
