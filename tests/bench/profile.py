"""Where an order's CPU goes: one worker process of Orderline under py-spy, at L = 5 ms.

The process is not stopped for its samples. The shares are the sampler's; the seconds are those
shares of what the kernel counted.
"""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.bench import report
from tests.bench.figures import Drain, Steady
from tests.bench.ground import Ground
from tests.bench.measuring import Numbers, drain, steady, warm
from tests.bench.stacks import by_layer, by_library, parsed
from tests.bench.systems.base import System
from tests.bench.systems.orderline import OrderlineOne

LATENCY: Final = 0.005
RATE: Final = 50.0
_SAMPLES: Final = "200"
_FOR_EVER: Final = "3600"
_ATTACHES: Final = 1.0

Counted = tuple[Counter[str], Counter[str]]
"""Samples by layer and by library."""


def measure(ground: Ground, console: Console, *, seconds: float, folder: Path) -> dict[str, Any]:
    """Profile a drain and a steady load; what is to be kept of it."""
    del folder
    return asyncio.run(_measure(ground, console, seconds))


async def _measure(ground: Ground, console: Console, seconds: float) -> dict[str, Any]:
    system, numbers = OrderlineOne(ground), Numbers()
    said: dict[str, Any] = {"machine": report.machine()}
    async with system.running():
        await warm(system, numbers)
        orders = numbers.take(round(system.guess[LATENCY] * seconds))
        sampler = _sampler(system, "drain")
        await asyncio.sleep(_ATTACHES)
        drained = await drain(system, orders, LATENCY, seconds * 6, frozen=False)
        said["drain"] = _told(_read(sampler, system, "drain"), drained, console)
        sampler = _sampler(system, "steady")
        await asyncio.sleep(_ATTACHES)
        offered = await steady(system, numbers, LATENCY, RATE, seconds)
        said["steady"] = _told(_read(sampler, system, "steady"), offered, console)
    return said


def _raw(system: System, name: str) -> Path:
    return system.ground.home / f"profile-{name}.raw"


def _sampler(system: System, name: str) -> subprocess.Popen[bytes]:
    command = (
        *(str(Path(sys.executable).with_name("py-spy")), "record", "--nonblocking"),
        *("--pid", str(system.pids[0]), "--rate", _SAMPLES, "--duration", _FOR_EVER),
        *("--format", "raw", "--output", str(_raw(system, name))),
    )
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdout=quiet, stderr=quiet)  # noqa: S603 -- our own command


def _read(sampler: subprocess.Popen[bytes], system: System, name: str) -> Counted:
    sampler.send_signal(signal.SIGINT)  # it writes what it has
    sampler.wait()
    stacks = parsed(_raw(system, name).read_text().splitlines())
    return by_layer(stacks), by_library(stacks)


def _told(counted: Counted, figure: Drain | Steady, console: Console) -> dict[str, Any]:
    console.print(report.line_of(figure))
    cost = figure.cpu("workers")
    kind = "a heap of orders" if isinstance(figure, Drain) else f"{RATE:.0f} orders/s"
    said: dict[str, Any] = {"workers": cost, "postgres": figure.cpu("postgres")}
    for title, samples in zip(("layer", "code"), counted, strict=True):
        shares = {name: seen / samples.total() for name, seen in samples.most_common()}
        console.print(_table(f"CPU by {title}, {kind}", title, shares, cost))
        said[f"by_{title}"] = shares
    return said


def _table(title: str, column: str, shares: Mapping[str, float], cost: float) -> Table:
    table = Table(title=f"{title} (workers and beat: {cost:.2f} s per 1,000)")
    names: Sequence[str] = (column, "share", "s per 1,000 orders")
    for name in names:
        table.add_column(name, justify="left" if name == column else "right")
    for name, share in shares.items():
        table.add_row(name, f"{share:.1%}", f"{share * cost:.3f}")
    return table
