"""Natural batching: while one commit is under way, the next rows gather. No timer.

An idle writer commits a single row at once; a busy one commits many in the time of one. The
caller sees neither: it hands over a row and gets that row's own result.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from sqlalchemy import exc

from worker.logs import get_logger
from worker.store.session import is_transient

Given = TypeVar("Given")
Result = TypeVar("Result")

Batch = list[tuple[Given, asyncio.Future[Result]]]
"""Rows, each with the future its caller waits for."""

log = get_logger(__name__)

_FIRST_WAIT = 0.05
_LONGEST_WAIT = 5.0


class BatchWriter(Generic[Given, Result]):
    """Collects rows and writes them by ``flush``, which gives one result per row, in order.

    A lost connection, a deadlock or a serialization failure repeats the *whole* batch until it
    succeeds: what is waiting here is knowledge that exists nowhere else. Only an error of the
    data itself, refused by the database or by its encoding, falls back to row by row, so that it
    hurts its own row alone.

    Between the beginnings of two batches lie at least ``apart`` seconds: for rows that can wait a
    moment, so that more of them gather. The first one never waits.
    """

    def __init__(
        self,
        name: str,
        flush: Callable[[Sequence[Given]], Awaitable[Sequence[Result]]],
        cap: int = 256,
        apart: float = 0.0,
    ) -> None:
        self._name = name
        self._flush = flush
        self._cap = cap
        self._apart = apart
        self._next_at = 0.0
        self._waiting: Batch[Given, Result] = []
        self._drainer: asyncio.Task[None] | None = None

    async def write(self, row: Given) -> Result:
        """Write one row; what it came to.

        Cancelling the caller does not cancel the write: it may already be half-way to disk.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._drainer is None:
            self._drainer = asyncio.create_task(
                self._drain(),
                name=f"batch:{self._name}",
                context=Context(),  # a batch is about no one row
            )
        return await future

    async def close(self, patience: float) -> None:
        """Wait until everything handed over is written, or give up after ``patience`` seconds."""
        if self._drainer is None:
            return
        done, _ = await asyncio.wait({self._drainer}, timeout=patience)
        if not done:
            self._drainer.cancel()
            await asyncio.wait({self._drainer})

    async def _drain(self) -> None:
        batch: Batch[Given, Result] = []
        try:
            while self._waiting:
                await self._let_gather()
                batch, self._waiting = self._waiting[: self._cap], self._waiting[self._cap :]
                await self._write(batch)
        finally:
            self._drainer = None
            left, self._waiting = [*batch, *self._waiting], []
            for _, future in left:
                future.cancel()

    async def _let_gather(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._apart and now < self._next_at:
            await asyncio.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + self._apart

    async def _write(self, batch: Batch[Given, Result]) -> None:
        try:
            results = await self._commit([row for row, _ in batch])
        except (exc.DataError, exc.IntegrityError, ValueError) as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for entry in batch:
                await self._write([entry])
        except Exception as error:  # noqa: BLE001 -- whatever it is, its callers must hear of it
            _fail(batch, error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)

    async def _commit(self, rows: Sequence[Given]) -> Sequence[Result]:
        return await insist(lambda: self._flush(rows), self._name, len(rows))


async def insist(write: Callable[[], Awaitable[Result]], name: str, rows: int = 1) -> Result:
    """Write what exists nowhere else: again and again for as long as the database is away.

    ``write`` must be safe to repeat. Raises what is not the database's fault.
    """
    wait = _FIRST_WAIT
    while True:
        try:
            return await write()
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning(
                "database_unavailable",
                task=name,
                error=type(error).__name__,
                batch=rows,
                retry_in=wait,
            )
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)


def _fail(batch: Batch[Given, Result], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
