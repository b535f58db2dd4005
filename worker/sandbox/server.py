"""The sandbox itself: starts the remotes, opens their doors, chooses each call's fault.

One HTTP server answers everything, under ``/<remote>`` and ``/_sandbox``. Besides the main
port, every remote has a port of its own, so that an outage can refuse its connections while the
others, and the control pages, live on. ``url`` names those.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from aiohttp import web

from worker.sandbox.books import Books, Row
from worker.sandbox.callbacks import Callbacks
from worker.sandbox.control import CONTROL, Control
from worker.sandbox.door import Door
from worker.sandbox.faults import Fault, Faults, Scripts
from worker.sandbox.journal import Journal
from worker.sandbox.remote import Call, Documented, Remote
from worker.sandbox.remotes import REMOTES
from worker.sandbox.settings import SandboxSettings
from worker.sandbox.tampering import Change, Wish
from worker.sandbox.wire import Wire, json_response

_log: Final = logging.getLogger(__name__)


class Outage(StrEnum):
    """How a whole remote can be away."""

    REFUSE = "refuse"
    """Its port is closed: connections are refused, open ones reset. On the main port, which
    stays open for the others, its calls are reset unexecuted."""
    UNAVAILABLE = "503"
    """Every call is answered 503, unexecuted."""
    DARK = "dark"
    """Connections open and requests are taken, and nothing ever comes back."""


_OUTAGE_FAULTS: Final = MappingProxyType(
    {
        Outage.REFUSE: Fault.RESET_BEFORE,
        Outage.UNAVAILABLE: Fault.UNAVAILABLE_503,
        Outage.DARK: Fault.HANG_BEFORE,
    }
)


def utc_now() -> datetime:
    """The clock a sandbox has when it is given none."""
    return datetime.now(UTC)


class Sandbox:
    """Simulated remotes over real HTTP, as an async context manager.

    ``clock`` is the remotes' own time: skew it or move it as a test needs. ``seed`` makes
    random faults, ids and tokens repeatable. With a fixed ``port``, the remotes' own ports
    follow it, in the order of ``REMOTES``.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = utc_now,
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        settings: SandboxSettings | None = None,
    ) -> None:
        self.clock = clock
        self.settings = settings or SandboxSettings()
        self.journal = Journal()
        self._seed = seed
        self._host = host
        self._port = port
        self._doors: dict[str, Door] = {}
        self._outages: dict[str, Outage] = {}
        self._endings: dict[str, asyncio.Task[None]] = {}
        self._remotes: dict[str, Remote] = {}
        self.books = Books(self._remotes, clock)

    async def __aenter__(self) -> Self:
        self._stopping = asyncio.Event()
        self._callbacks = Callbacks(self.clock, self.journal, self.settings)
        self._wire = Wire(self.journal, self.settings, self._choose, self._stopping)
        self._control = Control(self)
        self.reset()
        self._server = web.Server(self._handle, access_log=None)
        # The main port last: whoever finds it open finds the others open too.
        for place, name in reversed([*enumerate(("", *self._remotes))]):
            door = Door(self._server, self._host, self._port + place if self._port else 0)
            self._doors[name] = door
            try:
                await door.open()
            except OSError:
                self._shut_doors()
                raise
        self._calling_back = asyncio.create_task(self._callbacks.run(), name="sandbox callbacks")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        background = [self._calling_back, *self._endings.values()]
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        self._shut_doors()
        self._server.pre_shutdown()
        await self._server.shutdown(timeout=1.0)

    def url(self, remote: str = "") -> str:
        """The base URL of a remote; without a name, that of the control pages."""
        host = "127.0.0.1" if self._host == "0.0.0.0" else self._host  # noqa: S104 -- compared only
        return f"http://{host}:{self._doors[remote].port}/{remote or CONTROL}"

    def account_settings(self) -> dict[str, dict[str, dict[str, str]]]:
        """Settings of one account per remote, ready to use: provider, account name, fields."""
        return {name: {"default": self._account(name)} for name in self._remotes}

    def operations(self, remote: str) -> list[str]:
        """The names of everything a remote can be asked for."""
        return [known.name for known in self._remotes[remote].operations()]

    def script(self, remote: str, operation: str, scripted: Iterable[Fault | Documented]) -> None:
        """Lay down what happens to the next calls of one operation, whatever they order."""
        if operation not in self.operations(remote):
            raise ValueError(f"{remote} has no operation {operation!r}")
        self._scripts.add(remote, operation, scripted)

    def unscript(self) -> None:
        """Forget what is laid down: from now on calls are answered as they would be without."""
        self._scripts.clear()

    def live_orders(self, remote: str, ref: str | None = None) -> list[Row]:
        """The order lines that cost money at a remote, optionally of one reference."""
        return self.books.live(remote, ref)

    def hits(
        self, remote: str, operation: str | None = None, *, executed: bool | None = None
    ) -> int:
        """How many calls reached a remote, by operation or by its documented path."""
        for known in self._remotes[remote].operations():
            if operation and operation.lower() == known.path.lower():
                operation = known.name
        return self.journal.hits(remote, operation, executed=executed)

    def reset(self) -> None:
        """Forget every order, token, fault, callback and journal entry; outages go on."""
        self.journal.clear()
        self._callbacks.clear()
        self._scripts: Scripts[Fault | Documented] = Scripts()
        self._faults = Faults(self._seed, self.settings.fault_rate)
        for remote in REMOTES:
            self._remotes[remote.name] = remote(self.settings, self._callbacks.push, self._seed)

    def tamper(
        self,
        remote: str,
        change: Change | str,
        *,
        order_id: str | None = None,
        ref: str | None = None,
        to: str | int | Decimal | None = None,
        shelf: str | None = None,
    ) -> list[str]:
        """Change a remote's books behind its callers' backs; see ``Change``.

        The ids of the orders that were changed or made. Raises ``KeyError`` for an unknown
        remote, ``ValueError`` for what cannot be done there.
        """
        tampering = self._remotes[remote].tampering()
        if tampering is None:
            raise ValueError(f"nobody can read the books of {remote}, nor change them")
        wish = Wish(
            change=Change(change),
            order_id=order_id,
            ref=ref,
            to=None if to is None else str(to),
            shelf=shelf,
        )
        return tampering.apply(wish, self.clock())

    async def outage(
        self, remote: str, mode: Outage | str = Outage.REFUSE, seconds: float | None = None
    ) -> None:
        """Take a remote away, for good or for some real seconds; 0 seconds brings it back.

        Raises ``KeyError`` for an unknown remote, ``ValueError`` for an unknown mode.
        """
        door, mode = self._doors[remote], Outage(mode)
        if ending := self._endings.pop(remote, None):
            ending.cancel()
        if seconds == 0:
            await self._bring_back(remote)
            return
        self._outages[remote] = mode
        if mode is Outage.REFUSE:
            door.shut()
            door.drop_callers()
        else:
            await door.open()
        if seconds is not None:
            self._endings[remote] = asyncio.create_task(self._end_outage(remote, seconds))

    def _account(self, name: str) -> dict[str, str]:
        url = self.url(name)
        own = self._remotes[name].account()
        return {"base_url": url, **{k: v.replace("{base_url}", url) for k, v in own.items()}}

    async def _end_outage(self, remote: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._bring_back(remote)

    async def _bring_back(self, remote: str) -> None:
        await self._doors[remote].open()
        self._outages.pop(remote, None)

    def _shut_doors(self) -> None:
        for door in self._doors.values():
            door.shut()

    def _choose(self, remote: Remote, call: Call) -> Fault | Documented:
        """An outage goes before a script, a script before magic values, those before chance."""
        if mode := self._outages.get(remote.name):
            return _OUTAGE_FAULTS[mode]
        scripted = self._scripts.take(remote.name, call.operation)
        if scripted is not None:
            return scripted
        magic = remote.fault(call)
        return magic if magic is not Fault.NONE else self._faults.draw()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name, _, path = request.path.lstrip("/").partition("/")
        if remote := self._remotes.get(name):
            return await self._wire.serve(request, remote, "/" + path, self.clock)
        if name == CONTROL:
            return await self._control.answer(request, path)
        places = [CONTROL, *self._remotes]
        return json_response({"message": f"nothing here; there are {places}"}, 404)


async def run(
    host: str, port: int, settings: SandboxSettings | None = None, *, seed: int = 0
) -> None:
    """Serve the sandbox until cancelled."""
    async with Sandbox(host=host, port=port, settings=settings, seed=seed) as sandbox:
        for name in ("", *sandbox.account_settings()):
            _log.info("sandbox of %s at %s", name or "control pages", sandbox.url(name))
        await asyncio.Event().wait()
