"""Which connection a call is given, and which it is not."""

import asyncio

import pytest

from tests.http.conftest import Peer, Remote, ample
from worker.http import AiohttpTransport, Channel, Reply


class Clock:
    """A monotonic clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def ask(channel: Channel, *, commits: bool) -> Reply:
    got = await channel.send("GET", "/", deadline=ample(), commits=commits)
    assert isinstance(got, Reply), got
    return got


async def test_calls_share_a_connection_while_it_is_busy(remote: Remote) -> None:
    async with Channel(remote.url) as channel:
        for _ in range(3):
            await ask(channel, commits=True)
    assert (len(remote.hits), remote.connections) == (3, 1)


async def test_a_committing_call_gets_no_connection_that_rested_more_than_five_seconds(
    remote: Remote,
) -> None:
    clock = Clock()
    transport = AiohttpTransport(monotonic=clock)
    async with Channel(remote.url, transport=transport) as channel:
        await ask(channel, commits=True)
        clock.now += 4.9
        await ask(channel, commits=True)
        assert remote.connections == 1
        clock.now += 5.1
        await ask(channel, commits=False)
        assert remote.connections == 1
        clock.now += 5.1
        await ask(channel, commits=True)
    assert (len(remote.hits), remote.connections) == (4, 2)


async def test_an_old_connection_is_counted_from_its_last_use(remote: Remote) -> None:
    """A remote that takes long to answer does not make its connections stale."""
    clock = Clock()

    async def think_long(peer: Peer) -> None:
        while True:
            await peer.read()
            clock.now += 60
            await peer.answer()

    remote.behaviours = [think_long]
    async with Channel(remote.url, transport=AiohttpTransport(monotonic=clock)) as channel:
        await ask(channel, commits=True)
        await ask(channel, commits=True)
    assert remote.connections == 1


async def test_a_connection_the_remote_closed_meanwhile_is_not_used(remote: Remote) -> None:
    """Its FIN lies in the socket, and the loop has had no turn to read it."""
    again, left = asyncio.Event(), asyncio.Event()

    async def answer_then_leave(peer: Peer) -> None:
        await peer.read()
        await peer.answer()
        await again.wait()
        await peer.fin()
        left.set()

    remote.behaviours = [answer_then_leave]
    async with Channel(remote.url) as channel:
        await ask(channel, commits=True)
        again.set()
        await left.wait()
        await ask(channel, commits=True)
    assert (len(remote.hits), remote.connections) == (2, 2)


@pytest.mark.parametrize("turns", [0, 5], ids=["in the socket", "read by the loop"])
async def test_an_answer_to_no_question_is_not_taken_for_the_next_ones(
    remote: Remote, turns: int
) -> None:
    """Balancers send 408 to a connection that rests, sometimes long before they close it."""
    resting, said = asyncio.Event(), asyncio.Event()

    async def speak_unasked(peer: Peer) -> None:
        await peer.read()
        await peer.answer()
        await resting.wait()
        await peer.answer(b"too slow", status="408 Request Timeout")
        said.set()
        await peer.read()

    remote.behaviours = [speak_unasked]
    async with Channel(remote.url) as channel:
        await ask(channel, commits=True)
        resting.set()
        await said.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        got = await ask(channel, commits=True)
    assert got.status == 200
    assert (len(remote.hits), remote.connections) == (2, 2)


async def test_two_answers_in_one_breath_close_the_connection(remote: Remote) -> None:
    async def answer_twice(peer: Peer) -> None:
        await peer.read()
        one = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        await peer.say(one + one.replace(b"200 OK", b"500 No"))
        await peer.read()

    remote.behaviours = [answer_twice]
    async with Channel(remote.url) as channel:
        await ask(channel, commits=True)
        got = await ask(channel, commits=True)
    assert got.status == 200
    assert (len(remote.hits), remote.connections) == (2, 2)


async def test_a_channel_opens_no_more_connections_than_its_limit(remote: Remote) -> None:
    async with Channel(remote.url, limit=2) as channel:
        await asyncio.gather(*(ask(channel, commits=True) for _ in range(10)))
    assert len(remote.hits) == 10
    assert remote.connections <= 2
