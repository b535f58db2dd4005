"""The simulated Feedback Company: as strict as its page, and what each filtercode makes happen."""

from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from tests.sandbox.conftest import PACE, Caller
from worker.sandbox import Sandbox, magic_values

NAME = "feedback_company"
EMAIL, FULLNAME = "appleseed@example.com", "John Appleseed"
TOKEN = "/api/v2/oauth2/token"
ORDERS = "/api/v2/orders"
GRANT = {"grant_type": "authorization_code"}


def order(ref: str = "ref", **fields: Any) -> dict[str, Any]:
    return {
        "external_id": ref,
        "customer": {"email": EMAIL, "fullname": FULLNAME},
        "products": [product()],
        **fields,
    }


def product(**fields: Any) -> dict[str, Any]:
    return {"external_id": "p-1", "name": "Red", "url": "https://shop.example.com/p/1", **fields}


def invitation(delay: tuple[str, Any], reminder: tuple[str, Any] | None = None) -> dict[str, Any]:
    waits = {"delay": delay} | ({} if reminder is None else {"reminder": reminder})
    return {name: {"unit": unit, "amount": n} for name, (unit, n) in waits.items()}


async def log_in(caller: Caller) -> str:
    given = {name: caller.account[name] for name in ("client_id", "client_secret")}
    answer = await caller("GET", TOKEN, params=given | GRANT)
    token: str = answer.body["access_token"]
    caller.headers["Authorization"] = f"Bearer {token}"
    return token


@pytest.fixture
async def feedback(session: aiohttp.ClientSession, sandbox: Sandbox) -> Caller:
    caller = Caller(session, sandbox, NAME)
    await log_in(caller)
    return caller


# --- tokens --------------------------------------------------------------------------------------


async def test_a_token_says_when_it_ends_as_the_page_shows(feedback: Any, clock: Any) -> None:
    given = {name: feedback.account[name] for name in ("client_id", "client_secret")}
    answer = await feedback("GET", TOKEN, params=given | GRANT)
    assert answer.body["error"] is False
    assert len(answer.body["access_token"]) == 64
    assert answer.body["expires_on"] == "November, 22 2026 11:00:00 +0000"
    clock.now += timedelta(hours=1)
    assert (await feedback("GET", "/api/v2/shop")).how == 401


async def test_a_new_token_kills_the_one_before(feedback: Any) -> None:
    older = dict(feedback.headers)
    await log_in(feedback)
    assert (await feedback("GET", "/api/v2/shop")).how == 200
    feedback.headers = older
    assert (await feedback("POST", ORDERS, order())).how == 401
    assert feedback.sandbox.books.rows(NAME) == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "wrong"}, 401),
        ({"grant_type": "password"}, 400),
        ({"scope": "all"}, 400),
    ],
)
async def test_who_asks_wrongly_gets_no_token(
    feedback: Any, params: dict[str, str], status: int
) -> None:
    given = {name: feedback.account[name] for name in ("client_id", "client_secret")}
    answer = await feedback("GET", TOKEN, params=given | GRANT | params)
    assert (answer.how, answer.body["success"]) == (status, False)
    assert (await feedback("GET", "/api/v2/shop")).how == 200


# --- orders --------------------------------------------------------------------------------------


async def test_an_order_is_taken_and_named_by_nobody(feedback: Any) -> None:
    answer = await feedback("POST", ORDERS, order())
    assert (answer.how, answer.body) == (201, {"success": True})


async def test_the_books_hold_no_customer(feedback: Any, sandbox: Sandbox) -> None:
    await feedback("POST", ORDERS, order(products=[product(), product(external_id="p-2")]))
    held = sandbox.books.as_json()[NAME]
    rows = [(row["ref"], row["product"], row["price"], row["live"]) for row in held["rows"]]
    assert rows == [("ref", "p-1", "0", True), ("ref", "p-2", "0", True)]
    assert EMAIL not in str(held)
    assert FULLNAME not in str(held)


async def test_a_repeated_id_is_refused_by_name(feedback: Any, sandbox: Sandbox) -> None:
    await feedback("POST", ORDERS, order())
    answer = await feedback("POST", ORDERS, order(filtercode="another"))
    assert (answer.how, answer.body["error"]) == (422, "external_id has already been taken")
    assert sandbox.books.copies(NAME) == {"ref": 1}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"external_id": ""}, "external_id must"),
        ({"external_id": 7}, "external_id must"),
        ({"external_id": "x" * 251}, "external_id must"),
        ({"External_id": "ref"}, "order has a field"),
        ({"customer": None}, "customer must"),
        ({"customer": {"fullname": FULLNAME}}, "customer: email is required"),
        ({"customer": {"email": "appleseed"}}, "customer.email must"),
        ({"customer": {"email": EMAIL, "fullname": " "}}, "customer.fullname must"),
        ({"customer": {"email": EMAIL, "name": FULLNAME}}, "customer has a field"),
        ({"filtercode": ""}, "filtercode must"),
        ({"filtercode": None}, "filtercode must"),
        ({"products": []}, "products must"),
        ({"products": [product(url="/p/1")]}, "products.0.url must"),
        ({"products": [product(), product(name="")]}, "products.1.name must"),
        ({"products": [product(gtin="0075678164124")]}, "products.0.gtin must"),
        ({"products": [product(gtin="075678164125")]}, "products.0.gtin must"),
        ({"products": [product(image_url="x" * 2001)]}, "products.0.image_url must"),
        ({"products": [product(price="1")]}, "products.0 has a field"),
        ({"invitation": {}}, "invitation: delay is required"),
        ({"invitation": invitation(("weeks", 1))}, "invitation.delay.unit must"),
        ({"invitation": invitation(("days", "7"))}, "invitation.delay.amount must"),
        ({"invitation": invitation(("days", -1))}, "invitation.delay.amount must"),
        ({"invitation": invitation(("days", 3), ("days", 3))}, "invitation.reminder must"),
        ({"invitation": invitation(("hours", 49), ("days", 3))}, "invitation.reminder must"),
    ],
)
async def test_what_breaks_a_rule_is_a_422_that_names_it(
    feedback: Any, sandbox: Sandbox, wrong: dict[str, Any], said: str
) -> None:
    answer = await feedback("POST", ORDERS, order() | wrong)
    assert (answer.how, answer.body["success"]) == (422, False)
    assert answer.body["error"].startswith(said)
    assert EMAIL not in answer.body["error"]
    assert sandbox.books.rows(NAME) == []


async def test_what_is_no_json_is_a_400(feedback: Any) -> None:
    assert (await feedback("POST", ORDERS, b"{not json")).how == 400


async def test_a_reminder_is_counted_on_the_calendar(feedback: Any, clock: Any) -> None:
    """On a Sunday, 5 weekdays end with the Friday; on a Monday, they end with the next one."""
    asked = invitation(("days", 6), ("weekdays", 5))
    assert (clock.now.weekday(), (await feedback("POST", ORDERS, order(invitation=asked))).how) == (
        6,
        422,
    )
    clock.now += timedelta(days=1)
    await log_in(feedback)
    assert (await feedback("POST", ORDERS, order(invitation=asked))).how == 201


# --- invitations and shop ------------------------------------------------------------------------


async def test_an_invitation_is_sent_and_then_its_reminder(feedback: Any, clock: Any) -> None:
    await feedback("POST", ORDERS, order(invitation=invitation(("days", 3), ("days", 7))))
    seen, shown = [], {}
    for _ in range(3):
        (shown,) = (await feedback("GET", "/api/v2/invitations")).body["invitations"]
        seen.append((shown["is_sent"], shown["is_reminder_sent"]))
        clock.now += PACE
    assert seen == [(False, False), (True, False), (True, True)]
    assert shown["send_at"].startswith("2026-11-25")
    assert "ref" not in shown.values()
    one = await feedback("GET", f"/api/v2/invitations/{shown['id']}")
    assert one.body["invitation"]["order_id"] == 1
    assert (await feedback("GET", "/api/v2/invitations/1")).how == 404


async def test_invitations_are_listed_by_page(feedback: Any) -> None:
    for n in range(3):
        invited = {} if n == 1 else {"invitation": invitation(("days", 0))}
        await feedback("POST", ORDERS, order(str(n), **invited))
    asked = {"page": "1", "page_size": "1", "sort": "-created_at"}
    answer = await feedback("GET", "/api/v2/invitations", params=asked)
    assert [one["order_id"] for one in answer.body["invitations"]] == [3]
    assert answer.body["meta"] == {"count": 2}


@pytest.mark.parametrize("wrong", [{"page": "0"}, {"page_size": "1001"}, {"sort": "id"}])
async def test_a_page_that_is_none_is_refused(feedback: Any, wrong: dict[str, str]) -> None:
    assert (await feedback("GET", "/api/v2/invitations", params=wrong)).how == 422


async def test_the_shop_is_shown_to_its_client(feedback: Any) -> None:
    answer = await feedback("GET", "/api/v2/shop")
    assert answer.body["shop"] == {"productReviewsEnabled": True}


# --- filtercodes ---------------------------------------------------------------------------------

# filtercode: (what the caller sees, live lines after it, what a second call sees, live lines then)
STORY: dict[str, tuple[int | str, int, int | str, int]] = {
    "ok": (201, 1, 422, 1),
    "refused": (422, 0, 422, 0),
    "refused-200": (200, 0, 200, 0),
    "error-true": (200, 0, 200, 0),
    "error-text": (400, 0, 400, 0),
    "no-access": (400, 0, 400, 0),
    "not-acceptable": (406, 0, 406, 0),
    "moved": (302, 0, 302, 0),
    "empty-204": (204, 1, 422, 1),
    "says-nothing": (200, 1, 422, 1),
    "cut-before": ("cut", 0, 201, 1),
    "cut-after": ("cut", 1, 422, 1),
    "cut-after-twice-taken": ("cut", 1, 201, 2),
    "twice-taken": (201, 1, 201, 2),
    "reset-before": ("reset", 0, 201, 1),
    "reset-after": ("reset", 1, 422, 1),
    "hang-before": ("silence", 0, 201, 1),
    "hang-after": ("silence", 1, 422, 1),
    "500-before": (500, 0, 201, 1),
    "500-after": (500, 1, 422, 1),
    "404-after": (404, 1, 422, 1),
    "503": (503, 0, 201, 1),
    "502": (502, 0, 201, 1),
    "504": (504, 1, 422, 1),
    "garbage": (200, 1, 422, 1),
    "429": (429, 0, 429, 0),
    "401": (401, 0, 401, 0),
    "drip": (201, 1, 422, 1),
    "late": (201, 1, 422, 1),
}


@pytest.mark.parametrize("code", STORY)
async def test_a_filtercode_does_what_its_story_says(
    code: str, feedback: Any, sandbox: Sandbox
) -> None:
    seen: list[int | str] = []
    for _ in range(2):
        answer = await feedback("POST", ORDERS, order(filtercode=f"sandbox-{code}"))
        seen += [answer.how, len(sandbox.live_orders(NAME))]
    assert tuple(seen) == STORY[code]
    assert sandbox.books.duplicates(NAME) == ({"ref": 2} if seen[3] == 2 else {})


def test_every_filtercode_has_its_story_told() -> None:
    assert [value for value, _ in magic_values(NAME)] == [f"sandbox-{code}" for code in STORY]


async def test_the_answers_of_some_filtercodes(feedback: Any) -> None:
    said = {}
    for code in ("empty-204", "says-nothing", "error-true", "moved"):
        answer = await feedback(
            "POST", ORDERS, order(code, filtercode=f"sandbox-{code}"), allow_redirects=False
        )
        said[code] = answer.body
    assert said == {
        "empty-204": b"",
        "says-nothing": {},
        "error-true": {"error": True},
        "moved": {},
    }
