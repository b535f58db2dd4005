"""Holding our orders beside what was read, batch by batch, and dealing with each difference."""

import asyncio
from typing import Final

from worker.books import Books
from worker.decisions.differences import compare, stranger
from worker.desk import Desk
from worker.reconciliation.handling import ASKING, handle
from worker.reconciliation.reading import LEASE, Pace
from worker.runtime import Runtime
from worker.store import beside, book_entries, differences, reconciliations
from worker.store.reconciliations import Run

_AT_ONCE: Final = 200
_ENTRIES_AT_ONCE: Final = 1000


async def compare_batch(
    run: Run, desk: Desk, rt: Runtime, pace: Pace, stopping: asyncio.Event
) -> Run | None:
    """Compare the next orders; ``None`` where none is left.

    Asking about a difference is a call like reading a page. Where everything stops before the
    last one was dealt with, whoever goes on begins with these orders again.
    """
    ids = await reconciliations.next_orders(rt.db, run, _AT_ONCE)
    if not ids:
        return None
    pairs = await beside.beside(rt.db, run, ids)
    differing = [each for order, entries in pairs for each in compare(order, entries)]
    found = await differences.find(rt.db, run, differing)
    for each in found:
        if each.difference.rule in ASKING:
            await pace.turn(stopping)
        if stopping.is_set():
            return run
        await handle(each, desk, rt)
        run = await reconciliations.note(rt.db, run, LEASE)
    compared = [order.order_id for order, _ in pairs]
    await differences.gone(rt.db, run, compared, whole=False)
    return await reconciliations.note(
        rt.db,
        run,
        LEASE,
        after=ids[-1],
        compared=run.compared + len(compared),
        tally=True,
    )


async def find_strangers(run: Run, desk: Desk, rt: Runtime) -> Run:
    """Find what stands in their books and belongs to no order of ours."""
    after, entries = await beside.strangers(rt.db, run, None, _ENTRIES_AT_ONCE)
    while after is not None:
        strange = [each for entry in entries if (each := stranger(entry)) is not None]
        await differences.find(rt.db, run, strange)
        run = await reconciliations.note(rt.db, run, LEASE, tally=True)
        after, entries = await beside.strangers(rt.db, run, after, _ENTRIES_AT_ONCE)
    whole = desk.provider.capabilities.books is Books.ACCOUNT
    whole = whole and await book_entries.all_read(rt.db, run)
    await differences.gone(rt.db, run, (), whole=whole)
    return run
