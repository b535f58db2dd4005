"""What every session with the database is told, whoever opens it."""

from sqlalchemy import text

from worker.store.session import Database


async def test_a_transaction_that_stands_still_does_not_hold_its_rows_for_long(
    db: Database,
) -> None:
    async with db.reading() as connection:
        limit = await connection.execute(text("SHOW idle_in_transaction_session_timeout"))
        assert limit.scalar_one() == "15s"
