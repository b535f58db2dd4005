"""What every request passes: one line in the log, harmless headers, an end to waiting."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from tests.gateway.conftest import APIKEY, CARD, NOWHERE, Door, Opener
from worker import logs
from worker.gateway import callbacks
from worker.gateway.front import HEADERS
from worker.gateway.openapi import an_app
from worker.streams import CALLBACKS


def lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


@pytest.fixture
def told(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Iterator[Callable[[], str]]:
    """Log from here on as a gateway does; the second call gives what was written."""
    root = logging.getLogger()
    before, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    caplog.set_level("WARNING", "httpx")  # the test's own client tells every path

    def begin_and_end() -> str:
        if root.handlers == before:
            logs.configure("json")
        return capsys.readouterr().err

    yield begin_and_end
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)
    logging.raiseExceptions = raising


async def test_a_request_is_one_line_with_its_routes_template(
    door: Door, told: Callable[[], str]
) -> None:
    told()
    path = door.path("hyperteknoloji")
    token = path.rpartition("/")[2]
    body = json.dumps({"DeliveryData": [CARD]})
    await door.callback(path, body)
    await door.callback(path, body, "wrong-key-0815")
    await door.callback(path + "x", body)
    await door.callback(f"/nothing/{token}?token={token}", body)
    await door.ask("GET", "/v1/orders?intent_id=secret-0815")
    await door.http.request("SECRET-0815", "/healthz")
    written = told()
    requests = [each for each in lines(written) if each["event"] == "request"]
    template = "/callbacks/{provider}/{name}"
    assert [(each["method"], each["route"], each["status"]) for each in requests] == [
        ("POST", template, 200),
        ("POST", template, 400),
        ("POST", template, 404),
        ("POST", "none", 404),
        ("GET", "/v1/orders", 404),
        ("other", "/healthz", 405),
    ]
    assert all(each["milliseconds"] >= 0 for each in requests)
    for hidden in (token, token.partition(".")[0], APIKEY, CARD, door.key, "0815"):
        assert hidden not in written


async def test_a_request_is_in_the_trace_that_its_caller_names_or_in_one_of_its_own(
    door: Door, told: Callable[[], str]
) -> None:
    told()
    theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
    for said in (f"00-{theirs}-00f067aa0ba902b7-01", "00-secret-0815-01", ""):
        await door.http.get("/healthz", headers={"traceparent": said})
    first, second, third = (each["trace"] for each in lines(told()) if each["event"] == "request")
    assert first == theirs
    assert len({first, second, third}) == 3
    assert all(len(each) == 32 and int(each, 16) for each in (second, third))


async def test_a_mistake_of_ours_is_told_without_its_words(
    door: Door, told: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> str:
        raise RuntimeError(f"in the midst of {CARD}")

    told()
    monkeypatch.setattr(callbacks, "put_callback", broken)
    answer = await door.callback(door.path("gifthub"), CARD)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
    written = told()
    (failed,) = [each for each in lines(written) if each["event"] == "request_failed"]
    assert "RuntimeError" in failed["exception"]
    assert CARD not in written + answer.text
    assert "/callbacks/gifthub" not in written


async def test_who_sends_too_slowly_is_told_so(a_gateway: Opener) -> None:
    async with a_gateway(gateway_timeout=0.15) as door:
        reader, writer = await connected(door)
        writer.write(head_of(door.path("gifthub")) + b"{")
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in answer.lower()
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "timed_out"
        assert await door.redis.xlen(CALLBACKS) == 0
        assert (await door.http.get("/healthz")).status_code == 200


async def connected(door: Door) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(door.http.base_url.host, door.http.base_url.port)


def head_of(path: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()


async def test_what_takes_us_too_long_may_be_asked_for_again(
    a_gateway: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: object, **__: object) -> str:
        await asyncio.sleep(0.4)
        return ""

    monkeypatch.setattr(callbacks, "put_callback", stuck)
    async with a_gateway(gateway_timeout=0.1) as door:
        answer = await door.callback(door.path("gifthub"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_who_goes_away_in_the_midst_does_no_harm(door: Door) -> None:
    _, writer = await connected(door)
    writer.write(head_of(door.path("gifthub")) + b"{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await door.http.get("/healthz")).status_code == 200
    assert await door.redis.xlen(CALLBACKS) == 0


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/v1/orders", "/openapi.json"])
async def test_every_answer_is_kept_by_nobody_and_runs_nothing(door: Door, path: str) -> None:
    answer = await door.http.get(path)
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert "server" not in answer.headers


# --- is it alive, and how is it used -----------------------------------------------------------


async def test_it_is_alive_and_ready(door: Door) -> None:
    assert (await door.http.get("/healthz")).json() == {"status": "ok"}
    ready = await door.http.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"redis": "up", "database": "up"})


async def test_without_redis_it_is_alive_and_not_ready(a_gateway: Opener) -> None:
    async with a_gateway(redis_url=NOWHERE) as door:
        assert (await door.http.get("/healthz")).status_code == 200
        ready = await door.http.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"redis": "away", "database": "up"})


async def test_without_the_database_it_is_ready_and_says_so(a_gateway: Opener) -> None:
    async with a_gateway(database_url="postgresql://127.0.0.1:1/nowhere") as door:
        ready = await door.http.get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"redis": "up", "database": "away"})


async def test_the_page_for_people_needs_nothing_from_elsewhere(door: Door) -> None:
    page = await door.http.get("/docs")
    assert "://" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"/assets/{asset}" in page.text
        assert (await door.http.get(f"/assets/{asset}")).status_code == 200
    assert (await door.http.get("/assets/../app.py")).status_code == 404


async def test_the_document_says_what_there_is(door: Door) -> None:
    document = (await door.http.get("/openapi.json")).json()
    assert set(document["paths"]) == {
        "/v1/intents",
        "/v1/intents/{intent_id}/cancel",
        "/v1/orders",
        "/v1/orders/{order_id}",
        "/callbacks/{provider}/{name}",
        "/healthz",
        "/readyz",
    }
    schemas = document["components"]["schemas"]
    assert set(schemas["Intent"]["discriminator"]["mapping"]) >= {"gifthub", "hyperteknoloji"}
    assert "HTTPValidationError" not in schemas
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["description"]


def test_the_framework_tells_nobody_what_it_saw() -> None:
    """Its telemetry has whole paths and bodies in it, and what exceptions say."""
    assert not an_app()._native_telemetry.enabled()
