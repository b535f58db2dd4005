"""Statements that go to the server together: all or none, and errors as everywhere else."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import exc, text

from worker.store.pipeline import Asked, ask
from worker.store.session import Boundary, Database, is_transient

_NOTE = text("INSERT INTO notes VALUES (:word) RETURNING word, length(word) AS letters")
_READ = text("SELECT word FROM notes ORDER BY word")
_LEAVE = text("SELECT pg_terminate_backend(pg_backend_pid())")
_SECRET = "what a customer ordered"


@pytest.fixture
async def notes(db: Database) -> AsyncIterator[Database]:
    async with db.transaction(Boundary.TURN) as connection:
        await connection.execute(text("CREATE TABLE notes (word varchar(30) PRIMARY KEY)"))
    yield db
    async with db.transaction(Boundary.TURN) as connection:
        await connection.execute(text("DROP TABLE notes"))


async def written(db: Database) -> list[str]:
    async with db.reading() as connection:
        return [*(await connection.execute(_READ)).scalars()]


def a_note(word: str) -> Asked:
    return Asked(_NOTE, {"word": word})


async def test_each_statement_sees_what_the_one_before_it_did(notes: Database) -> None:
    first, second, then = await notes.together(
        Boundary.TURN, a_note("one"), a_note("two"), Asked(_READ)
    )
    assert [(row.word, row.letters) for row in [*first, *second]] == [("one", 3), ("two", 3)]
    assert [row.word for row in then] == ["one", "two"]
    assert await written(notes) == ["one", "two"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["one", "one"], exc.IntegrityError),
        (["one", "long" * 10, "three"], exc.DataError),
        (["one", "nul\0"], exc.DataError),
        (["one", "lone \ud800"], ValueError),
    ],
    ids=["twice", "too_long", "nul", "surrogate"],
)
async def test_of_a_transaction_with_a_mistake_nothing_is_written(
    notes: Database, words: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        await notes.together(Boundary.TURN, *map(a_note, words))
    assert not is_transient(raised.value)
    assert await written(notes) == []
    await notes.together(Boundary.TURN, a_note("afterwards"))
    assert await written(notes) == ["afterwards"]


async def test_an_error_does_not_quote_what_was_written(notes: Database) -> None:
    await notes.together(Boundary.TURN, a_note("one"))
    with pytest.raises(exc.DataError) as raised:
        await notes.together(Boundary.TURN, a_note(_SECRET * 5))
    assert not re.search(_SECRET, f"{raised.value} {raised.value!r}")


async def test_a_lost_connection_is_the_database_s_fault_and_is_not_used_again(
    notes: Database,
) -> None:
    others = [asyncio.create_task(written(notes)) for _ in range(3)]
    await asyncio.gather(*others)
    with pytest.raises(exc.DBAPIError) as raised:
        await notes.together(Boundary.TURN, a_note("one"), Asked(_LEAVE))
    assert is_transient(raised.value)
    await notes.together(Boundary.TURN, a_note("two"))
    assert await written(notes) == ["two"]


async def test_who_is_cancelled_has_written_all_of_it_or_nothing(notes: Database) -> None:
    slow = Asked(text("SELECT pg_sleep(30)"))
    task = asyncio.create_task(notes.together(Boundary.TURN, a_note("one"), slow))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await written(notes) == []
    await notes.together(Boundary.TURN, a_note("two"))
    assert await written(notes) == ["two"]


async def test_who_listens_to_a_boundary_stands_between_the_statements_and_their_commit(
    notes: Database,
) -> None:
    heard = []
    url = notes.engine.url.render_as_string(hide_password=False)
    listened = Database(url, on_boundary=lambda *moment: heard.append(moment))
    try:
        await listened.together(Boundary.SETTLE, a_note("one"))
        assert heard == [(Boundary.SETTLE, "before"), (Boundary.SETTLE, "after")]

        def refuse(*_: object) -> None:
            raise InterruptedError

        dying = Database(url, on_boundary=refuse)
        with pytest.raises(InterruptedError):
            await dying.together(Boundary.SETTLE, a_note("two"))
        await dying.close()
    finally:
        await listened.close()
    assert await written(notes) == ["one"]


async def test_nobody_goes_on_in_a_transaction_that_failed(notes: Database) -> None:
    async def go_on() -> None:
        async with notes.transaction(Boundary.TURN) as connection:
            await ask(connection, a_note("one"))
            with suppress(exc.IntegrityError):
                await ask(connection, a_note("two"), a_note("one"))
            await ask(connection, a_note("three"))

    with pytest.raises(exc.DBAPIError):
        await go_on()
    assert await written(notes) == []
    await notes.together(Boundary.TURN, a_note("afterwards"))
    assert await written(notes) == ["afterwards"]
