"""``orderline rekey``."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from worker import streams
from worker.cli.output import Column, Json, print_json, print_table, say
from worker.cli.session import Session, Unreachable, opened, opened_redis
from worker.health.progress import plural
from worker.store.sealed import UNNAMED, KeyCounts, count_keys, seal_anew, sealed_columns

_COLUMNS: Final = (Column("key", whole=True), Column("is"), Column("seals", right=True), Column(""))
_TELL_EVERY: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    key_ids: tuple[str, ...]
    """Those that are configured, the first one first."""
    sealed: int
    broken: int
    counts: KeyCounts
    callbacks: int | None
    """How many wait in Redis; ``None`` where it could not be asked."""
    dry_run: bool

    @property
    def left(self) -> int:
        """How many values another key than the first one seals."""
        return sum(_sum(each) for key, each in self.counts.items() if key != self.key_ids[0])

    @property
    def lost(self) -> int:
        """How many of them cannot be opened."""
        known = {*self.key_ids, UNNAMED}
        unknown = sum(_sum(each) for key, each in self.counts.items() if key not in known)
        return max(self.broken, unknown)

    @property
    def failed(self) -> bool:
        return bool(self.lost if self.dry_run else self.left)


def rekey(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Open and count everything; change nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Seal everything that is encrypted at rest with the first of ORDERLINE_ENCRYPTION_KEYS.

    To change the key: put a new one in front, restart every process, run this, and take the old
    ones out once it says that they seal nothing. Workers go on meanwhile; begun again, it goes on
    with what is left.

    Ends with 0 when the first key seals everything (with --dry-run: when everything could be
    opened), with 1 while something is left.

    Example: orderline rekey --dry-run
    """
    outcome = asyncio.run(_rekey(dry_run=dry_run, quiet=as_json))
    if as_json:
        print_json(_as_object(outcome))
    else:
        _tell(outcome)
    if outcome.failed:
        raise typer.Exit(1)


async def _rekey(*, dry_run: bool, quiet: bool) -> _Outcome:
    async with opened() as session:
        sealed = 0
        while True:
            now, broken = await _walk(session, dry_run=dry_run, quiet=quiet)
            sealed += now
            counts = await count_keys(session.db) or {}
            outcome = _Outcome(
                key_ids=session.vault.key_ids,
                sealed=sealed,
                broken=broken,
                counts=counts,
                callbacks=await _callbacks(session),
                dry_run=dry_run,
            )
            # What a worker held at that moment is found by going round once more.
            if dry_run or not now or outcome.left <= outcome.lost:
                return outcome


async def _walk(session: Session, *, dry_run: bool, quiet: bool) -> tuple[int, int]:
    """How many values were sealed anew, and how many could not be opened."""
    sealed = broken = 0
    for column in sealed_columns():
        here, told = 0, 0
        async for walked in seal_anew(session.db, session.vault, column, dry_run=dry_run):
            here += walked.sealed
            broken += walked.broken
            if here - told >= _TELL_EVERY and not quiet:
                told = here
                typer.echo(f"{column}: {here} so far", err=True)
        if here and not quiet:
            typer.echo(f"{column}: {here}{' could be' if dry_run else ''} sealed anew", err=True)
        sealed += here
    return sealed, broken


async def _callbacks(session: Session) -> int | None:
    try:
        async with opened_redis(session.settings) as redis:
            lag = await streams.lag(redis, streams.CALLBACKS)
    except Unreachable:
        return None
    return 0 if lag is None else lag[0]


def _sum(by_place: Mapping[str, int]) -> int:
    return sum(by_place.values())


def _is(key_id: str, outcome: _Outcome) -> str:
    if key_id == outcome.key_ids[0]:
        return "first"
    if key_id in outcome.key_ids:
        return "old"
    return "any" if key_id == UNNAMED else "missing"


def _keys(outcome: _Outcome) -> list[str]:
    return [*dict.fromkeys([*outcome.key_ids, *sorted(outcome.counts)])]


def _as_object(outcome: _Outcome) -> Mapping[str, Any]:
    return {
        "dry_run": outcome.dry_run,
        "sealed": outcome.sealed,
        "left": outcome.left,
        "broken": outcome.lost,
        "callbacks": outcome.callbacks,
        "keys": [
            {"id": key, "is": _is(key, outcome), "values": outcome.counts.get(key, {})}
            for key in _keys(outcome)
        ],
    }


def _tell(outcome: _Outcome) -> None:
    rows = []
    for key in _keys(outcome):
        by_place = outcome.counts.get(key, {})
        places = ", ".join(f"{place} {count}" for place, count in sorted(by_place.items()))
        rows.append([key, _is(key, outcome), str(_sum(by_place)), places])
    print_table(_COLUMNS, rows, "")
    if outcome.dry_run:
        say("This was a dry run: nothing was changed.")
    if outcome.lost:
        say(
            f"{plural(outcome.lost, 'value')} cannot be opened: put the key that sealed them back,"
            " behind the first one."
        )
    elif outcome.left and not outcome.dry_run:
        say(
            f"Another key than the first still seals {plural(outcome.left, 'value')}: restart what"
            " runs with the old one in front, and run this again."
        )
    elif not outcome.left:
        _tell_done(outcome)


def _tell_done(outcome: _Outcome) -> None:
    waiting = {None: "whose number Redis did not tell", 0: "none now"}.get(
        outcome.callbacks, f"{outcome.callbacks} now"
    )
    say(
        "The first key seals everything in the database. Once every process runs with it in front,"
        f" and the callbacks in {streams.CALLBACKS} ({waiting}) were heard, the others may be taken"
        " out of ORDERLINE_ENCRYPTION_KEYS."
    )
