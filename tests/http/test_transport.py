"""The whole httpx client over our transport, and what its exceptions promise."""

import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.http.conftest import Behaviour, Peer, Remote
from worker.http import AiohttpTransport


def client(transport: AiohttpTransport | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport or AiohttpTransport(), trust_env=False)


async def test_the_whole_client_works(remote: Remote) -> None:
    async def redirect(peer: Peer) -> None:
        await peer.read()
        await peer.say(b"HTTP/1.1 303 See\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")
        await peer.read()
        await peer.answer(b'{"n":1}')

    remote.behaviours = [redirect]
    async with client() as http:
        got = await http.post(f"{remote.url}/here", json={"a": 1}, follow_redirects=True)
    assert got.json() == {"n": 1}
    assert [hit.split(b" ")[1] for hit in remote.hits] == [b"/here", b"/there"]
    assert remote.hits[0].lower().count(b"content-length") == 1


async def test_a_streamed_body_is_framed_once(remote: Remote) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"ab"
        yield b"cd"

    async with client() as http:
        await http.post(remote.url, content=pieces())
    assert remote.hits[0].endswith(b"\r\n\r\nabcd")
    assert b"transfer-encoding" not in remote.hits[0].lower()


async def test_a_streamed_answer_may_be_left_unread(remote: Remote) -> None:
    async with client() as http, http.stream("GET", remote.url) as got:
        assert got.status_code == 200


async def cut(peer: Peer) -> None:
    await peer.read()
    await peer.rst()


async def hang(peer: Peer) -> None:
    await peer.read()


async def babble(peer: Peer) -> None:
    await peer.read()
    await peer.garbage()


async def stop_short(peer: Peer) -> None:
    await peer.read()
    await peer.truncated()


@pytest.mark.parametrize("behaviour", [cut, hang, babble, stop_short])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_no_exception_after_connecting_speaks_of_connecting(
    remote: Remote, behaviour: Behaviour, method: str
) -> None:
    remote.behaviours = [behaviour]
    async with client() as http:
        with pytest.raises(httpx.TransportError) as caught:
            await http.request(method, remote.url, timeout=httpx.Timeout(30, read=0.2))
    assert not isinstance(caught.value, httpx.ConnectError | httpx.ConnectTimeout)
    assert len(remote.hits) == 1


async def test_a_refused_connection_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    async with client() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"http://127.0.0.1:{port}")
