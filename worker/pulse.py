"""A worker process's pulse: a small file by which somebody on the same host sees that it moves.

The loop itself has it written, every two seconds, so the pulse of a loop that stands still grows
old. It is locked by the process that writes it: no process id is believed without its lock, and
what a killed worker left behind is told from the pulse of one that hangs. No port is opened.
"""

import asyncio
import hashlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pydantic import TypeAdapter, ValidationError

from worker import locks
from worker.clock import Clock
from worker.errors import OrderlineError
from worker.logs import get_logger
from worker.settings import Settings
from worker.supervisor import Supervisor, pause

log = get_logger(__name__)

EVERY: Final = 2.0
"""Seconds between two beats of the pulse."""

INTAKE: Final = "intake"
"""The door that every worker reads."""

_TO_STOP: Final = 1.0
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpPulse:
    """How a pump stands; ``silent`` is since when, in seconds, it neither claimed nor finished.

    ``may`` is how much longer than others it may be silent, because all its permits are at work.
    """

    silent: float
    may: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a worker process says of itself."""

    worker: str
    pid: int
    at: datetime
    """For people: the wall clock may jump."""
    beat: float
    """The machine's monotonic clock at the same moment; all ages are counted from here."""
    doors: Mapping[str, float]
    """For each of the streams' doors: seconds since a round of reading got through."""
    pumps: Mapping[str, PumpPulse]
    """Those that this process is rung for, by name."""


_PULSE: Final = TypeAdapter(Pulse)


class PulseUnreadable(OrderlineError):
    """A living worker's pulse cannot be read."""


class PulseWriter:
    """Writes this process's pulse for as long as it is ``beating``."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        worker: str,
        pumps: Callable[[], Mapping[str, PumpPulse]],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._worker = worker
        self._pumps = pumps
        self._doors = {INTAKE: clock.monotonic()}  # what never begins to read is seen, too
        self._stopping = asyncio.Event()
        self._held: int | None = None
        self._failing = False

    def got_through(self, door: str) -> None:
        """A round of reading did, whether or not there was anything to take in."""
        self._doors[door] = self._clock.monotonic()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Keep the pulse while the block lasts; it is gone afterwards, as the process will be."""
        own = Supervisor()  # not the engine's, which at a stop waits until nothing runs
        own.spawn(self._run(), "pulse")
        try:
            yield
        finally:
            self._stopping.set()
            await own.drain(_TO_STOP)
            self._remove()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await asyncio.to_thread(self._write, self._pulse())
            except OSError as error:
                if not self._failing:  # said once, not every two seconds
                    log.warning("pulse_not_written", error=type(error).__name__)
                self._failing = True
            else:
                self._failing = False
            await pause(EVERY, until=self._stopping)

    def _pulse(self) -> Pulse:
        now = self._clock.monotonic()
        return Pulse(
            worker=self._worker,
            pid=os.getpid(),
            at=self._clock.now(),
            beat=now,
            doors={door: now - at for door, at in self._doors.items()},
            pumps=self._pumps(),
        )

    def _write(self, pulse: Pulse) -> None:
        """Put the pulse in place, whole and locked, before the former one's lock is dropped."""
        path = _path(self._settings, pulse.pid)
        if self._held is None:
            _clear_up(self._settings)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        held = locks.take(new, create=True)
        if held is None:
            raise BlockingIOError
        try:
            os.write(held, _PULSE.dump_json(pulse))
            new.replace(path)
        except OSError:
            os.close(held)
            raise
        former, self._held = self._held, held
        if former is not None:
            os.close(former)

    def _remove(self) -> None:
        if self._held is not None:
            with suppress(OSError):
                _path(self._settings, os.getpid()).unlink()
            os.close(self._held)
            self._held = None


def read_pulses(settings: Settings) -> list[Pulse]:
    """The pulses of the living workers of this installation on this host.

    Raises ``PulseUnreadable``.
    """
    return [pulse for path in _paths(settings) if (pulse := _read(path)) is not None]


def _read(path: Path) -> Pulse | None:
    """``None`` where the process that wrote it is dead."""
    try:
        # A pulse that was replaced while we looked is free as well: only several looks tell.
        if not any(locks.is_held(path) for _ in range(_TRIES)):
            return None
        return _PULSE.validate_json(path.read_bytes())
    except FileNotFoundError:  # it ended just now
        return None
    except OSError as error:
        raise PulseUnreadable(f"{path}: {error.strerror}") from None
    except ValidationError:
        raise PulseUnreadable(f"{path}: was written by another version") from None


def _clear_up(settings: Settings) -> None:
    """Remove what killed workers left behind."""
    for path in _paths(settings):
        with suppress(OSError):
            descriptor = locks.take(path)
            if descriptor is not None:
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    path.unlink()
                os.close(descriptor)


def _paths(settings: Settings) -> list[Path]:
    return sorted(_folder(settings).glob(f"{_stem(settings)}-*.pulse"))


def _path(settings: Settings, pid: int) -> Path:
    return _folder(settings) / f"{_stem(settings)}-{pid}.pulse"


def _folder(settings: Settings) -> Path:
    return settings.pulse_dir or Path(tempfile.gettempdir())


def _stem(settings: Settings) -> str:
    """Names the installation, by its database without the password, and the host."""
    parts = urlsplit(settings.database_url.get_secret_value())
    query = parse_qs(parts.query)  # libpq takes the server from there as well
    server = parts.netloc.rpartition("@")[2], query.get("host"), query.get("port")
    named = repr((server, parts.path, query.get("dbname"), socket.gethostname()))
    return f"orderline-{hashlib.sha256(named.encode()).hexdigest()[:12]}"
