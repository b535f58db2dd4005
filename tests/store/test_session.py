"""What every session with the database is told, whoever opens it."""

import pytest
from sqlalchemy import exc, text

from worker.store.pipeline import Asked, ask
from worker.store.session import Boundary, Database


async def test_a_transaction_that_stands_still_does_not_hold_its_rows_for_long(
    db: Database,
) -> None:
    async with db.reading() as connection:
        limit = await connection.execute(text("SHOW idle_in_transaction_session_timeout"))
        assert limit.scalar_one() == "15s"
        longest = await connection.execute(text("SHOW transaction_timeout"))
        assert longest.scalar_one() == "5min"


async def test_who_reads_cannot_write(db: Database) -> None:
    with pytest.raises(exc.InternalError, match="read-only"):
        async with db.reading() as connection:
            await connection.execute(text("DELETE FROM accounts"))
    async with db.transaction(Boundary.TURN) as connection:
        await connection.execute(text("DELETE FROM accounts"))


async def test_what_was_planned_once_stays_planned_for_who_reads(db: Database) -> None:
    planned = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%accounts%'")
    looked = []
    for _ in range(4):
        async with db.reading() as connection:
            await connection.execute(text("SELECT account FROM accounts"))
            looked.append((await connection.execute(planned)).scalar_one())
    assert looked[-1] > 0


async def test_a_look_is_one_round_trip_and_cannot_write(db: Database) -> None:
    [[row]] = await db.look(Asked(text("SELECT 1 AS one")))
    assert row.one == 1
    with pytest.raises(exc.InternalError, match="read-only"):
        await db.look(Asked(text("UPDATE producers SET name = 'x'")))
    [[row]] = await db.look(Asked(text("SELECT 2 AS two")))
    assert row.two == 2


async def test_what_was_planned_stays_planned_for_who_asks_all_at_once(db: Database) -> None:
    planned = text("SELECT count(*) AS n FROM pg_prepared_statements WHERE statement LIKE '%line%'")
    looked = []
    for _ in range(4):
        async with db.reading() as connection:
            [_, [row]] = await ask(connection, Asked(text("SELECT id FROM lines")), Asked(planned))
            looked.append(row.n)
    assert looked[-1] > 0
