"""A provider's clock is read off its answers, and whatever it shows breaks nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.http.conftest import Peer, Remote, ample
from worker.http import Channel, Reply
from worker.skew import Ahead

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class HandClock:
    """Ours, which stands wherever the test puts it."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def dating(date: Callable[[], str | None], remote: Remote) -> None:
    """From now on the remote answers with this ``Date``, or without one."""

    async def behave(peer: Peer) -> None:
        while True:
            await peer.read()
            shown = date()
            head = "" if shown is None else f"Date: {shown}\r\n"
            await peer.say(f"HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n".encode())

    remote.behaviours = [behave] * 20


async def ask(channel: Channel) -> Reply:
    got = await channel.send("GET", "/", deadline=ample(), commits=False)
    assert isinstance(got, Reply)
    return got


@pytest.mark.parametrize("by", [30, 0, -30])
async def test_how_far_it_is_ahead_is_known_to_the_second_after_one_answer(
    remote: Remote, clock: HandClock, by: int
) -> None:
    dating(lambda: format_datetime(clock.at + by * SECOND, usegmt=True), remote)
    async with Channel(remote.url, clock=clock) as channel:
        assert channel.watch.ahead is None
        await ask(channel)
        assert channel.watch.ahead == Ahead(by * SECOND, (by + 1) * SECOND)
        assert channel.watch.seen_at == NOON


async def test_answers_at_other_moments_of_the_second_tell_it_more_finely(
    remote: Remote, clock: HandClock
) -> None:
    theirs = timedelta(seconds=30.7)
    dating(lambda: format_datetime((clock.at + theirs).replace(microsecond=0), usegmt=True), remote)
    async with Channel(remote.url, clock=clock) as channel:
        for _ in range(10):
            await ask(channel)
            clock.at += timedelta(milliseconds=310)
        assert channel.watch.ahead is not None
        assert channel.watch.ahead.least <= theirs <= channel.watch.ahead.most
        assert channel.watch.ahead.unsure < timedelta(milliseconds=100)


async def test_of_many_answers_in_a_moment_one_is_looked_at(
    remote: Remote, clock: HandClock
) -> None:
    dates = iter(range(100))
    dating(lambda: format_datetime(NOON + next(dates) * SECOND, usegmt=True), remote)
    async with Channel(remote.url, clock=clock) as channel:
        for _ in range(5):
            await ask(channel)
            clock.at += timedelta(milliseconds=59)
        assert channel.watch.seen_at == NOON
        assert channel.watch.ahead == Ahead(0 * SECOND, SECOND)
        clock.at = NOON + timedelta(milliseconds=300)
        await ask(channel)
        assert channel.watch.seen_at == clock.at


async def test_after_our_own_clock_was_set_back_the_next_answer_is_looked_at(
    remote: Remote, clock: HandClock
) -> None:
    dating(lambda: format_datetime(NOON, usegmt=True), remote)
    async with Channel(remote.url, clock=clock) as channel:
        await ask(channel)
        clock.at = NOON - 60 * SECOND
        await ask(channel)
        assert channel.watch.ahead == Ahead(60 * SECOND, 61 * SECOND)


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "yesterday",
        "Sun, 99 Nov 2026 12:00:00 GMT",
        f"Sun, 22 Nov {'9' * 30} 12:00:00 GMT",
        f"Sun, 22 Nov 2026 12:00:00 +{'9' * 30}",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 23 Nov 2026 12:00:00 GMT",
    ],
)
async def test_an_answer_whose_date_cannot_be_meant_is_an_answer_like_any_other(
    remote: Remote, clock: HandClock, date: str | None
) -> None:
    dating(lambda: date, remote)
    async with Channel(remote.url, clock=clock) as channel:
        assert (await ask(channel)).status == 200
        assert channel.watch.ahead is None


@pytest.mark.parametrize(
    "date",
    [
        "Sun, 22 Nov 2026 12:00:00 -0000",
        "Sunday, 22-Nov-26 12:00:00 GMT",
        "Sun Nov 22 12:00:00 2026",
    ],
)
async def test_every_form_of_a_date_is_read_as_utc(
    remote: Remote, clock: HandClock, date: str
) -> None:
    dating(lambda: date, remote)
    async with Channel(remote.url, clock=clock) as channel:
        assert (await ask(channel)).date == NOON
        assert channel.watch.ahead == Ahead(0 * SECOND, SECOND)


async def test_a_call_that_was_not_answered_tells_nothing(remote: Remote) -> None:
    async def leave(peer: Peer) -> None:
        await peer.read()
        await peer.say(b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n")
        await peer.rst()

    remote.behaviours = [leave]
    async with Channel(remote.url) as channel:
        await channel.send("GET", "/", deadline=ample(), commits=True)
        assert channel.watch.ahead is None
