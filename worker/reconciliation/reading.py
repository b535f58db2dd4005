"""Reading a provider's books into ours, page by page, no faster than the account allows."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

from schemas.ids import OrderId
from worker.books import BookPage, Books
from worker.desk import Desk
from worker.metrics.meters import Call
from worker.outcome import InDoubt, NotSent, Refused
from worker.runtime import Runtime
from worker.steps.ask import ask
from worker.store import book_entries, reconciliations
from worker.store.book_entries import Shelf
from worker.store.claimed import peek
from worker.store.reconciliations import Run
from worker.supervisor import pause

LEASE: Final = timedelta(minutes=2)
"""Longer than a page takes: a run that its worker left is gone on with after that."""

WHOLE: Final = ""
"""The shelf of books that are one list."""

_ORDERS_AT_ONCE: Final = 500


class Pace:
    """So many calls a second and no more, from the beginning of one to that of the next."""

    def __init__(self, rt: Runtime, rate: float) -> None:
        self._clock = rt.clock
        self._gap = 1 / rate
        self._next = self._clock.monotonic()

    async def turn(self, stopping: asyncio.Event) -> None:
        """Wait until the next call may be made, or until everything stops."""
        wait = self._next - self._clock.monotonic()
        if wait > 0:
            await pause(wait, until=stopping)
        self._next = max(self._next, self._clock.monotonic()) + self._gap


async def collect_shelves(run: Run, desk: Desk, rt: Runtime) -> Run:
    """Write down which orders are compared, and on which shelves they stand."""
    whole = desk.provider.capabilities.books is Books.ACCOUNT
    run = await reconciliations.scope(rt.db, run, LEASE, WHOLE if whole else None)
    while not run.collected:
        ids = await reconciliations.next_orders(rt.db, run, _ORDERS_AT_ONCE)
        shelved: dict[OrderId, str | None] = dict.fromkeys(ids)
        for claimed in await peek(rt.db, rt.vault, ids):
            shelved[claimed.order.order_id] = desk.provider.shelf(claimed.order)
        run = await book_entries.put_on_shelves(rt.db, run, LEASE, shelved)
    return run


async def read_page(run: Run, shelf: Shelf, desk: Desk, rt: Runtime) -> Run | NotSent | InDoubt:
    """Read one page and keep it; or why it could not be read."""
    question = partial(desk.provider.read_books, shelf.shelf, run.since, shelf.next_page)
    said = await ask(Call.BOOKS, question, desk, rt)
    match said:
        case BookPage():
            return await book_entries.keep_page(
                rt.db, run, LEASE, shelf.shelf, said.entries, next_page=said.next_page
            )
        case Refused():
            return await book_entries.keep_page(
                rt.db, run, LEASE, shelf.shelf, (), next_page=None, refused=True
            )
        case NotSent() | InDoubt():
            return said
