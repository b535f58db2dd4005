"""Intents and wishes by HTTP: checked on the spot, put on the key's producer's stream."""

import asyncio
import json
from typing import Any

import pytest

from tests.gateway.conftest import NOWHERE, Door, Opener, until, until_known
from tests.stories.conftest import gifthub, hyper
from worker.gateway import keys
from worker.gateway.bodies import INTENTS_BYTES
from worker.gateway.keys import KeyRing
from worker.store import api_keys
from worker.store.session import Boundary, Database
from worker.streams import stream_of

SECRET = "zübeyde-4711"


def raw(intent: Any) -> bytes:
    return json.dumps(intent).encode()


async def test_one_intent_comes_to_its_producers_stream_as_it_was_sent(door: Door) -> None:
    said = raw(hyper("h")).replace(b'"quantity": 1', b'"quantity":\t1')
    answer = await door.ask("POST", "/v1/intents", content=said)
    (taken,) = answer.json()["intents"]
    assert (answer.status_code, taken["index"], taken["intent_id"]) == (202, 0, "h")
    assert await door.put() == [("intent", said)]
    assert await door.redis.xlen(stream_of("shop")) == 1
    assert await door.redis.xrange(stream_of("shop"), taken["entry_id"], taken["entry_id"])


async def test_of_a_batch_the_good_ones_are_put_and_the_others_say_what_is_wrong(
    door: Door,
) -> None:
    texts = [
        raw(hyper("a")),
        raw(hyper("b") | {"colour": SECRET}),
        raw(hyper("c") | {"producer": "other"}),
        b'{"a": 1, "a": 2}',
        b'"text"',
        raw(gifthub("g")),
    ]
    answer = await door.ask("POST", "/v1/intents", content=b"[" + b" , ".join(texts) + b"]")
    assert answer.status_code == 202
    taken = answer.json()["intents"]
    assert [each.get("intent_id") for each in taken] == ["a", None, None, None, None, "g"]
    faults = [(each["fault"]["code"], each["fault"].get("path")) for each in taken[1:5]]
    assert faults == [
        ("unknown_field", "colour"),
        ("foreign_producer", "producer"),
        ("duplicate_key", "a"),
        ("not_an_object", None),
    ]
    assert await door.put() == [("intent", texts[0]), ("intent", texts[5])]
    assert SECRET not in answer.text


async def test_one_that_cannot_become_an_order_is_told_as_an_error(door: Door) -> None:
    faulty = hyper("h") | {"lines": [{"deliver_id": "d", "quantity": 1}]}
    answer = await door.ask("POST", "/v1/intents", content=raw(faulty))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "missing_field")
    assert error["path"] == "lines[0].customer_store_product_id"
    several = await door.ask("POST", "/v1/intents", content=raw([faulty, {"x": SECRET}]))
    assert (several.status_code, several.json()["error"]["code"]) == (422, "nothing_taken")
    assert [each["index"] for each in several.json()["intents"]] == [0, 1]
    assert await door.put() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"\xff", "not_utf8"),
        (b"[", "not_json"),
        (b"[]", "bad_request"),
        (b"[" * 5000, "too_deep"),
        (raw([hyper("h")] * 101), "bad_request"),
        (raw("text"), "not_an_object"),
        (b'{"intent_id": NaN}', "bad_number"),
        (b'{"x": "' + b"x" * 70_000 + b'"}', "too_large"),
    ],
)
async def test_what_is_no_intent_is_told_as_an_error(door: Door, body: bytes, code: str) -> None:
    answer = await door.ask("POST", "/v1/intents", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


async def test_a_batch_above_its_size_is_refused(door: Door) -> None:
    answer = await door.ask("POST", "/v1/intents", content=b" " * (INTENTS_BYTES + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


# --- wishes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "wish"),
    [
        (b"", b'{"intent_id":"100/45 \xc5\x9f"}'),
        (b"{}", b'{"intent_id":"100/45 \xc5\x9f"}'),
        (b'{"reason": "r"}', b'{"intent_id":"100/45 \xc5\x9f","reason":"r"}'),
    ],
)
async def test_a_wish_comes_to_the_stream(door: Door, body: bytes, wish: bytes) -> None:
    path = "/v1/intents/100%2F45%20%C5%9F/cancel"
    answer = await door.ask("POST", path, content=body)
    assert (answer.status_code, answer.json()["intent_id"]) == (202, "100/45 ş")
    assert await door.put() == [("cancel", wish)]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/intents/1/cancel", b'{"why": "r"}', "unknown_field"),
        ("/v1/intents/1/cancel", b"[]", "bad_request"),
        ("/v1/intents/1/cancel", b"{", "not_json"),
        ("/v1/intents/1/cancel", b'{"producer": "other"}', "foreign_producer"),
        ("/v1/intents/" + "x" * 129 + "/cancel", b"", "out_of_range"),
        ("/v1/intents/%00/cancel", b"", "bad_text"),
    ],
)
async def test_a_wish_that_cannot_be_read_is_told_as_an_error(
    door: Door, path: str, body: bytes, code: str
) -> None:
    answer = await door.ask("POST", path, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert await door.put() == []


# --- who may -----------------------------------------------------------------------------------


async def test_without_a_living_key_nobody_passes(door: Door, db: Database) -> None:
    revoked, disabled = api_keys.new_key(), api_keys.new_key()
    await api_keys.revoke(db, await api_keys.add(db, "shop", revoked))
    await api_keys.add(db, "other", disabled)
    async with db.transaction(Boundary.PRODUCER) as connection:
        await connection.exec_driver_sql(
            "UPDATE producers SET disabled_at = orderline_now() WHERE name = 'other'"
        )
    shown: list[str | None] = [
        None,
        "",
        "Bearer",
        door.key,
        f"Basic {door.key}",
        f"Bearer {door.key}x",
        f"Bearer {door.key[:-1]}" + ("A" if door.key[-1] != "A" else "B"),
        f"Bearer {api_keys.new_key()}",
        f"Bearer {revoked}",
        f"Bearer {disabled}",
    ]
    for header in shown:
        headers = {} if header is None else {"authorization": header}
        answer = await door.http.post("/v1/intents", content=raw(hyper("h")), headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.json()["error"]["code"] == "unauthorized"
    assert await door.put() == []


async def test_a_key_that_is_revoked_lets_nobody_in_from_the_next_look_on(
    a_gateway: Opener, api_key: str, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "REFRESH", 0.05)
    async with a_gateway(api_key) as door:
        await until_known(door)
        (key,) = await api_keys.every(db)
        assert await api_keys.revoke(db, key.key_id)

        async def is_out() -> bool:
            answer = await door.ask("GET", "/v1/orders?intent_id=x")
            return bool(answer.status_code == 401)

        await until(is_out)


@pytest.mark.usefixtures("one_minute")
async def test_a_producer_that_asks_too_often_is_told_so_and_no_other(
    a_gateway: Opener, api_key: str, db: Database
) -> None:
    other = api_keys.new_key()
    await api_keys.add(db, "other", other)
    async with a_gateway(other, gateway_calls_per_minute=10) as door:
        await until_known(door)
        door.key = api_key
        answers = [await door.ask("GET", "/v1/orders?intent_id=x") for _ in range(11)]
        assert [each.status_code for each in answers] == [404] * 10 + [429]
        door.key = other
        assert (await door.ask("GET", "/v1/orders?intent_id=x")).status_code == 404


@pytest.mark.usefixtures("one_minute")
async def test_strangers_may_not_ask_for_long(a_gateway: Opener) -> None:
    async with a_gateway(gateway_strangers_per_minute=2) as door:
        answers = [await door.http.get(path) for path in ("/docs", "/openapi.json", "/nothing")]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert (await door.http.get("/readyz")).status_code == 200
        assert (await door.callback(door.path("gifthub"))).status_code == 200


# --- outages -----------------------------------------------------------------------------------


async def test_known_keys_are_good_while_the_database_is_away(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(_: Database) -> Any:
        raise OSError("the database is away")

    monkeypatch.setattr(api_keys, "living", refused)
    ring = KeyRing(None, 1.0)  # type: ignore[arg-type] # it is never asked
    await ring.refresh()
    assert ring._keys is None
    await asyncio.sleep(0)
    answer = await door.ask("POST", "/v1/intents", content=raw(hyper("h")))
    assert answer.status_code == 202


async def test_without_the_database_from_the_start_nobody_is_turned_away_for_good(
    a_gateway: Opener,
) -> None:
    async with a_gateway(api_keys.new_key(), database_url="postgresql://127.0.0.1:1/x") as door:
        answer = await door.ask("POST", "/v1/intents", content=raw(hyper("h")))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_without_redis_nothing_is_said_to_be_taken(a_gateway: Opener, api_key: str) -> None:
    async with a_gateway(api_key, redis_url=NOWHERE) as door:
        await until_known(door)
        for path, body in (("/v1/intents", raw(hyper("h"))), ("/v1/intents/h/cancel", b"")):
            answer = await door.ask("POST", path, content=body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
