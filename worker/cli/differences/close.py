"""``orderline differences close``."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from schemas.books import DifferenceView
from schemas.orders import stamp
from worker.cli.named import only
from worker.cli.operator import By
from worker.cli.options import Because
from worker.cli.output import Json, print_json, printable, say
from worker.cli.session import opened
from worker.operating.hand import Hand
from worker.store import differences
from worker.store.deeds import Act, Deed
from worker.store.session import Database
from worker.store.tables_operators import Via
from worker.store.views_books import find_differences

_NOT_ALL = 1

Names = Annotated[
    list[str],
    typer.Argument(metavar="ID...", help="Differences by their ids, or the ids' beginnings."),
]


def close(names: Names, *, why: Because, by: By, as_json: Json = False) -> None:
    """Close differences that a person has dealt with: given back, accepted, or settled with them.

    It is recorded who closed them and why, in their orders' stories, too. One that was closed is
    not found again as long as the provider's books say the same of it.

    Ends with 0 when each was closed, 1 when one was closed before, 2 when it was called wrongly.

    Example: orderline differences close 01a204c6 --why "given back, their ticket 4711"
    """
    told = asyncio.run(_close(names, by=by, why=why))
    if as_json:
        print_json([{"closed_now": now, "difference": each} for now, each in told])
    else:
        for now, each in told:
            say(printable(_sentence(each, now=now)))
    if not all(now for now, _ in told):
        raise typer.Exit(_NOT_ALL)


async def _close(names: Sequence[str], *, by: str, why: str) -> list[tuple[bool, DifferenceView]]:
    async with opened() as session:
        named = [await _find(session.db, name) for name in names]
        chosen = {each.difference_id: each for each in named}
        closed = {
            each: await differences.close(
                session.db, each, by=by, why=why, deed=_deed(found, by, why)
            )
            for each, found in chosen.items()
        }
        return [(now, await _find(session.db, str(each))) for each, now in closed.items()]


def _deed(found: DifferenceView, by: str, why: str) -> Deed:
    return Hand(by, Via.COMMAND).deed(
        Act.DIFFERENCE_CLOSED,
        order_id=found.order_id,
        about=f"difference/{found.difference_id}",
        why=why,
    )


async def _find(db: Database, name: str) -> DifferenceView:
    return only(
        await find_differences(db, name),
        name,
        several="differences",
        nothing=f"There is no difference {name!r}; `orderline differences --all` shows those there"
        " are.",
        told=lambda each: (
            f"{each.difference_id}  {each.kind} at {each.provider}/{each.account},"
            f" {each.provider_ref}"
        ),
    )


def _sentence(each: DifferenceView, *, now: bool) -> str:
    what = f"Difference {each.short_id} ({each.kind}, {each.provider_ref or 'no id there'})"
    if now:
        return f"{what} is closed by {each.closed_by}: {each.why}"
    when = "" if each.closed_at is None else f" {stamp(each.closed_at)}"
    why = f": {each.why}" if each.why else ""
    return f"{what} was closed already{when} by {each.closed_by} ({each.handling}){why}"
