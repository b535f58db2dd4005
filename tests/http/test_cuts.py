"""What is known of a call when its connection is cut, and that it is never sent twice.

A request sent again would meet a polite remote on its next connection: it would be answered,
and counted. So a wrong ``Reply`` or a hit too many is what a resend looks like here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.http.conftest import Behaviour, Peer, Remote, ample
from worker.http import Channel, Deadline, Reply
from worker.outcome import InDoubt

Cut = Callable[[Peer], Awaitable[None]]


def cut_short(cut: Cut, *, after_reading: bool, reused: bool) -> Behaviour:
    async def behave(peer: Peer) -> None:
        if reused:
            await peer.read()
            await peer.answer()
        await (peer.read() if after_reading else peer.arrival())
        await cut(peer)

    return behave


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
@pytest.mark.parametrize("reused", [False, True], ids=["fresh", "reused"])
@pytest.mark.parametrize("after_reading", [False, True], ids=["unread", "read"])
@pytest.mark.parametrize("cut", [Peer.fin, Peer.rst, Peer.garbage, Peer.truncated, Peer.hang])
async def test_a_cut_call_is_in_doubt_and_arrives_at_most_once(
    remote: Remote, cut: Cut, method: str, *, after_reading: bool, reused: bool
) -> None:
    remote.behaviours = [cut_short(cut, after_reading=after_reading, reused=reused)]
    content = None if method == "GET" else b'{"buy":1}'
    async with Channel(remote.url) as channel:
        if reused:
            warm = await channel.send("GET", "/", deadline=ample(), commits=False)
            assert isinstance(warm, Reply)
            remote.hits.clear()
        # The cut counts from the write on, so that a slow machine cannot turn it into NotSent.
        end = time.monotonic() + (0.1 if cut is Peer.hang else 30)
        deadline = Deadline(start_by=ample().start_by, end_by=end)
        got = await channel.send(method, "/order", deadline=deadline, commits=True, content=content)
        assert isinstance(got, InDoubt), got
        assert len(remote.hits) == int(after_reading)
        assert remote.connections == 1


async def test_put_lost_on_a_reused_connection_reaches_the_remote_once(remote: Remote) -> None:
    """aiohttp would send it again, by itself."""

    async def answer_then_die(peer: Peer) -> None:
        await peer.read()
        await peer.answer()
        await peer.read()
        await peer.rst()

    remote.behaviours = [answer_then_die]
    async with Channel(remote.url) as channel:
        await channel.send("GET", "/", deadline=ample(), commits=True)
        got = await channel.send("PUT", "/order", deadline=ample(), commits=True, content=b"{}")
    assert got == InDoubt("connection_lost")
    assert [hit.split(b" ")[0] for hit in remote.hits] == [b"GET", b"PUT"]


async def test_a_status_without_its_whole_body_is_kept_as_evidence(remote: Remote) -> None:
    remote.behaviours = [cut_short(Peer.truncated, after_reading=True, reused=False)]
    async with Channel(remote.url) as channel:
        got = await channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")
    assert isinstance(got, InDoubt)
    assert got.reason == "body_broken"
    assert got.evidence.status == 200


async def test_a_slow_drip_is_cut_at_the_end_of_the_call(remote: Remote) -> None:
    async def drip(peer: Peer) -> None:
        await peer.read()
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await peer.say(b" ")
            await asyncio.sleep(0.01)

    remote.behaviours = [drip]
    async with Channel(remote.url) as channel:
        deadline = Deadline(start_by=ample().start_by, end_by=time.monotonic() + 0.2)
        got = await channel.send("POST", "/order", deadline=deadline, commits=True, content=b"{}")
    assert isinstance(got, InDoubt)
    assert got.reason == "timeout"
    assert len(remote.hits) == 1


async def test_a_broken_connection_is_not_used_again(remote: Remote) -> None:
    """The rest of a truncated answer must not become the start of the next one."""

    async def garble_then_go_on(peer: Peer) -> None:
        await peer.read()
        await peer.say(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"
        )
        await polite_never(peer)

    async def polite_never(peer: Peer) -> None:
        await peer.read()
        await peer.answer(b'{"from":"the broken one"}')

    remote.behaviours = [garble_then_go_on]
    async with Channel(remote.url) as channel:
        first = await channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")
        second = await channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")
    assert isinstance(first, InDoubt)
    assert first.reason == "body_broken"
    assert isinstance(second, Reply)
    assert second.json() == {"ok": True}
    assert remote.connections == 2


async def test_a_cancelled_call_is_cancelled_and_its_connection_closed(remote: Remote) -> None:
    farewell = asyncio.get_running_loop().create_future()

    async def wait_for_the_end(peer: Peer) -> None:
        await peer.read()
        reading.set()
        try:
            await peer.read()
        except (EOFError, ConnectionError):
            farewell.set_result(None)
            raise

    reading = asyncio.Event()
    remote.behaviours = [wait_for_the_end]
    async with Channel(remote.url, limit=1) as channel:
        call = asyncio.create_task(
            channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")
        )
        await reading.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(10):
            await farewell
        # The only place in the pool is free again.
        got = await channel.send("POST", "/order", deadline=ample(), commits=True, content=b"{}")
        assert isinstance(got, Reply)
    assert remote.connections == 2


async def test_closing_the_channel_puts_calls_under_way_in_doubt(remote: Remote) -> None:
    reading = asyncio.Event()

    async def listen(peer: Peer) -> None:
        await peer.read()
        reading.set()
        await peer.read()

    remote.behaviours = [listen]
    channel = Channel(remote.url)
    call = asyncio.create_task(
        channel.send("PUT", "/order", deadline=ample(), commits=True, content=b"{}")
    )
    await reading.wait()
    await channel.aclose()
    got = await call
    assert isinstance(got, InDoubt)
    assert len(remote.hits) == 1
