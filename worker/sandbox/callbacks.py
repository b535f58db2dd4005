"""Callbacks from the remotes to whoever ordered: due by the remote's clock, tried a few times.

They go to this machine only (``SandboxSettings.callback_hosts``), so that a sandbox cannot be
talked into calling anybody else.
"""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp
from yarl import URL

from worker.sandbox.journal import Entry, Journal
from worker.sandbox.settings import SandboxSettings

TICK: Final = 0.05
"""Seconds between two looks at a clock that may be moved by hand."""
AT_ONCE: Final = 64
"""How many callbacks may be under way at the same time."""
FIRST_WAIT: Final = 0.2
"""Seconds between the first and the second try; doubled each time."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One message a remote owes. ``tries`` bounds how often it is sent until a 2xx."""

    remote: str
    url: str = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)
    tries: int = 3


class Callbacks:
    """Sends what is due. ``run`` is the only background task of a sandbox."""

    def __init__(
        self, clock: Callable[[], datetime], journal: Journal, settings: SandboxSettings
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._settings = settings
        self._waiting: list[tuple[datetime, int, Callback]] = []
        self._pushed = 0
        self._wake = asyncio.Event()

    def push(self, due: datetime, callback: Callback) -> None:
        """Owe a callback from ``due`` on. Those due at the same time keep their order."""
        if not self._settings.callbacks:
            return
        self._pushed += 1
        heapq.heappush(self._waiting, (due, self._pushed, callback))
        self._wake.set()

    def clear(self) -> None:
        """Forget everything that was not sent yet."""
        self._waiting.clear()

    async def run(self) -> None:
        """Send callbacks until cancelled."""
        gate = asyncio.Semaphore(AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            asyncio.TaskGroup() as tries,
        ):
            while True:
                self._wake.clear()
                while self._waiting and self._waiting[0][0] <= self._clock():
                    callback = heapq.heappop(self._waiting)[2]
                    await gate.acquire()
                    task = tries.create_task(self._send(session, callback))
                    task.add_done_callback(lambda _: gate.release())
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(TICK if self._waiting else None):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _send(self, session: aiohttp.ClientSession, callback: Callback) -> None:
        if _host(callback.url) not in self._settings.callback_hosts:
            self._note(callback, None, "refused: not one of the allowed callback hosts")
            return
        for number in range(1, callback.tries + 1):
            status = await self._try(session, callback)
            self._note(callback, status, f"try {number} of {callback.tries}")
            if status is not None and status // 100 == 2:  # noqa: PLR2004 -- any 2xx
                return
            if number < callback.tries:
                await asyncio.sleep(FIRST_WAIT * 2 ** (number - 1))

    async def _try(self, session: aiohttp.ClientSession, callback: Callback) -> int | None:
        try:
            async with session.post(
                callback.url, json=callback.body, headers=callback.headers, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    def _note(self, callback: Callback, status: int | None, note: str) -> None:
        """Write a try down by host only: the path of a callback URL may be its secret."""
        self._journal.add(
            Entry(
                at=self._clock(),
                remote=callback.remote,
                operation="callback",
                method="POST",
                path=f"//{_host(callback.url) or '?'}",
                executed=status is not None,
                status=status,
                note=note,
            )
        )


def _host(url: str) -> str | None:
    try:
        return URL(url).host
    except ValueError:
        return None
