"""The processes of an installation on this machine: started together, watched, stopped together."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from worker.embedded.leash import Leashed, stop_all
from worker.embedded.system import System
from worker.errors import OrderlineError

BEAT: Final = "beat"
GATEWAY: Final = "gateway"
FLOWER: Final = "flower"

_LAST_LINES: Final = 12
_TAIL_BYTES: Final = 8_000
_BY_SIGNAL: Final = 128
"""Exit codes above this one stand for signals, counted down from 256."""


class ProcessEnded(OrderlineError):
    """A process ended although nobody had asked it to."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a process that should have gone on."""

    name: str
    how: str
    last_words: str

    def __str__(self) -> str:
        return f"{self.name} {self.how}. The end of its log:\n{self.last_words or '(empty)'}"


class Crew:
    """Workers, beat, gateway, Flower. Leaving the block stops them all; so does our own death."""

    def __init__(self, system: System) -> None:
        self.system = system
        self._running: dict[str, Leashed] = {}
        self._gone: list[Leashed] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(stop_all, [*self._running.values(), *self._gone])

    async def start(self, *names: str) -> None:
        """Start processes by their names: ``beat``, ``gateway``, ``flower``, or a worker's."""
        system = self.system
        others = {BEAT: system.beat, GATEWAY: system.gateway, FLOWER: system.flower}
        for name in names:
            begin = others.get(name) or partial(self.system.worker, name)
            self._running[name] = await asyncio.to_thread(begin)

    @property
    def running(self) -> frozenset[str]:
        """The names of those that are not known to have ended."""
        return frozenset(self._running)

    def kill(self, name: str) -> None:
        """Kill a process (SIGKILL); its end is expected then."""
        killed = self._running.pop(name)
        killed.signal(signal.SIGKILL)
        self._gone.append(killed)

    def retire(self, name: str) -> None:
        """Ask a process to end (SIGTERM) in its own time, which is expected then."""
        asked = self._running.pop(name)
        asked.let_go()
        self._gone.append(asked)

    def halt(self, name: str) -> Callable[[], None]:
        """Make a process stand still (SIGSTOP); what is given makes it go on (SIGCONT).

        That is harmless when it has ended meanwhile.
        """
        halted = self._running[name]
        halted.signal(signal.SIGSTOP)
        return partial(halted.signal, signal.SIGCONT)

    def ended(self) -> list[End]:
        """The processes that ended by themselves since this was last asked."""
        gone = [name for name, process in self._running.items() if not process.running]
        ends = [End(name, self._how(name), self._last_words(name)) for name in gone]
        self._gone += [self._running.pop(name) for name in gone]
        return ends

    def check(self) -> None:
        """Raise ``ProcessEnded`` when one has ended by itself, with the end of its log."""
        if ends := self.ended():
            raise ProcessEnded("\n".join(map(str, ends)))

    def _how(self, name: str) -> str:
        code = self._running[name].wait(0) or 0
        try:
            return f"was killed ({signal.Signals(256 - code if code > _BY_SIGNAL else -1).name})"
        except ValueError:
            return f"ended with code {code}"

    def _last_words(self, name: str) -> str:
        written = (self.system.home / f"{name}.log").read_bytes()[-_TAIL_BYTES:]
        return "\n".join(written.decode(errors="replace").splitlines()[-_LAST_LINES:])
