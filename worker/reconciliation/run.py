"""One run over one account: started, gone on with, ended. Safe to be left at any moment."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from worker.books import Books
from worker.desk import Desk
from worker.logs import get_logger
from worker.outcome import NotSent
from worker.reconciliation.comparing import compare_batch, find_strangers
from worker.reconciliation.reading import LEASE, Pace, collect_shelves, read_page
from worker.runtime import Runtime
from worker.store import book_entries, reconciliations
from worker.store.reconciliations import Run, Superseded
from worker.store.tables_books import RunState
from worker.supervisor import pause

log = get_logger(__name__)

_TRIES: Final = 8
"""How many questions in a row may go unanswered until a run is given up; the next one is due soon
enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is, for whoever watches it. ``found`` counts new differences by kind."""

    provider: str
    account: str
    state: RunState
    shelves: int
    shelves_read: int
    pages: int
    entries: int
    orders: int
    compared: int
    found: Mapping[str, int]


Watch = Callable[[Progress], None]


async def start(
    desk: Desk,
    rt: Runtime,
    *,
    back: timedelta,
    every: timedelta | None = None,
    asked_by: str = reconciliations.BEAT,
) -> Run | None:
    """A run to go on with: a new one, or one that was left. ``None`` where there is none to do.

    It looks ``back`` so far; a new one is due ``every`` so often, or now.
    """
    if desk.provider.capabilities.books is Books.NONE:
        return None
    return await reconciliations.start(
        rt.db,
        provider=desk.provider_name,
        account=desk.account,
        back=min(back, rt.settings.retention),
        every=every,
        asked_by=asked_by,
        worker=rt.worker,
        lease=LEASE,
    )


async def reconcile(
    run: Run, desk: Desk, rt: Runtime, stopping: asyncio.Event, watch: Watch | None = None
) -> Run:
    """See a run through, or as far as it gets before everything stops."""
    pace = Pace(rt, desk.books_rate)
    try:
        if run.state is RunState.READING:
            run = await _read(run, desk, rt, pace, stopping, watch)
        if run.state is RunState.COMPARING and not stopping.is_set():
            run = await _compare(run, desk, rt, pace, stopping, watch)
        if run.state in {RunState.READING, RunState.COMPARING}:
            run = await reconciliations.note(rt.db, run, None)  # left for whoever comes next
    except Superseded:
        log.info("reconciliation_superseded", provider=run.provider, account=run.account)
        return run
    log.info(
        "reconciled",
        provider=run.provider,
        account=run.account,
        state=run.state,
        count=run.compared,
        pending=sum(run.found.values()),
    )
    return run


async def _read(
    run: Run, desk: Desk, rt: Runtime, pace: Pace, stopping: asyncio.Event, watch: Watch | None
) -> Run:
    run = await collect_shelves(run, desk, rt)
    while not stopping.is_set() and (shelf := await book_entries.next_shelf(rt.db, run)):
        await pace.turn(stopping)
        if stopping.is_set():
            break
        said = await read_page(run, shelf, desk, rt)
        if isinstance(said, Run):
            run = said
            await _tell(watch, run, rt)
            continue
        if run.tries + 1 >= _TRIES:
            reason = f"their books could not be read: {said.reason}"
            return await reconciliations.end(rt.db, run, RunState.FAILED, reason)
        run = await reconciliations.note(rt.db, run, LEASE, tries=run.tries + 1)
        wish = said.retry_after if isinstance(said, NotSent) else None
        wait = desk.decider.policy.retry_in(run.tries, rt.chance(), wish)
        await pause(min(wait, LEASE / 2).total_seconds(), until=stopping)
    if stopping.is_set():
        return run
    return await reconciliations.note(
        rt.db, run, LEASE, state=RunState.COMPARING, after=None, tries=0
    )


async def _compare(
    run: Run, desk: Desk, rt: Runtime, pace: Pace, stopping: asyncio.Event, watch: Watch | None
) -> Run:
    while not stopping.is_set():
        further = await compare_batch(run, desk, rt, pace, stopping)
        if further is None:
            run = await find_strangers(run, desk, rt)
            await _tell(watch, run, rt)
            return await reconciliations.end(rt.db, run, RunState.DONE)
        run = further
        await _tell(watch, run, rt)
    return run


async def _tell(watch: Watch | None, run: Run, rt: Runtime) -> None:
    """Say how far a run is. Counting shelves is not free, and mostly nobody watches."""
    if watch is not None:
        watch(await _progress(run, rt))


async def _progress(run: Run, rt: Runtime) -> Progress:
    shelves, read = await book_entries.count_shelves(rt.db, run)
    return Progress(
        provider=run.provider,
        account=run.account,
        state=run.state,
        shelves=shelves,
        shelves_read=read,
        pages=run.pages,
        entries=run.entries,
        orders=run.orders,
        compared=run.compared,
        found=run.found,
    )
