"""A sandbox by hand: its clock moves only when told, and callers that report what befell them."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from worker.sandbox import Fault, Sandbox, SandboxSettings

PACE = timedelta(seconds=0.05)
SILENT = frozenset({Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.ENDLESS_DRIP})


class HandClock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that surely happens soon."""
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.002)


@dataclass(frozen=True)
class Answer:
    """What a caller saw: an HTTP status with its body, or how the connection ended."""

    how: int | str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Caller:
    """Calls one remote with a fresh connection each time, so that nothing is resent in secret."""

    def __init__(self, session: aiohttp.ClientSession, sandbox: Sandbox, remote: str) -> None:
        self.sandbox = sandbox
        self.remote = remote
        self.account = sandbox.account_settings()[remote]["default"]
        self.headers: dict[str, str] = {}
        self._session = session

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """Call, and be cut off, reset, answered, or left in silence after the remote looked."""
        before = len(self.sandbox.journal.entries)
        call = asyncio.create_task(self._call(method, path, body, **more))
        await until(lambda: call.done() or len(self.sandbox.journal.entries) > before)
        finished, _ = await asyncio.wait({call}, timeout=self._patience())
        if finished:
            return call.result()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        return Answer("silence")

    def _patience(self) -> float:
        """Only a silence that was asked for is waited for briefly."""
        entries = self.sandbox.journal.entries
        return 0.05 if entries and entries[-1].fault in SILENT else 20

    async def _call(self, method: str, path: str, body: Any, **more: Any) -> Answer:
        url = self.sandbox.url(self.remote) + path
        data = body if isinstance(body, bytes) else json.dumps(body)
        headers = self.headers | more.pop("headers", {})
        try:
            async with self._session.request(
                method, url, data=data, headers=headers, **more
            ) as answer:
                raw, given = await answer.read(), dict(answer.headers)
        except aiohttp.ServerDisconnectedError:
            return Answer("cut")
        except aiohttp.ClientPayloadError:
            return Answer("torn")
        except aiohttp.ClientConnectorError:
            return Answer("refused")
        except aiohttp.ClientOSError as problem:
            return Answer("reset" if problem.errno == errno.ECONNRESET else repr(problem))
        try:
            return Answer(answer.status, json.loads(raw, parse_float=Decimal), given)
        except ValueError:
            return Answer(answer.status, raw, given)


class Receiver:
    """Takes callbacks. ``answers`` are the statuses of the next ones, 200 after them."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[dict[str, Any], dict[str, str]]] = asyncio.Queue()
        self.answers: list[int] = []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.Response:
        await self.got.put((await request.json(), dict(request.headers)))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            return (await self.got.get())[0]


@pytest.fixture(name="until")
def give_until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    return until


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def settings() -> SandboxSettings:
    return SandboxSettings(pace=PACE.total_seconds(), drip=0.0001)


@pytest.fixture
async def sandbox(clock: HandClock, settings: SandboxSettings) -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=clock, settings=settings) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        session._retry_connection = False  # or a cut PUT would be sent again unseen
        yield session


@pytest.fixture
async def hyper(session: aiohttp.ClientSession, sandbox: Sandbox) -> Caller:
    """A caller of Hyperteknoloji, logged in."""
    caller = Caller(session, sandbox, "hyperteknoloji")
    credentials = {"Email": caller.account["email"], "Password": caller.account["password"]}
    answer = await caller("POST", "/Login/Customer/Api/Verify", credentials)
    caller.headers["Authorization"] = f"Bearer {answer.body['data']['Token']}"
    return caller


@pytest.fixture
def gifthub(session: aiohttp.ClientSession, sandbox: Sandbox) -> Caller:
    """A caller of Gifthub, with its token."""
    caller = Caller(session, sandbox, "gifthub")
    caller.headers["Authorization"] = f"Bearer {caller.account['token']}"
    return caller


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Somebody to call back."""
    receiver = Receiver()
    server = web.Server(receiver.handle, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/callbacks/secret"
    yield receiver
    listening.close()
    server.pre_shutdown()
    await server.shutdown(timeout=1)
