"""Holding our orders beside what was read, batch by batch, and dealing with each difference."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from worker.books import BookEntry, Books
from worker.decisions.differences import compare, stranger
from worker.desk import Desk
from worker.reconciliation.handling import handle
from worker.reconciliation.reading import LEASE
from worker.runtime import Runtime
from worker.store import beside, differences, reconciliations
from worker.store.differences import Found
from worker.store.reconciliations import Run

_AT_ONCE: Final = 200


async def compare_batch(run: Run, desk: Desk, rt: Runtime) -> Run | None:
    """Compare the next orders; ``None`` where none is left."""
    ids = await reconciliations.next_orders(rt.db, run, _AT_ONCE)
    if not ids:
        return None
    pairs = await beside.beside(rt.db, run, ids)
    differing = [each for order, entries in pairs for each in compare(order, entries)]
    found = await differences.find(rt.db, run, differing)
    for each in found:
        await handle(each, desk, rt)
    compared = [order.order_id for order, _ in pairs]
    await differences.gone(rt.db, run, compared, whole=False)
    return await reconciliations.note(
        rt.db,
        run,
        LEASE,
        after=ids[-1],
        compared=run.compared + len(compared),
        found=_counted(run, found),
    )


async def find_strangers(run: Run, desk: Desk, rt: Runtime) -> Run:
    """Find what stands in their books and belongs to no order of ours."""
    after: BookEntry | None = None
    while entries := await beside.strangers(rt.db, run, after, _AT_ONCE):
        after = entries[-1]
        strange = [each for entry in entries if (each := stranger(entry)) is not None]
        found = await differences.find(rt.db, run, strange)
        run = await reconciliations.note(rt.db, run, LEASE, found=_counted(run, found))
    whole = desk.provider.capabilities.books is Books.ACCOUNT
    await differences.gone(rt.db, run, (), whole=whole)
    return run


def _counted(run: Run, found: Iterable[Found]) -> dict[str, int]:
    """How many new differences there are by now, by kind."""
    fresh = Counter(str(each.difference.kind) for each in found if each.fresh)
    return dict(Counter(run.found) + fresh)
