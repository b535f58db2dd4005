"""What goes out, what comes back, and what is not followed."""

import gzip
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.http.conftest import Behaviour, Peer, Remote, ample
from worker.http import AiohttpTransport, Channel, Deadline, Reply, Unreadable
from worker.outcome import InDoubt

MIB = 1024 * 1024


def saying(raw: bytes) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.read()
        await peer.say(raw)

    return behave


def packed(body: bytes, coding: str) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def call(channel: Channel) -> Reply | object:
    async with channel:
        return await channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")


async def test_a_request_goes_out_as_it_was_given(remote: Remote) -> None:
    async with Channel(remote.url + "/api/", headers={"X-Region": "eu", "X-Other": "1"}) as channel:
        await channel.send(
            "PUT",
            "/orders/a%2Fb?ref=x%20y",
            deadline=ample(),
            commits=True,
            headers={"x-region": "tr", "Authorization": "Bearer t"},
            content=b'{"n":1}',
        )
    head, body = remote.hits[0].split(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    assert first == "PUT /api/orders/a%2Fb?ref=x%20y HTTP/1.1"
    assert body == b'{"n":1}'
    assert {line.lower() for line in fields} == {
        f"host: 127.0.0.1:{remote.port}",
        "accept: application/json",
        "accept-encoding: gzip, deflate",
        "user-agent: orderline",
        "content-type: application/json",
        "content-length: 7",
        "authorization: bearer t",
        "x-region: tr",
        "x-other: 1",
    }


async def test_a_form_is_sent_as_a_form(remote: Remote) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    async with Channel(remote.url) as channel:
        await channel.send(
            "POST", "/token", deadline=ample(), commits=False, headers=form, content=b"a=b"
        )
    assert remote.hits[0].lower().count(b"content-type:") == 1
    assert b"x-www-form-urlencoded" in remote.hits[0]


@pytest.mark.parametrize("path", ["order", "", "@evil.example/", ".evil.example/"])
async def test_a_path_cannot_change_the_host(remote: Remote, path: str) -> None:
    async with Channel(remote.url) as channel:
        with pytest.raises(ValueError, match="slash"):
            await channel.send("GET", path, deadline=ample(), commits=False)


@pytest.mark.parametrize(
    "url", ["", "shop.example", "ftp://shop.example", "https://u:p@shop.example", "https://a/?q"]
)
def test_a_base_url_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="base URL") as caught:
        Channel(url)
    assert "shop" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(remote: Remote, status: int) -> None:
    where = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {remote.url}/x\r\nContent-Length: 0\r\n\r\n"
    remote.behaviours = [saying(where.encode())]
    got = await call(Channel(remote.url))
    assert isinstance(got, Reply)
    assert got.status == status
    assert len(remote.hits) == 1


async def test_a_cookie_is_not_kept(remote: Remote) -> None:
    async def set_cookie(peer: Peer) -> None:
        await peer.read()
        await peer.say(b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=1; Path=/\r\nContent-Length: 0\r\n\r\n")
        await peer.read()
        await peer.answer()

    remote.behaviours = [set_cookie]
    async with Channel(remote.url) as channel:
        for _ in range(2):
            await channel.send("GET", "/", deadline=ample(), commits=True)
    assert len(remote.hits) == 2
    assert b"sid" not in remote.hits[1]


async def test_an_answer_without_body_is_whole(remote: Remote) -> None:
    remote.behaviours = [saying(b"HTTP/1.1 204 No Content\r\n\r\n")]
    got = await call(Channel(remote.url))
    assert isinstance(got, Reply)
    assert (got.status, got.body) == (204, b"")


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_packed_answer_is_unpacked(remote: Remote, coding: str, pack: object) -> None:
    assert callable(pack)
    remote.behaviours = [saying(packed(pack(b'{"n":1}'), coding))]
    got = await call(Channel(remote.url))
    assert isinstance(got, Reply)
    assert got.json() == {"n": 1}
    assert "content-encoding" not in got.headers


async def test_a_bomb_is_given_up_long_before_it_has_unfolded(remote: Remote) -> None:
    bomb = gzip.compress(bytes(200 * MIB), compresslevel=9)
    remote.behaviours = [saying(packed(bomb, "gzip"))]
    tracemalloc.start()
    try:
        got = await call(Channel(remote.url))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(got, InDoubt)
    assert got.reason == "body_too_large"
    assert peak < 8 * MIB


@pytest.mark.parametrize(("size", "whole"), [(1000, True), (1001, False)])
async def test_a_body_may_be_as_large_as_the_cap(remote: Remote, size: int, *, whole: bool) -> None:
    async def answer(peer: Peer) -> None:
        await peer.read()
        await peer.answer(bytes(size))

    remote.behaviours = [answer]
    got = await call(Channel(remote.url, transport=AiohttpTransport(max_body=1000)))
    assert isinstance(got, Reply if whole else InDoubt)


async def test_an_answer_longer_than_it_says_is_taken_at_its_word(remote: Remote) -> None:
    """What follows belongs to nobody, and its connection carries nothing else."""
    lie = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{"paid":true}'
    remote.behaviours = [saying(lie)]
    async with Channel(remote.url) as channel:
        got = await channel.send("GET", "/", deadline=ample(), commits=True)
        if isinstance(got, Reply):
            assert got.body == b"{}"
        await channel.send("GET", "/", deadline=ample(), commits=True)
    assert remote.connections == 2


async def test_a_reply_shows_neither_body_nor_headers() -> None:
    shown = repr(Reply(200, {"set-cookie": "s3cret"}, b"s3cret"))
    assert "s3cret" not in shown


def reply(body: bytes = b"", **headers: str) -> Reply:
    return Reply(200, {name.replace("_", "-"): text for name, text in headers.items()}, body)


def test_fractions_are_decimals() -> None:
    assert reply(b'{"total":19.90}').json() == {"total": Decimal("19.90")}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>s3cret",
        b'{"s3cret":',
        b"\xff\xfe\xfds3cret",
        b'{"s3cret":NaN}',
        b'{"s3cret":-Infinity}',
        b"1e" + b"9" * 40,
        b"9" * 5000,
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_says_so_and_quotes_nothing(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        reply(body).json()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta()),
        ("0" * 30 + "7", timedelta(seconds=7)),
        ("9" * 30, timedelta(days=365)),
        ("Sun, 22 Nov 2026 10:01:30 GMT", timedelta(seconds=90)),
        ("Sun, 22 Nov 2026 10:01:30 -0000", timedelta(seconds=90)),
        ("Sun, 22 Nov 2026 09:00:00 GMT", timedelta()),
        ("Sun, 22 Nov 9026 10:00:00 GMT", timedelta(days=365)),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Sun, 99 Nov 2026 10:01:30 GMT", None),
        (f"Sun, 22 Nov {'9' * 30} 10:01:30 GMT", None),
        (f"Sun, 22 Nov 2026 10:01:30 +{'9' * 30}", None),
    ],
)
def test_retry_after_is_understood(header: str, wait: timedelta | None) -> None:
    assert reply(retry_after=header).retry_after(NOW) == wait


def test_no_wish_to_wait_is_no_wait() -> None:
    assert reply().retry_after(NOW) is None


def test_a_deadline_takes_spans_and_seconds() -> None:
    mixed = Deadline.after(start=timedelta(seconds=2), total=5.0, now=100.0)
    assert mixed == Deadline(start_by=102.0, end_by=105.0)
    assert mixed.remaining(now=101.0) == 4.0
    assert not mixed.started_too_late(now=101.9)
    assert mixed.started_too_late(now=102.0)


def test_what_began_in_time_may_go_on_until_its_end() -> None:
    begun = Deadline(start_by=102.0, end_by=105.0).begun()
    assert begun == Deadline(start_by=105.0, end_by=105.0)


def test_nothing_may_start_after_its_own_end() -> None:
    assert Deadline.after(start=60, total=30, now=0.0) == Deadline(start_by=30.0, end_by=30.0)
