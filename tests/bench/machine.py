"""What processes cost, and what else the machine did meanwhile, read from ``/proc`` (Linux)."""

import os
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_PROC: Final = Path("/proc")
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MEGABYTE: Final = 1_000_000
_CPU_FIELDS: Final = slice(11, 15)  # utime, stime, and the same of children that were waited for
_PARENT: Final = 1
_SAMPLE_SECONDS: Final = 0.5


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` after the command's name, which may hold anything."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def parent_of(pid: int) -> int:
    """The process that started this one."""
    return int(_stat(pid)[_PARENT])


def tree(roots: Iterable[int]) -> list[int]:
    """These processes and all their descendants that live."""
    children: dict[int, list[int]] = {}
    for entry in (each.name for each in _PROC.iterdir()):
        if entry.isdigit():
            with suppress(OSError):
                children.setdefault(int(_stat(int(entry))[_PARENT]), []).append(int(entry))
    found, todo = [], list(roots)
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time of process trees so far, with those of their processes that have ended."""
    ticks = 0
    for pid in tree(roots):
        with suppress(OSError):
            ticks += sum(map(int, _stat(pid)[_CPU_FIELDS]))
    return ticks / _TICK


def own_cpu_seconds() -> float:
    """CPU time of this process alone."""
    spent = os.times()
    return spent.user + spent.system


def resident(roots: Iterable[int]) -> list[float]:
    """Resident memory of each process of these trees, in megabytes, the largest first."""
    sizes = []
    for pid in tree(roots):
        with suppress(OSError):
            pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
            sizes.append(pages * _PAGE / _MEGABYTE)
    return sorted(sizes, reverse=True)


@dataclass(frozen=True, slots=True)
class Machine:
    """CPU seconds of the whole machine since it started."""

    busy: float
    stolen: float

    @classmethod
    def now(cls) -> Self:
        """As they stand."""
        user, nice, system, _, _, irq, softirq, steal, *_ = map(
            int, (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:]
        )
        return cls((user + nice + system + irq + softirq) / _TICK, steal / _TICK)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a span cost: seconds of CPU by part, and cores that others used or that were stolen."""

    seconds: float
    cpu: Mapping[str, float]
    others: float
    """Cores used by processes that are no part of the run."""
    stolen: float
    """Cores that the hypervisor did not give."""
    peak: float
    """Megabytes resident of all the workers' processes together, at most."""
    largest: float
    """Megabytes resident of one of them, at most."""


class Meter:
    """Measures a span: ``with Meter(parts, workers) as meter``, then ``meter.usage``.

    ``parts`` are process trees by name; the memory of the part ``watched`` is sampled. What this
    process itself spends is the part ``harness``.
    """

    def __init__(self, parts: Mapping[str, Iterable[int]], watched: str) -> None:
        self._parts = {name: list(roots) for name, roots in parts.items()}
        self._watched = watched
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._peak = self._largest = 0.0
        self.usage: Usage

    def __enter__(self) -> Self:
        self._sampler.start()
        self._machine, self._cpu = Machine.now(), self._read()
        self._began = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self._began
        machine, cpu = Machine.now(), self._read()
        self._done.set()
        self._sampler.join()
        spent = {name: cpu[name] - self._cpu[name] for name in cpu}
        busy = machine.busy - self._machine.busy
        self.usage = Usage(
            seconds=seconds,
            cpu=spent,
            others=max(0.0, busy - sum(spent.values())) / seconds,
            stolen=(machine.stolen - self._machine.stolen) / seconds,
            peak=self._peak,
            largest=self._largest,
        )

    def _read(self) -> dict[str, float]:
        trees = {name: cpu_seconds(roots) for name, roots in self._parts.items()}
        return {**trees, "harness": own_cpu_seconds()}

    def _sample(self) -> None:
        while True:
            sizes = resident(self._parts[self._watched])
            self._peak = max(self._peak, sum(sizes))
            self._largest = max(self._largest, *sizes, 0.0)
            if self._done.wait(_SAMPLE_SECONDS):
                return
