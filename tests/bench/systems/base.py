"""What a system has to be able to do to be measured."""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import ClassVar, Final

import psycopg

from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.machine import tree
from worker.embedded.leash import Leashed, stop_all

_GRACE: Final = 8.0


class SystemDied(Exception):
    """A process of the measured system ended by itself."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a system's own database says is done: orders with their result, lines told."""

    orders: int
    lines: int


class System(ABC):
    """One system, from its start to its stop. ``says`` describes it to the reader of a table."""

    name: ClassVar[str]
    says: ClassVar[str]
    guess: ClassVar[Mapping[float, float]]
    """Orders a second by latency, roughly: how many orders its first drain gets."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._processes: list[Leashed] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything of it at work, with empty tables and queues."""
        try:
            await self.start()
            yield
        finally:
            await self.close()
            stop_all(self._processes)
            self._processes = []

    @abstractmethod
    async def start(self) -> None:
        """Empty what it keeps, and start its processes by ``spawn``."""

    async def close(self) -> None:
        """Let go of what the harness's side holds."""
        return

    @abstractmethod
    async def fill(self, orders: Orders) -> None:
        """Hand over a heap of orders, as its producers would, as fast as they can."""

    @abstractmethod
    async def send(self, number: int) -> None:
        """Hand over one order."""

    @abstractmethod
    def recorded(self) -> Recorded:
        """What is done, of the orders since the last ``clear``."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all orders, between one measurement and the next."""

    @property
    def pids(self) -> list[int]:
        """Its processes, without their descendants."""
        return [each.pid for each in self._processes]

    def spawn(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Leashed:
        """Start a process of it; its words go to a log in the ground's home."""
        log = self.ground.home / f"{self.name}-{name}.log"
        return self.keep(Leashed(name, command, env=env, log=log, grace=_GRACE))

    def keep(self, process: Leashed) -> Leashed:
        """Take a process into account."""
        self._processes.append(process)
        return process

    def check(self) -> None:
        """Raise ``SystemDied`` where a process has ended."""
        if gone := [each.name for each in self._processes if not each.running]:
            raise SystemDied(f"{self.name}: {', '.join(gone)} ended; see {self.ground.home}")

    def freeze(self) -> None:
        """Make all its processes stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Make them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for pid in tree(self.pids):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def execute(url: str, *statements: str) -> None:
    """Run statements, each committed, on a connection of their own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def two_counts(url: str, statement: str) -> Recorded:
    """What a statement counts: orders and lines."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return Recorded(*row)


def since(began: float) -> float:
    """Seconds since a moment of ``time.monotonic``."""
    return time.monotonic() - began
