"""Callbacks at the gateway: proven, kept sealed, answered in the words that a provider wants."""

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest

from schemas.ids import OrderId, new_uuid
from tests.gateway.conftest import APIKEY, CARD, NOWHERE, Door, Opener
from worker.crypto import Vault
from worker.gateway.bodies import CALLBACK_BYTES
from worker.order_tokens import CallbackUrls, OrderTokens
from worker.runtime import open_tokens
from worker.streams import CALLBACKS

NOT_FOUND = {"error": {"code": "not_found", "detail": "There is nothing here."}}


# --- an order's own URL ------------------------------------------------------------------------


async def test_a_callback_at_an_orders_own_url_is_kept_sealed_with_its_order(door: Door) -> None:
    order_id = OrderId(new_uuid())
    body = json.dumps({"reference": order_id.hex, "redeemData": {"cards": [CARD]}})
    answer = await door.callback(door.path("gifthub", order_id), body, None)
    assert (answer.status_code, answer.json()) == (200, {})
    assert await door.heard() == [
        {"provider": "gifthub", "account": "default", "order": order_id.hex, "body": body}
    ]
    assert CARD not in str(await door.entries(CALLBACKS))


async def test_a_provider_with_a_proof_must_show_it_at_an_orders_own_url_too(door: Door) -> None:
    path = door.path("hyperteknoloji")
    for apikey in (b"", b"wrong", APIKEY.encode() + b"x", b"\xff\xc5\x9f", None):
        shown = [] if apikey is None else [(b"apikey", apikey)]
        answer = await door.http.post(path, content=b"{}", headers=shown)
        assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert await door.heard() == []
    answer = await door.callback(path)
    assert (answer.status_code, answer.json()) == (200, {"success": True, "message": "OK"})
    assert len(await door.heard()) == 1


async def test_a_proof_that_is_shown_twice_is_none(door: Door) -> None:
    headers = [("apikey", APIKEY), ("apikey", "wrong")]
    path = door.path("hyperteknoloji")
    answer = await door.http.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 400


async def test_an_account_without_a_proof_is_called_back_by_the_token_alone(door: Door) -> None:
    path = door.path("hyperteknoloji", account="keyless")
    for apikey in (None, "whatever the tenant sends"):
        assert (await door.callback(path, apikey=apikey)).status_code == 200
    assert {each["account"] for each in await door.heard()} == {"keyless"}


async def test_a_proof_of_one_account_is_none_of_an_order_of_another(a_gateway: Opener) -> None:
    accounts = {"hyperteknoloji": {"a": {"callback_api_key": "a"}, "b": {"callback_api_key": "b"}}}
    async with a_gateway(accounts=accounts) as door:
        path = door.path("hyperteknoloji", account="a")
        assert (await door.callback(path, apikey="b")).status_code == 400
        assert (await door.callback(path, apikey="a")).status_code == 200


# --- an account's URL --------------------------------------------------------------------------


async def test_an_account_with_a_proof_has_a_url_of_its_own(door: Door) -> None:
    path = "/callbacks/hyperteknoloji/default"
    for apikey in (None, "wrong"):
        assert (await door.callback(path, apikey=apikey)).status_code == 400
    assert (await door.callback(path, b'{"DeliverID": "x"}')).status_code == 200
    assert await door.heard() == [
        {"provider": "hyperteknoloji", "account": "default", "body": '{"DeliverID": "x"}'}
    ]


# --- what is not known -------------------------------------------------------------------------


async def test_everything_unknown_is_answered_the_same(door: Door) -> None:
    good = door.path("gifthub")
    elsewhere = CallbackUrls("", OrderTokens([Vault.new_key()]), "gifthub", "default")
    unknown = [
        "/callbacks/gifthub/default",  # has no proof
        "/callbacks/hyperteknoloji/keyless",
        "/callbacks/hyperteknoloji/nobody",
        "/callbacks/threekit/default",  # does not call back
        "/callbacks/adobe_vipm/default",  # not configured
        "/callbacks/nobody/default",
        good[:-1] + ("A" if good[-1] != "A" else "E"),
        good.replace("gifthub", "hyperteknoloji"),
        good.upper().replace("/CALLBACKS/GIFTHUB", "/callbacks/gifthub"),
        door.path("gifthub", account="another"),
        elsewhere.url_of(OrderId(new_uuid())),
        "/callbacks/gifthub/.",
        "/callbacks/gifthub/%00.%ff",
        "/callbacks/gifthub/x/y",
        "/callbacks/gifthub/",
        "/callbacks",
    ]
    answers = [await door.callback(path) for path in unknown]
    assert [(path, a.status_code, a.json()) for path, a in zip(unknown, answers, strict=True)] == [
        (path, 404, NOT_FOUND) for path in unknown
    ]
    headers = [{k: v for k, v in a.headers.items() if k != "date"} for a in answers]
    assert all(each == headers[0] for each in headers)
    assert await door.heard() == []


async def test_a_key_that_is_changed_keeps_the_urls_that_were_given_out(a_gateway: Opener) -> None:
    old, new = Vault.new_key(), Vault.new_key()
    async with a_gateway(encryption_keys=old) as door:
        given_out = door.path("gifthub")
    async with a_gateway(encryption_keys=f"{new},{old}") as door:
        assert door.path("gifthub") != given_out
        for path in (given_out, door.path("gifthub")):
            assert (await door.callback(path)).status_code == 200
    async with a_gateway(encryption_keys=new) as door:
        assert (await door.callback(given_out)).status_code == 404


# --- whatever is sent --------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"not json", b"[" * 1000, b'{"a":1}' * 1000])
async def test_whatever_it_says_is_kept(door: Door, body: bytes) -> None:
    assert (await door.callback(door.path("gifthub"), body)).status_code == 200
    (fields,) = await door.entries(CALLBACKS)
    assert door.vault.unseal(fields[b"sealed"]) == body


@pytest.mark.parametrize("declared", [True, False])
async def test_what_is_too_large_is_refused_while_it_comes(door: Door, *, declared: bool) -> None:
    async def pieces() -> Any:
        for _ in range(CALLBACK_BYTES // 1024 + 1):
            yield b"x" * 1024

    body: Any = b"x" * (CALLBACK_BYTES + 1) if declared else pieces()
    with suppress(httpx.TransportError):  # it hangs up at once: who still sends may not hear why
        answer = await door.callback(door.path("gifthub"), body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
        assert answer.headers["connection"] == "close"
    assert await door.heard() == []
    largest = b"x" * CALLBACK_BYTES
    assert (await door.callback(door.path("gifthub"), largest)).status_code == 200


async def test_other_methods_are_told_so(door: Door) -> None:
    answer = await door.http.get(door.path("gifthub"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "method_not_allowed"


# --- outages -----------------------------------------------------------------------------------


async def test_without_redis_the_provider_is_told_to_come_again(a_gateway: Opener) -> None:
    async with a_gateway(redis_url=NOWHERE) as door:
        answer = await door.callback(door.path("gifthub"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"]["code"] == "unavailable"


async def test_without_the_database_callbacks_are_taken(a_gateway: Opener) -> None:
    async with a_gateway(database_url="postgresql://127.0.0.1:1/nowhere") as door:
        assert (await door.callback(door.path("gifthub"))).status_code == 200
        assert len(await door.heard()) == 1


# --- rates -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("one_minute")
async def test_too_many_from_one_address_are_told_when_to_come_again(a_gateway: Opener) -> None:
    async with a_gateway(gateway_callbacks_per_minute=3, gateway_proxies="127.0.0.1") as door:
        path = door.path("gifthub")
        answers = [await door.callback(path) for _ in range(4)]
        assert [each.status_code for each in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert answers[-1].json()["error"]["code"] == "too_many"
        forwarded = await door.http.post(path, headers={"x-forwarded-for": "192.0.2.7"})
        assert forwarded.status_code == 200
        assert (await door.http.get("/healthz")).status_code == 200


@pytest.mark.usefixtures("one_minute")
async def test_nobody_is_believed_where_he_comes_from_but_a_trusted_proxy(
    a_gateway: Opener,
) -> None:
    async with a_gateway(gateway_callbacks_per_minute=1) as door:
        path = door.path("gifthub")
        answers = [
            await door.http.post(path, headers={"x-forwarded-for": f"192.0.2.{n}"})
            for n in range(2)
        ]
        assert [each.status_code for each in answers] == [200, 429]


@pytest.mark.usefixtures("one_minute")
async def test_addresses_of_one_site_are_counted_together(a_gateway: Opener) -> None:
    async with a_gateway(gateway_callbacks_per_minute=1, gateway_proxies="127.0.0.1") as door:
        path = door.path("gifthub")
        addresses = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
        answers = [
            await door.http.post(path, headers={"x-forwarded-for": each}) for each in addresses
        ]
        assert [each.status_code for each in answers] == [200, 429, 200]


async def test_tokens_are_the_same_whoever_makes_them(door: Door) -> None:
    """The worker that gives a URL out and the gateway that reads it are two processes."""
    order_id = OrderId(new_uuid())
    token = open_tokens(door.settings).issue("gifthub", "default", order_id)
    assert door.path("gifthub", order_id).endswith(f"/callbacks/gifthub/{token}")
