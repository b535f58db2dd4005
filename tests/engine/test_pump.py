"""The pump: as many rows as there are permits, whatever bells, claims and the database do."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from sqlalchemy import exc

from worker.pump import Pump
from worker.supervisor import Supervisor

PATIENCE = 10.0


@dataclass
class Rows:
    """What is due, and work that ends when it is told to."""

    due: list[UUID] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    working: set[UUID] = field(default_factory=set)
    worked: list[UUID] = field(default_factory=list)
    most_at_once: int = 0
    broken: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While clear, a claim waits for the database."""
    started: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    """While clear, work goes on."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    claiming: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def add(self, count: int) -> list[UUID]:
        made = [uuid4() for _ in range(count)]
        self.due += made
        return made

    async def claim(self, free: int) -> Sequence[UUID]:
        self.asked.append(free)
        taken, self.due = self.due[:free], self.due[free:]  # as of when the claim began
        self.claiming.set()
        await self.open.wait()
        if self.failures:
            self.due = taken + self.due
            raise self.failures.pop(0)
        return taken

    async def work(self, row: UUID) -> str:
        self.working.add(row)
        self.most_at_once = max(self.most_at_once, len(self.working))
        self.started.set()
        await self.done.wait()
        self.working.discard(row)
        if self.broken:
            raise RuntimeError("a bug")
        async with self.changed:
            self.worked.append(row)
            self.changed.notify_all()
        return "done"

    async def worked_on(self, *rows: UUID) -> None:
        """Wait until these rows, and no others, were worked on, each once."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: len(self.worked) >= len(rows))
        assert sorted(self.worked) == sorted(rows)


@dataclass
class Engine:
    """A running pump and what it works on."""

    pump: Pump[UUID]
    rows: Rows
    supervisor: Supervisor

    async def see(self, names: Iterable[UUID]) -> Counter[str]:
        """What a bell learns, soon."""
        async with asyncio.timeout(PATIENCE):
            return await self.pump.see(names)

    async def finish(self, *rows: UUID) -> None:
        """Let the work on these rows end, and stop."""
        self.rows.done.set()
        await self.rows.worked_on(*rows)
        await self.stop()

    async def stop(self) -> None:
        self.pump.stop()
        assert await self.supervisor.settle(PATIENCE)


def an_engine(permits: int, kept: int = 0) -> Engine:
    rows, supervisor = Rows(), Supervisor()
    pump = Pump(
        "test",
        permits=permits,
        claim=rows.claim,
        work=rows.work,
        name_of=lambda row: row,
        supervisor=supervisor,
        kept=kept,
    )
    supervisor.spawn(pump.run(), "pump")
    return Engine(pump, rows, supervisor)


async def test_never_more_is_claimed_than_there_are_free_permits() -> None:
    engine = an_engine(3)
    names = engine.rows.add(8)
    await engine.see(())
    assert (engine.pump.free, engine.pump.working) == (0, 3)
    assert len(engine.rows.due) == 5
    await engine.finish(*names)
    assert (engine.rows.most_at_once, max(engine.rows.asked)) == (3, 3)


async def test_a_permit_that_comes_back_is_used_again_without_a_bell() -> None:
    engine = an_engine(1)
    names = engine.rows.add(3)
    engine.rows.done.set()
    engine.pump.ring()
    await engine.rows.worked_on(*names)
    await engine.stop()


async def test_rows_nobody_rang_for_are_found_by_any_bell() -> None:
    engine = an_engine(5)
    names = engine.rows.add(3)
    await engine.see([uuid4()])
    assert engine.pump.working == 3
    await engine.finish(*names)


async def test_bells_that_ring_twice_or_for_nothing_do_no_harm() -> None:
    engine = an_engine(5)
    (name,) = engine.rows.add(1)
    engine.rows.done.set()
    await asyncio.gather(*(engine.see([name]) for _ in range(5)))
    await engine.rows.worked_on(name)
    await engine.stop()


async def test_a_bell_learns_what_became_of_its_rows() -> None:
    engine = an_engine(5)
    names = engine.rows.add(2)
    seeing = asyncio.create_task(engine.see(names))
    await engine.rows.started.wait()
    assert not seeing.done()
    engine.rows.done.set()
    assert await seeing == {"done": 2}
    await engine.stop()


async def test_a_bell_never_waits_for_a_permit() -> None:
    engine = an_engine(1)
    names = engine.rows.add(2)
    await engine.see(())
    assert await engine.see(names[1:]) == {"waiting": 1}
    await engine.finish(*names)


async def test_a_row_that_another_worker_holds_is_not_waited_for() -> None:
    engine = an_engine(2)
    assert await engine.see([uuid4()]) == {"waiting": 1}
    await engine.stop()


async def test_a_bell_that_rings_while_a_claim_is_under_way_is_heard() -> None:
    engine = an_engine(4)
    engine.rows.open.clear()
    engine.pump.ring()
    await engine.rows.claiming.wait()
    names = engine.rows.add(1)
    engine.rows.done.set()
    seeing = asyncio.create_task(engine.see(names))
    await asyncio.sleep(0)
    engine.rows.open.set()
    await seeing
    await engine.rows.worked_on(*names)
    await engine.stop()


async def test_a_bell_that_rings_while_all_permits_are_reserved_is_not_forgotten() -> None:
    engine = an_engine(2)
    assert engine.pump.reserve(2)
    names = engine.rows.add(1)
    engine.rows.done.set()
    assert await engine.see(names) == {"waiting": 1}
    await asyncio.sleep(0)
    engine.pump.give_back(2)
    await engine.rows.worked_on(*names)
    await engine.stop()


async def test_permits_can_be_reserved_for_rows_that_are_leased_already() -> None:
    engine = an_engine(2)
    assert not engine.pump.reserve(3)
    assert engine.pump.reserve(2)
    assert not engine.pump.reserve(1)
    row = uuid4()
    engine.pump.start(row)
    engine.pump.give_back(1)
    assert engine.pump.free == 1
    await engine.finish(row)
    assert engine.pump.free == 2


async def test_what_is_kept_can_be_reserved_during_a_claim_and_is_used_by_it_in_the_end() -> None:
    engine = an_engine(4, kept=1)
    engine.rows.open.clear()
    names = engine.rows.add(9)
    engine.pump.ring()
    async with asyncio.timeout(PATIENCE):
        await engine.rows.claiming.wait()
    assert engine.rows.asked == [3]
    assert engine.pump.reserve(1)
    assert not engine.pump.reserve(1)
    engine.pump.give_back(1)
    engine.rows.open.set()
    async with asyncio.timeout(PATIENCE):
        while engine.pump.working < 4:
            await asyncio.sleep(0)
    assert engine.rows.asked[:2] == [3, 1]
    await engine.finish(*names)


async def test_work_that_fails_gives_its_permit_back_and_its_bell_an_answer() -> None:
    engine = an_engine(1)
    (name,) = engine.rows.add(1)
    seeing = asyncio.create_task(engine.see([name]))
    await engine.rows.started.wait()
    engine.rows.broken = True
    engine.rows.done.set()
    assert await seeing == {"failed": 1}
    await engine.stop()
    assert (engine.pump.free, engine.supervisor.failures) == (1, 1)


# --- failing claims --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [exc.OperationalError("SELECT", None, OSError()), KeyError("a fault of ours")],
    ids=["an outage", "a bug"],
)
async def test_a_claim_that_fails_is_made_again_and_no_permit_is_lost(failure: Exception) -> None:
    engine = an_engine(2)
    engine.rows.failures = [failure, failure]
    names = engine.rows.add(2)
    engine.rows.done.set()
    engine.pump.ring()
    await engine.rows.worked_on(*names)
    await engine.stop()
    assert (engine.pump.free, engine.supervisor.failures) == (2, 0)


async def test_a_bell_is_answered_during_an_outage() -> None:
    engine = an_engine(2)
    engine.rows.failures = [exc.OperationalError("SELECT", None, OSError())]
    names = engine.rows.add(1)
    assert await engine.see(names) == {"waiting": 1}
    await engine.finish(*names)


# --- stopping --------------------------------------------------------------------------------


async def test_a_stopped_pump_claims_nothing_and_finishes_what_it_has() -> None:
    engine = an_engine(2)
    names = engine.rows.add(3)
    await engine.see(())
    engine.pump.stop()
    assert not engine.pump.reserve(1)
    assert await engine.see(names[2:]) == {"waiting": 1}
    seeing = asyncio.create_task(engine.see(names))
    engine.rows.done.set()
    assert await seeing == {"done": 2, "waiting": 1}
    await engine.stop()
    assert engine.rows.due == names[2:]


async def test_a_stop_answers_the_bells_that_wait_for_a_claim() -> None:
    engine = an_engine(2)
    engine.rows.open.clear()
    seeing = [asyncio.create_task(engine.see([uuid4()])) for _ in range(3)]
    await engine.rows.claiming.wait()
    engine.pump.stop()
    engine.rows.open.set()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*seeing) == [{"waiting": 1}] * 3
    await engine.stop()


async def test_a_stop_does_not_wait_for_an_outage_to_end() -> None:
    engine = an_engine(2)
    failure = exc.OperationalError("SELECT", None, OSError())
    engine.rows.failures = [failure] * 1000
    for _ in range(4):
        await engine.see(())  # each claim that failed doubles the wait for the next
    engine.pump.stop()
    assert await engine.supervisor.settle(0.5)


# --- whether it moves ----------------------------------------------------------------------------


async def test_a_claim_and_the_end_of_a_rows_work_break_the_silence_and_a_failure_does_not() -> (
    None
):
    engine = an_engine(2)
    await engine.see(())

    await asyncio.sleep(0.3)
    rested = engine.pump.silent
    assert rested >= 0.3
    engine.rows.failures = [exc.OperationalError("", {}, OSError())]
    await engine.see(())
    assert engine.pump.silent >= rested
    names = engine.rows.add(2)
    async with asyncio.timeout(PATIENCE):
        await engine.rows.started.wait()  # by the pump's own next try
    assert engine.pump.silent < rested
    await asyncio.sleep(0.3)
    assert engine.pump.silent >= 0.3
    await engine.finish(*names)
    assert engine.pump.silent < 0.3


async def test_a_pump_is_full_while_all_its_permits_are_at_work_and_not_while_it_claims() -> None:
    engine = an_engine(1)
    engine.rows.open.clear()
    (name,) = engine.rows.add(1)
    engine.pump.ring()
    async with asyncio.timeout(PATIENCE):
        await engine.rows.claiming.wait()
    assert (engine.pump.free, engine.pump.full) == (0, False)
    engine.rows.open.set()
    async with asyncio.timeout(PATIENCE):
        await engine.rows.started.wait()
    assert (engine.pump.free, engine.pump.full) == (0, True)
    await engine.finish(name)
    assert not engine.pump.full
