"""How Orderline grows: with processes, rows, orders in flight; and what it asks of servers."""

import asyncio
import json
from collections.abc import Mapping
from os import cpu_count
from pathlib import Path
from typing import Any, ClassVar, Final

from rich.console import Console
from rich.table import Table

from tests.bench import job, plots, report
from tests.bench.asked import Asked, StatementLog
from tests.bench.figures import Drain, Steady
from tests.bench.ground import Ground
from tests.bench.job import Orders
from tests.bench.measuring import Numbers, drain, steady, warm
from tests.bench.seeding import seed
from tests.bench.systems.base import execute
from tests.bench.systems.orderline import Orderline, OrderlineOne, OrderlineTwo
from worker.streams import put_all

LATENCY: Final = 0.005
LEAST: Final = 5.0
REACHED: Final = 250.0
"""Calls that are to be under way together take so many seconds at least, and one for each so many
of them: none is over before the last has begun."""
ROWS: Final = (1_000, 100_000, 1_000_000)
IN_FLIGHT: Final = (100, 500, 1_000, 2_000, 5_000)
_MOST: Final = 1_000
"""How many calls one account may make at once, at most."""
_COUNTED: Final = 2_000
_STEADY_RATE: Final = 50.0
_STEADY_SECONDS: Final = 20.0
_SHOWN: Final = 25
_WITHIN: Final = 120.0
_CLEARED: Final = (
    (
        "DELETE FROM deliveries USING notifications n"
        " WHERE n.event_id = deliveries.event_id AND n.producer = 'bench'"
    ),
    "DELETE FROM notifications WHERE producer = 'bench'",
    "DELETE FROM events USING orders o WHERE o.id = events.order_id AND o.producer = 'bench'",
    "DELETE FROM attempts USING orders o WHERE o.id = attempts.order_id AND o.producer = 'bench'",
    "DELETE FROM lines WHERE producer = 'bench'",
    "DELETE FROM orders WHERE producer = 'bench'",
    "CHECKPOINT",
)


class FourProcesses(Orderline):
    """Four worker processes."""

    name = "orderline-4"
    says = "Orderline, four worker processes"
    workers = 4


class Aged(OrderlineTwo):
    """Two worker processes on a database that holds many orders already."""

    name = "orderline-aged"
    aged: bool = False

    def clear(self) -> None:
        """Forget the benchmark's own orders only, once there are others."""
        if self.aged:
            execute(self.ground.servers.database_url, *_CLEARED)
        else:
            super().clear()


class Waiting(OrderlineOne):
    """One worker process that may have so many calls under way: several accounts, if need be."""

    name = "orderline-waiting"
    at_once: ClassVar[int] = 0

    @property
    def accounts(self) -> Mapping[str, Mapping[str, str]]:
        names = [f"a{number}" for number in range(-(-self.at_once // _MOST))]
        share = str(-(-self.at_once // len(names)))
        return {name: {**self.fields, "concurrency": share} for name in ("default", *names)}

    async def fill(self, orders: Orders) -> None:
        accounts = -(-self.at_once // _MOST)
        said = [
            json.dumps({**job.intent(number), "account": f"a{number % accounts}"}).encode()
            for number in orders.numbers
        ]
        await put_all(self._redis, job.PRODUCER, said)


def measure(ground: Ground, console: Console, *, seconds: float, folder: Path) -> dict[str, Any]:
    """All curves; figures for JSON, and a plot in ``folder``."""
    return asyncio.run(_measure(ground, console, seconds, folder))


async def _measure(
    ground: Ground, console: Console, seconds: float, folder: Path
) -> dict[str, Any]:
    numbers = Numbers()
    processes = await _processes(ground, console, numbers, seconds)
    costs = await _costs(ground, numbers, console)
    asked = await _asked(ground, console, numbers)
    flight = await _in_flight(ground, console, numbers)
    rows = await _rows(ground, console, numbers, seconds)
    fields = (
        ("worker processes", "processes", "orders/s", processes),
        ("orders in the database", "orders there", "orders/s", rows),
        ("memory of a worker", "orders in flight", "MB", flight),
    )
    plots.lines(fields, folder / "growth.svg", logarithmic="orders there")
    console.print(_table(fields))
    return {
        "machine": report.machine(),
        "rate_by_processes": processes,
        "rate_by_orders_there": rows,
        "megabytes_by_orders_in_flight": flight,
        "costs": costs,
        "asked_by_1000_orders": asked,
    }


async def _drained(system: Orderline, numbers: Numbers, count: int, console: Console) -> Drain:
    drained = await drain(system, numbers.take(count), LATENCY, _WITHIN)
    console.print(report.line_of(drained))
    return drained


async def _processes(
    ground: Ground, console: Console, numbers: Numbers, seconds: float
) -> dict[float, float]:
    kinds = [OrderlineOne, OrderlineTwo, *([FourProcesses] if (cpu_count() or 1) > 3 else [])]
    found = {}
    for kind in kinds:
        system = kind(ground)
        async with system.running():
            await warm(system, numbers)
            count = round(OrderlineTwo.guess[LATENCY] * seconds)
            found[float(kind.workers)] = (await _drained(system, numbers, count, console)).rate
    return found


async def _rows(
    ground: Ground, console: Console, numbers: Numbers, seconds: float
) -> dict[float, float]:
    found = {}
    for rows in ROWS:
        system = Aged(ground)
        async with system.running():
            await warm(system, numbers)
            console.print(f"Copying {rows:,} finished orders")
            await asyncio.to_thread(seed, ground.servers.database_url, rows)
            system.aged = True
            count = round(system.guess[LATENCY] * seconds)
            found[float(rows)] = (await _drained(system, numbers, count, console)).rate
    return found


async def _in_flight(ground: Ground, console: Console, numbers: Numbers) -> dict[float, float]:
    found = {}
    for at_once in IN_FLIGHT:
        kind = type("Waiting", (Waiting,), {"at_once": at_once})
        system = kind(ground)
        async with system.running():
            await warm(system, numbers)
            latency = max(LEAST, at_once / REACHED)
            drained = await drain(system, numbers.take(at_once), latency, _WITHIN)
            console.print(report.line_of(drained), f"{drained.most_in_flight} in flight")
            found[float(drained.most_in_flight)] = drained.usage.largest
    return found


async def _costs(ground: Ground, numbers: Numbers, console: Console) -> Mapping[str, Any]:
    """What 1,000 orders cost where commits are full, and where nearly each is an order's own."""
    system, found = OrderlineTwo(ground), {}
    async with system.running():
        await warm(system, numbers)
        for name in ("heap", "steady"):
            before = Asked.now(ground)
            figure: Drain | Steady
            if name == "heap":
                figure, orders = await _drained(system, numbers, _COUNTED, console), _COUNTED
            else:
                figure = await steady(system, numbers, LATENCY, _STEADY_RATE, _STEADY_SECONDS)
                console.print(report.line_of(figure))
                orders = figure.sent
            asked = Asked.now(ground).since(before)
            found[name] = {
                **{part: figure.cpu(part) for part in ("workers", "postgres", "redis")},
                "commits": asked.commits / orders * 1000,
                "log_bytes": asked.log_bytes / orders * 1000,
                "redis_commands": asked.redis.total() / orders * 1000,
            }
    return found


async def _asked(ground: Ground, console: Console, numbers: Numbers) -> dict[str, Any]:
    system = OrderlineTwo(ground)
    async with system.running():
        await warm(system, numbers)
        before = Asked.now(ground)
        with StatementLog(ground) as log:
            await _drained(system, numbers, _COUNTED, console)
        asked = Asked.now(ground).since(before)
    each = _COUNTED / 1000
    parts = {
        "statements": log.counted.total() / each,
        "statements_by_text": {text: n / each for text, n in log.counted.most_common(_SHOWN)},
        "redis_by_command": {name: n / each for name, n in asked.redis.most_common(_SHOWN)},
    }
    console.print(_asked_table(parts))
    return parts


def _asked_table(parts: Mapping[str, Any]) -> Table:
    table = Table("asked", "for 1,000 orders", title="What the servers are asked")
    table.add_row("statements", f"{parts['statements']:.0f}")
    for name in ("statements_by_text", "redis_by_command"):
        for text, count in parts[name].items():
            table.add_row(f"  {text}", f"{count:.1f}")
    return table


def _table(fields: tuple[tuple[str, str, str, Mapping[float, float]], ...]) -> Table:
    table = Table("what", "of", "is", title="How Orderline grows")
    for title, across, up, points in fields:
        for place, value in points.items():
            table.add_row(title, f"{place:,.0f} {across}", f"{value:.0f} {up}")
    return table
