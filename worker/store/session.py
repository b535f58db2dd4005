"""The engine, and what commits.

Every commit names its ``Boundary``. That is what lets a crash test die exactly there, and a
house test notice a boundary that no crash test visits.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from enum import StrEnum
from typing import Any, Final, Literal

import pydantic_core
from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from worker.store.pipeline import Asked, Pipeline


class Boundary(StrEnum):
    """The commits there are. Before each one the world is as it was; after it, it is not."""

    INTAKE = "intake.accepted"
    CLAIM = "order.claimed"
    ATTEMPT = "attempt.opened"
    SETTLE = "order.settled"
    CANCEL = "cancel.asked"
    RELEASE = "order.released"
    LATE = "attempt.noted_late"
    NOTIFICATION_CLAIM = "notification.claimed"
    DELIVERY = "delivery.recorded"
    REPLAY = "notification.replayed"
    TOKEN_CLAIM = "token.claimed"  # noqa: S105 -- a boundary's name
    TOKEN_RENEWED = "token.renewed"  # noqa: S105 -- a boundary's name
    CALLBACK = "callback.heard"
    SURPLUS = "surplus.closed"
    BELL = "account.rung"
    RECONCILIATION = "reconciliation.noted"
    DIFFERENCE = "difference.noted"
    TURN = "turn.noted"
    CLOCKS = "clocks.noted"
    CALLS = "calls.counted"
    BREAKER = "breaker.moved"
    PAUSE = "account.paused"
    PRODUCER = "producer.changed"
    REKEY = "sealed.anew"
    QUARANTINE = "quarantine.closed"
    ERASURE = "personal_data.erased"
    PURGE = "ended.purged"
    OPERATOR = "operator.noted"


Row = Any
"""A row of a textual statement: its columns are named in the statement beside it."""

Side = Literal["before", "after"]
OnBoundary = Callable[[Boundary, Side], None]

LOCK_ORDERS: Final = text("SELECT id FROM orders WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
"""Taken first in every batch, sorted, so that two batches cannot wait for each other."""

TRANSIENT_CLASSES: Final = ("08", "25", "40", "53", "55", "57", "58")
"""SQLSTATE classes after which the same transaction may succeed: connection lost, read-only after
a failover, rolled back for a deadlock or serialization failure, out of resources, lock not
available, shut down."""

_NOTICE_SILENCE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""libpq's: a server that vanished without a farewell is noticed within half a minute, not after
the kernel's quarter of an hour."""

_CONNECTION: Final = {"application_name": "orderline", "prepare_threshold": 1}
"""Statements are prepared when they are run once more: most of ours are, again and again."""

_LONGEST_PAUSE: Final = "SET idle_in_transaction_session_timeout = '15s'"
"""How long a transaction may stand still before PostgreSQL rolls it back. None of ours waits for
anything outside; a worker that is frozen (its kernel still answers keep-alives) would hold its
rows for as long as it is, unseen by claims, which skip what is locked. Set in the session, because
a pooler such as PgBouncer refuses it among a connection's options."""


_ONE_PLAN: Final = "SET plan_cache_mode = force_generic_plan"
"""Each statement is planned once a connection. Ours find their rows by indexes whatever the values
are (``tests/store/test_plans``); to plan them anew for each batch takes longer than to run them."""


_LONGEST_EVER: Final = "SET transaction_timeout = '5min'"
"""For what no pause is seen in: a worker frozen while it sends statements together. Since
PostgreSQL 17."""
_HAS_LONGEST_EVER: Final = 170_000


def is_transient(error: BaseException) -> bool:
    """Whether the database, not the data, was to blame, so that trying again makes sense."""
    if isinstance(error, (OSError, TimeoutError, exc.TimeoutError)):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or isinstance(
            error, (exc.OperationalError, exc.InterfaceError)
        )
    return str(state)[:2] in TRANSIENT_CLASSES


def as_rows(rows: object) -> str:
    """Rows as the one JSON parameter of a batched statement (``jsonb_to_recordset``).

    One parameter whatever the batch's size keeps the statement's text, and so its plan, the same.
    """
    return pydantic_core.to_json(rows).decode()


def as_bytea(value: bytes | None) -> str | None:
    """Bytes in the form that ``jsonb_to_recordset`` reads a ``bytea`` from."""
    return None if value is None else f"\\x{value.hex()}"


def _prepare(connection: Any, _: object) -> None:
    """Prepare a new connection, as SQLAlchemy's *connect* event hands it over."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(_LONGEST_PAUSE)
        cursor.execute(_ONE_PLAN)
        if connection.driver_connection.info.server_version >= _HAS_LONGEST_EVER:
            cursor.execute(_LONGEST_EVER)
    connection.commit()  # a SET that is rolled back was never made


class Database:
    """One pool of connections to one PostgreSQL database."""

    def __init__(
        self, url: str, *, pool_size: int = 8, on_boundary: OnBoundary | None = None
    ) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=2,
            hide_parameters=True,  # an error text must not quote what a customer ordered
            pool_use_lifo=True,  # few connections, whose statements are planned already
            connect_args={**_CONNECTION, **_NOTICE_SILENCE},
        )
        event.listen(self.engine.sync_engine, "connect", _prepare)
        self._reader = self.engine.execution_options(postgresql_readonly=True)
        self._on_boundary = on_boundary

    @asynccontextmanager
    async def transaction(self, boundary: Boundary) -> AsyncIterator[AsyncConnection]:
        """One transaction, committed at the end: this and ``together`` are the only commits.

        A lost connection during the commit leaves its fate unknown, so everything written in
        one must be safe to write again.
        """
        async with self.engine.connect() as connection, connection.begin() as transaction:
            yield connection
            self._reached(boundary, "before")
            await transaction.commit()
        self._reached(boundary, "after")

    async def together(self, boundary: Boundary, *asked: Asked) -> list[Sequence[Row]]:
        """One transaction whose statements are all known, and each one's rows: in one round trip.

        Who listens to the boundaries is told between the statements and their commit, which then
        takes another.
        """
        async with self.engine.connect() as lent:
            pipeline = Pipeline(lent)
            rows = await pipeline.ask(*asked, commit=self._on_boundary is None)
            if self._on_boundary is not None:
                self._reached(boundary, "before")
                await pipeline.ask(commit=True)
        self._reached(boundary, "after")
        return rows

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for queries; PostgreSQL refuses whatever else it is asked.

        It ends with a commit: after a rollback the driver forgets the connection's prepared
        statements, and every one that comes would be planned anew.
        """
        async with self._reader.connect() as connection:
            yield connection
            await connection.commit()

    async def look(self, *asked: Asked) -> list[Sequence[Row]]:
        """``reading`` where all questions are known: each one's rows, in one round trip."""
        async with self._reader.connect() as lent:
            return await Pipeline(lent).ask(*asked, commit=True)

    def _reached(self, boundary: Boundary, side: Side) -> None:
        if self._on_boundary is not None:
            self._on_boundary(boundary, side)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
