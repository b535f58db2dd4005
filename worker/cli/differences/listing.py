"""``orderline differences`` alone, and ``list``: what is open between the books."""

import asyncio
from typing import Annotated

import typer

from schemas.books import DifferenceView
from worker.books import DifferenceKind
from worker.cli.differences.table import print_differences, tell_what_to_do
from worker.cli.options import refuse_options
from worker.cli.output import Json, print_json
from worker.cli.session import opened
from worker.operating.advice import advised
from worker.store.views_books import Differing, differences

_NOTHING = "The books agree: no such difference is known."

Provider = Annotated[str | None, typer.Option(help="Only at this provider.")]
Account = Annotated[str | None, typer.Option(help="Only of accounts of this name.")]
Kind = Annotated[DifferenceKind | None, typer.Option(help="Only of this kind.")]
Every = Annotated[bool, typer.Option("--all", help="Also those that are closed.")]
AtMost = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]


def listing(
    ctx: typer.Context,
    *,
    provider: Provider = None,
    account: Account = None,
    kind: Kind = None,
    every: Every = False,
    limit: AtMost = 50,
    as_json: Json = False,
) -> None:
    """List in what our books and the providers' differ, newest first, and what to do about it.

    Reconciliations find them, by themselves now and then, or asked by `orderline reconcile`. What
    is open and needs a person is told whole, with what there is to do.

    Example: orderline differences --provider hyperteknoloji --kind price_differs
    """
    if ctx.invoked_subcommand is not None:
        refuse_options(ctx)
        return
    wanted = Differing(provider=provider, account=account, kind=kind, closed_too=every)
    _list(wanted, limit, as_json=as_json)


def list_differences(
    *,
    provider: Provider = None,
    account: Account = None,
    kind: Kind = None,
    every: Every = False,
    limit: AtMost = 50,
    as_json: Json = False,
) -> None:
    """List in what the books differ: the same as `orderline differences` alone.

    Example: orderline differences list --all
    """
    wanted = Differing(provider=provider, account=account, kind=kind, closed_too=every)
    _list(wanted, limit, as_json=as_json)


def _list(wanted: Differing, limit: int, *, as_json: bool) -> None:
    found = asyncio.run(_read(wanted, limit))
    if as_json:
        print_json(found)
        return
    print_differences(found, _NOTHING)
    tell_what_to_do(found)


async def _read(wanted: Differing, limit: int) -> list[DifferenceView]:
    async with opened() as session:
        return await advised(await differences(session.db, wanted, limit=limit), session.runtime)
