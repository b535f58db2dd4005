"""Statements that go to the server together: one round trip for a transaction, not four.

The batches' way to commit (``Database.together``), and what a transaction that is made often asks
first (``ask``). Everything else talks to the server statement by statement, by SQLAlchemy; here its
pool lends the connection, and its errors are raised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import TextClause, exc
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.ext.asyncio import AsyncConnection

_DOLLARS: Final = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # theirs


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with its values."""

    statement: TextClause
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Pipeline:
    """One transaction on a lent connection."""

    def __init__(self, lent: AsyncConnection) -> None:
        self._lent = lent

    async def ask(self, *asked: Asked, commit: bool = False) -> list[Sequence[Any]]:
        """Send statements, and with ``commit`` the commit behind them; each one's rows.

        Each sees what the one before it did. Raises what SQLAlchemy raises; then the
        transaction can only be rolled back, or its connection is given up.
        """
        lent = await self._lent.get_raw_connection()
        connection: psycopg.AsyncConnection[Any] = cast(Any, lent.driver_connection)
        try:
            cursors = await _sent(connection, asked, commit=commit)
            return [await cursor.fetchall() if cursor.description else () for cursor in cursors]
        except psycopg.Error as error:
            raise await self._given_up(connection, error, ended=commit) from error
        except BaseException:
            await self._lent.invalidate()
            raise

    async def _given_up(
        self, connection: psycopg.AsyncConnection[Any], error: psycopg.Error, *, ended: bool
    ) -> BaseException:
        """SQLAlchemy's word for an error; a connection that is lost takes the others with it.

        A transaction that was not to end here stays as it failed, so that nobody goes on in it.
        """
        lost = connection.broken or connection.closed
        if ended and not lost:
            try:
                await connection.rollback()
            except psycopg.Error:
                lost = True
        if lost:
            await self._lent.invalidate(error)
            await self._lent.engine.dispose()
        return exc.DBAPIError.instance(
            None,
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=self._lent.dialect,
        )


async def ask(connection: AsyncConnection, *asked: Asked) -> list[Sequence[Any]]:
    """Each statement's rows, all asked in one round trip, within the connection's transaction.

    What begins the transaction goes with them. Raises what SQLAlchemy raises.
    """
    if not connection.in_transaction():  # the driver begins it unseen, and somebody has to end it
        await connection.begin()
    return await Pipeline(connection).ask(*asked)


async def _sent(
    connection: psycopg.AsyncConnection[Any], asked: Sequence[Asked], *, commit: bool
) -> list[psycopg.AsyncRawCursor[Any]]:
    cursors = []
    async with connection.pipeline():
        for each in asked:
            query, names = _dollared(each.statement)
            cursor = psycopg.AsyncRawCursor(connection, row_factory=namedtuple_row)
            await cursor.execute(query, [each.values[name] for name in names])
            cursors.append(cursor)
        if commit:
            await connection.commit()
    return cursors


@cache
def _dollared(statement: TextClause) -> tuple[bytes, Sequence[str]]:
    """A statement as PostgreSQL reads it, ``$1`` for its first value, and the values' names."""
    compiled = statement.compile(dialect=_DOLLARS)
    return compiled.string.encode(), tuple(compiled.positiontup or ())
