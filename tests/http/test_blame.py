"""Whether a call without an answer was the provider's doing, or ours."""

from collections.abc import Awaitable, Callable

import pytest

from tests.http.conftest import Peer, Remote, ample
from worker.decisions.breaker import failed
from worker.http import AiohttpTransport, Channel, Deadline
from worker.outcome import InDoubt, NotSent

Cut = Callable[[Peer], Awaitable[None]]


async def lost(channel: Channel, deadline: Deadline, **headers: str) -> NotSent | InDoubt:
    async with channel:
        got = await channel.send(
            "POST", "/", deadline=deadline, commits=True, content=b"{}", headers=headers
        )
    assert isinstance(got, NotSent | InDoubt)
    return got


@pytest.mark.parametrize("cut", [Peer.fin, Peer.rst, Peer.garbage, Peer.truncated, Peer.hang])
async def test_a_remote_that_does_not_answer_has_failed(remote: Remote, cut: Cut) -> None:
    async def behave(peer: Peer) -> None:
        await peer.read()
        await cut(peer)

    remote.behaviours = [behave]
    deadline = Deadline.after(start=0.5, total=0.5) if cut is Peer.hang else ample()
    assert failed(await lost(Channel(remote.url), deadline)) is True


async def test_a_remote_that_cannot_be_reached_has_failed() -> None:
    assert failed(await lost(Channel("http://nonexistent.invalid"), ample())) is True
    assert failed(await lost(Channel("http://127.0.0.1:1"), ample())) is True


@pytest.mark.parametrize(("patience", "it_failed"), [(1.2, True), (0.2, None)])
async def test_a_connection_that_is_not_had_says_something_only_after_a_fair_wait(
    deaf_port: int, patience: float, *, it_failed: bool | None
) -> None:
    transport = AiohttpTransport(connect_timeout=30)
    channel = Channel(f"http://127.0.0.1:{deaf_port}", transport=transport)
    got = await lost(channel, Deadline.after(start=patience, total=30))
    assert got == NotSent("deadline_passed")
    assert failed(got) is it_failed


async def test_what_we_did_not_send_says_nothing_of_the_remote(remote: Remote) -> None:
    assert failed(await lost(Channel(remote.url), Deadline.after(start=-1, total=30))) is None
    assert failed(await lost(Channel(remote.url), ample(), broken="a\nb")) is None
    assert remote.hits == []
