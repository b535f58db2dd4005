"""After an outage: what has piled up goes out at the account's rate, and nothing else suffers.

Real worker processes with the product's settings, against the sandbox in a process of its own;
what was asked of it, and when, is told by its own journal.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from tests.stories.conftest import SHOP, threekit
from worker.crypto import Vault
from worker.demo.installing import register
from worker.demo.receiver import Receiver
from worker.embedded import Servers
from worker.embedded.leash import Leashed, stop_all
from worker.embedded.system import System
from worker.settings import Settings
from worker.steps.accept import accept_into
from worker.store.intake import Entry
from worker.store.session import Database

RATE: Final = 200
_BATCH: Final = 500
_MUCH: Final = 250_000
"""Kilobytes beyond which a worker's memory is not flat."""


@dataclass
class Remote:
    """The sandbox next door."""

    control: str
    accounts: Mapping[str, Mapping[str, Mapping[str, str]]]

    async def placed_at(self) -> list[float]:
        """When each order was asked for, in seconds, the first one first."""
        async with httpx.AsyncClient(timeout=60) as client:
            asked = {"remote": "threekit", "last": "50000"}
            answer = await client.get(f"{self.control}/journal", params=asked)
        calls = [entry for entry in answer.json() if entry["operation"] == "create"]
        return sorted(datetime.fromisoformat(call["at"]).timestamp() for call in calls)


@pytest.fixture
def remote() -> Iterator[Remote]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.stories.apart"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield Remote(**json.loads(process.stdout.readline()))
        process.stdin.close()


@dataclass
class Works:
    """An installation without beat: whatever is due, its workers find by themselves."""

    system: System
    remote: Remote
    db: Database
    receiver: Receiver
    workers: list[Leashed] = field(default_factory=list)

    async def pile_up(self, count: int, **more: Any) -> None:
        """So many orders are due."""
        settings = Settings(
            _env_file=None,
            database_url=self.system.servers.database_url,
            redis_url=self.system.servers.redis_url,
            encryption_keys=self.system.encryption_key,
            development_hosts=self.receiver.host,
        )
        vault = Vault([self.system.encryption_key])
        for first in range(0, count, _BATCH):
            entries = [
                Entry(SHOP, "stream", f"{n}-0", json.dumps(threekit(f"t{n}", **more)).encode())
                for n in range(first, min(first + _BATCH, count))
            ]
            assert len((await accept_into(self.db, vault, settings, entries)).fresh) == len(entries)

    @contextmanager
    def working(self, processes: int) -> Iterator[None]:
        """So many worker processes are at it."""
        self.workers = [self.system.worker(f"worker-{n}") for n in range(processes)]
        try:
            yield
        finally:
            stop_all(self.workers)

    async def until_placed(self, count: int, patience: float) -> list[float]:
        """When each order was asked for, once that are so many.

        Our own rows say when: to hand its whole journal out would hold the remote up each time.
        """
        ends = time.monotonic() + patience
        while (placed := await self._placed()) < count:
            assert time.monotonic() < ends, f"{placed} of {count} after {patience} s"
            await asyncio.sleep(0.5)
        return await self.remote.placed_at()

    async def _placed(self) -> int:
        async with self.db.reading() as connection:
            found = await connection.execute(text("SELECT count(*) FROM orders WHERE step IS NULL"))
            return int(found.scalar_one())

    def most_memory(self) -> int:
        """The highest peak among the workers, in kilobytes."""
        return max(_peak(worker.pid) for worker in self.workers)


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.fixture
async def works(
    database_url: str, redis_url: str, tmp_path: Path, remote: Remote
) -> AsyncIterator[Works]:
    fields = {**remote.accounts["threekit"]["default"], "rate": str(RATE)}
    async with Receiver() as receiver:
        system = System(
            home=tmp_path,
            servers=Servers(database_url, redis_url),
            encryption_key=Vault.new_key(),
            accounts={"threekit": {"default": fields}},
            development_hosts=receiver.host,
            overrides={"ORDERLINE_LOG_FORMAT": "json"},
        )
        db = Database(f"postgresql+psycopg://{database_url.partition('://')[2]}")
        await register((SHOP,), db, Vault([system.encryption_key]), receiver)
        yield Works(system, remote, db, receiver)
        await db.close()


def most_in_a_second(moments: list[float]) -> int:
    """The most calls in any second, wherever it begins. The moments are in order."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


@dataclass(frozen=True)
class Drained:
    """How a backlog went, by the remote's own books; memory in kilobytes."""

    took: float
    most: int
    memory: int


async def drained(
    works: Works, count: int, processes: int, capsys: pytest.CaptureFixture[str]
) -> Drained:
    await works.pile_up(count)
    ideal = count / RATE
    with works.working(processes):
        placed = await works.until_placed(count, 60 + 3 * ideal)
        memory = works.most_memory()
    assert len(placed) == count
    took = placed[-1] - placed[0]
    most = most_in_a_second([at for at in placed if at >= placed[0] + 1])
    said = (
        f"{count} orders, {processes} workers: {took:.1f} s (ideal {ideal:.1f}),"
        f" at most {most} in a second, {memory // 1000} MB at the peak"
    )
    with capsys.disabled():
        print(f"\n{said}")  # noqa: T201 -- what it measures
    return Drained(took, most, memory)


async def test_what_piled_up_goes_out_at_the_accounts_rate(
    works: Works, capsys: pytest.CaptureFixture[str]
) -> None:
    went = await drained(works, 600, 1, capsys)
    assert went.most <= RATE * 1.15  # the remote shares this machine with other tests
    assert went.took >= 0.9 * 600 / RATE
    assert went.memory <= _MUCH


# It wants two cores for itself.
@pytest.mark.slow
async def test_after_an_hour_20000_orders_go_out_at_the_accounts_rate_and_no_faster(
    works: Works, capsys: pytest.CaptureFixture[str]
) -> None:
    went = await drained(works, 20_000, 2, capsys)
    assert went.most <= RATE * 1.05
    assert went.took <= 1.15 * 20_000 / RATE
    assert went.memory <= _MUCH
