"""One drain of a heap of orders, and one steady load.

A drain is alike for every system. Its processes are made to stand still (SIGSTOP), the queue is
filled, the clock starts, they go on (SIGCONT). So what producers do is outside the clock for all.
Inside is what the system does to get at an order: for Orderline the intake, which reads the
stream and writes the rows; for those whose queue is the database, reading it. The clock ends when
the last webhook is recorded.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.bench.figures import Drain, Steady, faults_of
from tests.bench.job import Orders, lines_of
from tests.bench.machine import Meter
from tests.bench.systems.base import Recorded, System, since

WARMED_BY: Final = 96
"""Orders before the first drain: enough for every process of a pool to have had one."""
_WARM_WITHIN: Final = 120.0
_LOOK_EVERY: Final = 0.02
_SETTLES: Final = 0.3
_RECORDS_WITHIN: Final = 10.0
_KEEPS_UP_WITHIN: Final = 2.0
_COUNTERS_FROM: Final = 1_000_000


class Numbers:
    """Gives out numbers of orders, none twice in a run."""

    def __init__(self, first: int = _COUNTERS_FROM) -> None:
        self._next = first

    def take(self, count: int) -> Orders:
        """So many new orders."""
        orders = Orders(self._next, count)
        self._next += count
        return orders


async def warm(system: System, numbers: Numbers) -> None:
    """Let every part of it have worked once. Raises ``TimeoutError`` where nothing comes of it."""
    orders = numbers.take(WARMED_BY)
    system.ground.remote.reset(0.005)
    for number in orders.numbers:
        await system.send(number)
    if not await _told(system, orders.lines, _WARM_WITHIN):
        raise TimeoutError(f"{system.name} did not do its first orders; see {system.ground.home}")
    await _recorded(system, orders)


async def drain(system: System, orders: Orders, latency: float, within: float) -> Drain:
    """Have a heap of orders done, at most ``within`` seconds."""
    await asyncio.sleep(_SETTLES)
    system.clear()
    system.ground.remote.reset(latency)
    system.freeze()
    began = time.monotonic()
    try:
        await system.fill(orders)
    finally:
        fill_seconds = since(began)
        with _meter(system) as meter:
            began = time.monotonic()
            system.thaw()
            await _told(system, orders.lines, within)
            recorded = await _recorded(system, orders)
            seconds = since(began)
    books = system.ground.remote.books()
    return Drain(
        system=system.name,
        latency=latency,
        orders=orders.count,
        seconds=seconds,
        fill_seconds=fill_seconds,
        told_seconds=_last(books["by_line"]) - began,
        usage=meter.usage,
        most_in_flight=books["most_in_flight"],
        faults=faults_of(orders, books, recorded.orders, recorded.lines),
    )


async def steady(
    system: System, numbers: Numbers, latency: float, rate: float, seconds: float
) -> Steady:
    """Offer orders evenly, and see how long each takes from being put to its last webhook."""
    await asyncio.sleep(_SETTLES)
    system.clear()
    system.ground.remote.reset(latency)
    orders = numbers.take(round(rate * seconds))
    sent: dict[int, float] = {}
    with _meter(system) as meter:
        began = time.monotonic()
        for place, number in enumerate(orders.numbers):
            await asyncio.sleep(max(0.0, began + place / rate - time.monotonic()))
            sent[number] = time.monotonic()
            await system.send(number)
        keeps_up = await _told(system, orders.lines, _KEEPS_UP_WITHIN + latency)
        await _told(system, orders.lines, seconds * 2)
        recorded = await _recorded(system, orders)
    books = system.ground.remote.books()
    return Steady(
        system=system.name,
        latency=latency,
        offered=rate,
        sent=orders.count,
        waits=[
            told - at - latency
            for number, at in sent.items()
            if (told := _told_at(number, books["by_line"])) is not None
        ],
        keeps_up=keeps_up,
        usage=meter.usage,
        faults=faults_of(orders, books, recorded.orders, recorded.lines),
    )


def _meter(system: System) -> Meter:
    return Meter({"workers": system.pids, **system.ground.parts}, "workers")


async def _told(system: System, lines: int, within: float) -> bool:
    """Wait until the remote has heard of so many lines; whether it has."""
    return await _until(lambda: system.ground.remote.count()["lines"] >= lines, system, within)


async def _recorded(system: System, orders: Orders) -> Recorded:
    """Wait until the system has written that down, too; what it has written."""
    found = Recorded(0, 0)

    def all_is() -> bool:
        nonlocal found
        found = system.recorded()
        return found.orders >= orders.count and found.lines >= orders.lines

    await _until(all_is, system, _RECORDS_WITHIN)
    return found


async def _until(done: Callable[[], bool], system: System, within: float) -> bool:
    give_up_at = time.monotonic() + within
    while not done():
        if time.monotonic() > give_up_at:
            return False
        system.check()
        await asyncio.sleep(_LOOK_EVERY)
    return True


def _last(heard: Mapping[str, Any]) -> float:
    return max((first for _, first in heard.values()), default=time.monotonic())


def _told_at(number: int, heard: Mapping[str, Any]) -> float | None:
    """When the last of an order's lines was told of."""
    moments = [heard.get(f"{number}-{index}") for index in range(lines_of(number))]
    return None if None in moments else max(each[1] for each in moments if each)
