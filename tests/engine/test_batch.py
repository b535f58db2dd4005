"""Natural batching: what gathers, what fails alone, what is repeated whole, what is never lost."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import exc, text

from worker.store.batch import BatchWriter
from worker.store.session import Boundary, Database

PATIENCE = 30.0


@dataclass
class Shelf:
    """A flush that can be held up, and remembers what it was given."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[list[int]] = field(default_factory=list)

    async def flush(self, rows: Sequence[int]) -> list[int]:
        self.batches.append(list(rows))
        self.entered.set()
        await self.gate.wait()
        return [row * 10 for row in rows]


async def start(*tasks: asyncio.Task[Any]) -> None:
    """Let tasks come to their first wait."""
    for _ in tasks:
        await asyncio.sleep(0)


async def test_an_idle_writer_writes_a_row_at_once() -> None:
    shelf = Shelf()
    shelf.gate.set()
    writer = BatchWriter("test", shelf.flush)
    assert await writer.write(1) == 10
    assert await writer.write(2) == 20
    assert shelf.batches == [[1], [2]]


async def test_rows_gather_while_a_commit_is_under_way_and_each_caller_gets_its_own() -> None:
    shelf = Shelf()
    writer = BatchWriter("test", shelf.flush)
    writes = [asyncio.create_task(writer.write(0))]
    await shelf.entered.wait()
    writes += [asyncio.create_task(writer.write(row)) for row in range(1, 6)]
    await start(*writes)
    shelf.gate.set()
    assert await asyncio.gather(*writes) == [0, 10, 20, 30, 40, 50]
    assert shelf.batches == [[0], [1, 2, 3, 4, 5]]


async def test_a_batch_has_a_cap() -> None:
    shelf = Shelf()
    writer = BatchWriter("test", shelf.flush, cap=2)
    writes = [asyncio.create_task(writer.write(0))]
    await shelf.entered.wait()
    writes += [asyncio.create_task(writer.write(row)) for row in range(1, 6)]
    await start(*writes)
    shelf.gate.set()
    await asyncio.gather(*writes)
    assert [len(batch) for batch in shelf.batches] == [1, 2, 2, 1]


async def test_batches_apart_gather_what_comes_meanwhile_and_the_first_never_waits() -> None:
    shelf = Shelf()
    shelf.gate.set()
    writer = BatchWriter("test", shelf.flush, apart=0.2)
    began = asyncio.get_running_loop().time()
    assert await writer.write(0) == 0
    assert asyncio.get_running_loop().time() - began < 0.2
    assert await asyncio.gather(*(writer.write(row) for row in (1, 2, 3))) == [10, 20, 30]
    assert asyncio.get_running_loop().time() - began >= 0.2
    assert shelf.batches == [[0], [1, 2, 3]]


async def test_a_caller_that_is_cancelled_does_not_cancel_the_write() -> None:
    shelf = Shelf()
    writer = BatchWriter("test", shelf.flush)
    gone, stays = (asyncio.create_task(writer.write(row)) for row in (1, 2))
    await shelf.entered.wait()
    gone.cancel()
    shelf.gate.set()
    assert await stays == 20
    assert shelf.batches == [[1, 2]]
    assert gone.cancelled()


async def test_an_error_of_the_program_reaches_every_caller_and_the_writer_lives() -> None:
    calls = 0

    async def flush(rows: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("a bug")
        return list(rows)

    writer = BatchWriter("test", flush)
    results = await asyncio.gather(writer.write(1), writer.write(2), return_exceptions=True)
    assert [str(result) for result in results] == ["a bug", "a bug"]
    assert await writer.write(3) == 3


async def test_a_row_that_cannot_even_be_encoded_hurts_only_itself() -> None:
    async def flush(rows: Sequence[str]) -> list[int]:
        return [len(row.encode()) for row in rows]

    writer = BatchWriter("test", flush)
    results = await asyncio.gather(
        *(writer.write(row) for row in ("a", "half \ud800", "ccc")), return_exceptions=True
    )
    assert (results[0], results[2]) == (1, 3)
    assert isinstance(results[1], UnicodeEncodeError)


# --- closing -----------------------------------------------------------------------------------


async def test_closing_waits_for_what_was_handed_over() -> None:
    shelf = Shelf()
    writer = BatchWriter("test", shelf.flush)
    writes = [asyncio.create_task(writer.write(row)) for row in range(3)]
    await shelf.entered.wait()
    closing = asyncio.create_task(writer.close(PATIENCE))
    await start(closing)
    shelf.gate.set()
    await closing
    assert await asyncio.gather(*writes) == [0, 10, 20]


async def test_closing_gives_up_after_a_while_and_leaves_nobody_waiting() -> None:
    shelf = Shelf()
    writer = BatchWriter("test", shelf.flush, cap=2)
    writes = [asyncio.create_task(writer.write(row)) for row in range(5)]
    await shelf.entered.wait()
    await writer.close(0.01)
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(*writes, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_giving_up_row_by_row_leaves_nobody_waiting_either() -> None:
    stuck = asyncio.Event()

    async def flush(rows: Sequence[int]) -> list[int]:
        if len(rows) > 1:
            raise exc.DataError("INSERT", None, ValueError("one of them"))
        stuck.set()
        await asyncio.Event().wait()
        return list(rows)

    writer = BatchWriter("test", flush)
    writes = [asyncio.create_task(writer.write(row)) for row in range(3)]
    await stuck.wait()
    await writer.close(0.01)
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(*writes, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)


async def test_closing_an_idle_writer_returns_at_once() -> None:
    await BatchWriter("test", Shelf().flush).close(0)


# --- on the real database ----------------------------------------------------------------------


@dataclass
class Table:
    """A table of small numbers, and a flush into it."""

    db: Database
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    slow: bool = False
    tries: int = 0

    async def flush(self, rows: Sequence[int]) -> list[int]:
        self.tries += 1
        async with self.db.transaction(Boundary.PRODUCER) as connection:
            for row in rows:
                await connection.execute(
                    text("INSERT INTO small VALUES (:n) ON CONFLICT DO NOTHING"), {"n": row}
                )
            self.entered.set()
            if self.slow and self.tries == 1:
                await connection.execute(text("SELECT pg_sleep(30)"))
        return list(rows)

    async def rows(self) -> list[int]:
        async with self.db.reading() as connection:
            found = await connection.execute(text("SELECT n FROM small ORDER BY n"))
            return list(found.scalars())


@pytest.fixture
async def table(db: Database) -> Table:
    async with db.transaction(Boundary.PRODUCER) as connection:
        await connection.execute(text("CREATE TABLE small (n int PRIMARY KEY CHECK (n < 100))"))
    return Table(db)


async def kill_backends(db: Database) -> int:
    """Cut every other connection to this database; how many."""
    async with db.reading() as connection:
        killed = await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        return len(killed.all())


@pytest.mark.parametrize("bad", [100, 2**40], ids=["a constraint", "out of range"])
async def test_one_bad_row_hurts_only_itself(table: Table, bad: int) -> None:
    writer = BatchWriter("test", table.flush)
    results = await asyncio.gather(
        *(writer.write(row) for row in (1, bad, 2, 3)), return_exceptions=True
    )
    assert results[:1] + results[2:] == [1, 2, 3]
    assert isinstance(results[1], exc.IntegrityError | exc.DataError)
    assert await table.rows() == [1, 2, 3]


async def test_a_lost_connection_repeats_the_whole_batch(table: Table) -> None:
    table.slow = True
    writer = BatchWriter("test", table.flush)
    writes = [asyncio.create_task(writer.write(row)) for row in (1, 2, 3)]
    await table.entered.wait()
    assert await kill_backends(table.db) >= 1
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*writes) == [1, 2, 3]
    assert table.tries == 2
    assert await table.rows() == [1, 2, 3]


async def test_a_deadlock_repeats_the_batch_that_lost_it(table: Table) -> None:
    await table.flush([1, 2])
    met = asyncio.Barrier(2)
    tries = 0

    async def flush(rows: Sequence[tuple[int, int]]) -> list[str]:
        nonlocal tries
        tries += 1
        first_time = tries <= 2
        async with table.db.transaction(Boundary.PRODUCER) as connection:
            for pair in rows:
                for row in pair:
                    await connection.execute(
                        text("UPDATE small SET n = n WHERE n = :n"), {"n": row}
                    )
                    if first_time and row == pair[0]:
                        await met.wait()
        return ["written" for _ in rows]

    one, other = (BatchWriter("test", flush) for _ in range(2))
    async with asyncio.timeout(PATIENCE):
        results = await asyncio.gather(one.write((1, 2)), other.write((2, 1)))
    assert list(results) == ["written", "written"]
    assert tries >= 3, "and perhaps once more: both may have lost"
