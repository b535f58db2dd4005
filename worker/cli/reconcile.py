"""``orderline reconcile``: our books beside the providers', now."""

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

import typer

from schemas.books import DifferenceView, RunView
from schemas.orders import span
from worker.books import Books
from worker.cli.differences.table import print_differences, tell_what_to_do
from worker.cli.operator import operator_name
from worker.cli.options import Moment, read_since
from worker.cli.output import Json, print_json, say
from worker.cli.reconcile_screen import Screen
from worker.cli.session import Session, opened
from worker.desk import Desk
from worker.operating.advice import advised
from worker.providers import REGISTRY
from worker.reconciliation import reconcile as see_through
from worker.reconciliation import start
from worker.runtime import DeskKey, Runtime
from worker.store.tables_books import RunState
from worker.store.views_books import (
    database_now,
    differences_of,
    needing_a_person,
    run_under_way,
    runs,
)

_FAILED: Final = 1
_INTERRUPTED: Final = 130


@dataclass(slots=True, kw_only=True)
class _Told:
    """What came of the runs."""

    runs: list[RunView] = field(default_factory=list)
    under_way: list[RunView] = field(default_factory=list)
    """Runs over accounts that were asked for, made by somebody else."""
    differences: list[DifferenceView] = field(default_factory=list)
    need_a_person: int = 0
    interrupted: bool = False


def reconcile(
    *,
    provider: Annotated[str | None, typer.Option(help="Only at this provider.")] = None,
    account: Annotated[str | None, typer.Option(help="Only accounts of this name.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Compare what was ordered since then: 2d, 2026-11-20, 2026-11-20T10:00:00Z."
            " ORDERLINE_RECONCILE_BACK, unless given.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold our orders beside the providers' own books now, and deal with what differs.

    Every account whose provider has books that can be read, one after the other; workers do the
    same by themselves every ORDERLINE_RECONCILE_EVERY. Ctrl-C leaves a run where it is, and the
    next one goes on from there. How far it is stands on stderr, what differs on stdout.

    Ends with 0 when all was compared and nothing open needs a person, 1 when a run failed or
    something does (`orderline differences` says what to do), 2 when it was called wrongly.

    Example: orderline reconcile --provider hyperteknoloji --since 7d
    """
    moment = None if since is None else read_since(since)
    try:
        told = asyncio.run(_reconcile(provider, account, moment, Screen(quiet=as_json)))
    except KeyboardInterrupt:  # the second Ctrl-C
        raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        print_json(_as_json(told))
    else:
        _print(told)
    if told.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if told.need_a_person or any(run.state == RunState.FAILED for run in told.runs):
        raise typer.Exit(_FAILED)


async def _reconcile(
    provider: str | None, account: str | None, moment: Moment | None, screen: Screen
) -> _Told:
    async with opened() as session, session.runtime() as rt:
        chosen = _choose(rt.desks, provider, account)
        back = await _back(rt, moment)
        stopping = asyncio.Event()
        with _leaving_at_a_signal(stopping), screen.running():
            told = await _see_through(chosen, back, rt, stopping, screen)
        found = await differences_of(session.db, [run.run_id for run in told.runs])
        told.differences = await advised(found, session.runtime)
        told.need_a_person = await _count(session, chosen)
        return told


async def _see_through(
    chosen: Mapping[DeskKey, Desk],
    back: timedelta,
    rt: Runtime,
    stopping: asyncio.Event,
    screen: Screen,
) -> _Told:
    told = _Told()
    for desk in chosen.values():
        if stopping.is_set():
            break
        run = await start(desk, rt, back=back, every=None, asked_by=operator_name())
        if run is None:
            held = await run_under_way(rt.db, desk.provider_name, desk.account)
            screen.held(desk.provider_name, desk.account, held)
            told.under_way += [] if held is None else [held]
            continue
        screen.begun(run, goes_on=run.fence > 1)
        await see_through(run, desk, rt, stopping, screen.show)
        screen.ended(await _add(told, run.run_id, rt))
    told.interrupted = stopping.is_set()
    return told


async def _add(told: _Told, run_id: UUID, rt: Runtime) -> RunView:
    """Note how a run stands that we let go; another worker may have taken it from us."""
    [seen] = await runs(rt.db, [run_id])
    lost = seen.leased_until is not None and seen.leased_until > seen.as_of
    if lost and seen.ended_at is None:
        told.under_way.append(seen)
    else:
        told.runs.append(seen)
    return seen


async def _count(session: Session, chosen: Mapping[DeskKey, Desk]) -> int:
    needy = await needing_a_person(session.db)
    return sum(count for key, count in needy.items() if key in chosen)


def _choose(
    desks: Mapping[DeskKey, Desk], provider: str | None, account: str | None
) -> dict[DeskKey, Desk]:
    """The accounts that are meant and have books to be read."""
    if provider is not None and provider not in REGISTRY:
        known = ", ".join(sorted(REGISTRY))
        raise typer.BadParameter(
            f"there is no provider {provider!r} (there are {known})", param_hint="--provider"
        )
    if provider is not None and REGISTRY[provider].capabilities.books is Books.NONE:
        raise typer.BadParameter(
            f"{provider} has no books that could be read: it lists no orders",
            param_hint="--provider",
        )
    readable = {
        key: desk
        for key, desk in sorted(desks.items())
        if desk.provider.capabilities.books is not Books.NONE
    }
    chosen = {
        key: desk
        for key, desk in readable.items()
        if provider in {None, key[0]} and account in {None, key[1]}
    }
    if not chosen:
        names = ", ".join(f"{each}/{name}" for each, name in sorted(readable)) or "none"
        raise typer.BadParameter(
            f"no such account is configured well (with books to be read are: {names}); see"
            " `orderline providers`",
            param_hint="--provider" if account is None else "--account",
        )
    return chosen


async def _back(rt: Runtime, moment: Moment | None) -> timedelta:
    """How far back to look. What may have been purged cannot be compared."""
    if moment is None:
        return rt.settings.reconcile_back
    back = moment if isinstance(moment, timedelta) else await database_now(rt.db) - moment
    if back <= timedelta(0):
        raise typer.BadParameter("that is not in the past", param_hint="--since")
    if back > rt.settings.retention:
        raise typer.BadParameter(
            f"orders are kept for {span(rt.settings.retention)} after their end"
            " (ORDERLINE_RETENTION); what is older may be purged here, and cannot be compared",
            param_hint="--since",
        )
    return back


@contextmanager
def _leaving_at_a_signal(stopping: asyncio.Event) -> Iterator[None]:
    """Set ``stopping`` at the first Ctrl-C or SIGTERM; the next one ends us as usual."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop() -> None:
        stopping.set()
        for number in numbers:
            loop.remove_signal_handler(number)

    with suppress(RuntimeError):  # only the main thread hears signals
        for number in numbers:
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _as_json(told: _Told) -> dict[str, object]:
    return {
        "runs": told.runs,
        "under_way": told.under_way,
        "differences": told.differences,
        "need_a_person": told.need_a_person,
        "interrupted": told.interrupted,
    }


def _print(told: _Told) -> None:
    print_differences(told.differences, "No difference was found.", news=True)
    tell_what_to_do(told.differences)
    more = told.need_a_person - sum(each.needs_person for each in told.differences)
    if more > 0:
        many = "1 more needs" if more == 1 else f"{more} more need"
        say("")
        say(f"{many} a person, found by earlier runs; see `orderline differences`.")
