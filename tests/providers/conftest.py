"""What stands behind every adapter's tests: the sandbox, its clock, a remote that writes down."""

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.providers.applying import is_told
from tests.providers.trial import remote_of
from worker.sandbox import Sandbox, SandboxSettings

PACE = timedelta(seconds=0.1)
"""Between the stages of a sandbox order by the sandbox's clock; a late answer takes it really."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell a story once for each committing ``step``, or each documented ``failure``."""
    if "step" in metafunc.fixturenames and metafunc.cls is not None:
        metafunc.parametrize("step", metafunc.cls.calls())
    if "failure" in metafunc.fixturenames and metafunc.cls is not None:
        remote = remote_of(metafunc.cls.provider)
        rows = [one for one in remote.documented if one.operation not in metafunc.cls.elsewhere]
        metafunc.parametrize("failure", rows, ids=lambda one: f"{one.operation} {one.name}")


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem() -> Generator[None, Any, Any]:
    """Leave out the stories that do not apply to the provider of their class."""
    found = yield
    return [*filter(is_told, found)] if isinstance(found, list) else found


class RemoteClock:
    """The sandbox's clock. It stands still until a story moves it."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self._now

    def pass_paces(self, paces: float = 1) -> None:
        self._now += paces * PACE


@pytest.fixture
def remote_clock() -> RemoteClock:
    return RemoteClock()


@pytest.fixture
async def sandbox(remote_clock: RemoteClock) -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(pace=PACE.total_seconds(), callbacks=False, drip=0.0005)
    async with Sandbox(clock=remote_clock, settings=settings) as running:
        yield running


@dataclass
class Recorder:
    """A remote that writes down what it is asked and answers what it was given."""

    url: str = ""
    answer: bytes = b"{}"
    status: int = 200
    reads_json: bool = True
    headers: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.queries.append(dict(request.query))
        read = request.json if self.reads_json else request.text
        self.bodies.append(await read() if request.can_read_body else None)
        return web.Response(body=self.answer, status=self.status, content_type="application/json")


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    one = Recorder()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.serve)
    async with TestServer(app) as server:
        one.url = str(server.make_url("/api"))
        yield one
