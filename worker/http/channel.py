"""The way to one provider account: bytes in, a whole answer or an honest outcome out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx
from yarl import URL

from worker.clock import Clock, SystemClock
from worker.http.deadline import Deadline
from worker.http.reply import Reply
from worker.http.transport import DEFAULT_LIMIT, AiohttpTransport
from worker.outcome import Evidence, InDoubt, NotSent
from worker.skew import WHOLE_SECONDS, Ahead, ClockWatch

_HEADERS: Final = {
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "user-agent": "orderline",
}
_JSON: Final = {"content-type": "application/json"}
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

_OURS: Final = (httpx.LocalProtocolError, httpx.WriteTimeout)
"""What no provider is to blame for: a header of ours, and our own deadline for the first byte."""
_FAIR_WAIT: Final = 1.0
"""Seconds in which a connection can be had. Where our deadline left less, that it was not had in
time says nothing of the provider."""

_LOOK_EVERY: Final = timedelta(milliseconds=300)
"""Looks at different moments within a second are what makes a coarse clock's reading fine."""
_NO_CLOCK: Final = timedelta(days=1)
"""A ``Date`` that is further off is a mistake: believed, it would end every quote at once."""


@lru_cache(maxsize=256)
def _parse(url: str) -> URL:
    """Parsing costs more than anything else in building a request; most paths repeat."""
    return URL(str(httpx.URL(url)), encoded=True)


class Channel:
    """One provider account's connections: its bulkhead, never shared with another account.

    ``base_url`` may have a path, which every request's ``path`` is appended to. ``headers``
    go with every request. ``limit`` is the number of connections; a ``transport`` of one's
    own takes its place where more than that has to be set, and is closed with the channel.
    ``watch`` knows how far the provider's clock is ahead of ``clock``, from its answers.
    Make it inside a running loop.
    """

    def __init__(
        self,
        base_url: str,
        *,
        limit: int = DEFAULT_LIMIT,
        headers: Mapping[str, str] = _NO_HEADERS,
        transport: AiohttpTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("a base URL starts with https:// and names a host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("a base URL has no user, no query and no fragment")
        self._base_url = base_url.rstrip("/")
        self._headers = _HEADERS | _lowered(headers)
        self._transport = transport or AiohttpTransport(limit=limit)
        self._clock = clock or SystemClock()
        self.watch = ClockWatch()

    async def send(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        commits: bool,
        headers: Mapping[str, str] = _NO_HEADERS,
        content: bytes | None = None,
    ) -> Reply | NotSent | InDoubt:
        """Send one request at most once and wait for the whole answer.

        ``path`` starts with a slash and is sent as it is, query included. ``content`` is
        JSON unless ``headers`` say otherwise. ``commits`` says that the call may cost money:
        it gets no connection that has rested for long.

        ``NotSent``: no byte of it was written. ``InDoubt``: it may have arrived. Both say whether
        it was the other side that left it ``unanswered``. Any answer,
        redirects and errors too, is a ``Reply``. Raises ``ValueError`` for a path without its
        slash and ``httpx.InvalidURL`` for one with control characters, before anything is
        sent; a cancelled call leaves as ``CancelledError``, its connection closed.
        """
        if not path.startswith("/"):
            raise ValueError("a path starts with a slash")
        exchange = self._transport.exchange(deadline, commits=commits)
        url = _parse(self._base_url + path)
        sent = self._headers | (_JSON if content else {}) | _lowered(headers)
        asked_at, theirs = self._clock.now(), True
        try:
            async with exchange.timer:
                reply = await self._transport.ask(method, url, sent, content, exchange)
        except TimeoutError:
            reason = "timeout" if exchange.written else "deadline_passed"
            theirs = exchange.written or exchange.waited >= _FAIR_WAIT
        except httpx.TransportError as exc:
            reason, theirs = str(exc), not isinstance(exc, _OURS)
        else:
            self._look_at_clock(asked_at, reply)
            return reply
        if exchange.written:
            return InDoubt(reason, Evidence(status=exchange.status), unanswered=theirs)
        return NotSent(reason, unanswered=theirs)

    def _look_at_clock(self, asked_at: datetime, reply: Reply) -> None:
        """Once in a while: an account under load would say the same many times a second."""
        now, seen_at = self._clock.now(), self.watch.seen_at
        if seen_at is not None and timedelta(0) <= now - seen_at < _LOOK_EVERY:
            return
        if (date := reply.date) is not None and abs(date - now) < _NO_CLOCK:
            self.watch.saw(Ahead.seen(asked_at, date, now, WHOLE_SECONDS), now)

    async def aclose(self) -> None:
        """Close every connection; calls under way end as failures."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
