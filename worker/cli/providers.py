"""``orderline providers``: whom we can order from, how they behave, and how our accounts stand."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

import typer

from schemas.orders import AccountLoad
from worker.cli.output import Json, print_json
from worker.cli.providers_view import AccountState, describe, print_providers, sentence
from worker.cli.session import Session, opened
from worker.outcome import Checked
from worker.providers import REGISTRY, read_accounts
from worker.steps.check import check
from worker.steps.clocks import compare_clocks
from worker.store.views_books import newest_runs
from worker.store.views_upkeep import account_loads

_FAILED = 1


def providers(
    *,
    ask: Annotated[
        bool,
        typer.Option(
            "--check", help="Also ask each account whether it lets us in, and what it holds."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """List the registered providers, how each behaves, and our accounts with them.

    What is missing in an account's settings is named, and so is an account whose orders wait
    although no setting configures it, and how far its provider's clock is ahead of the
    database's, as its last answers showed; also how a provider's own books can be read, and when
    ours were last held beside them. No secret is shown. Ends with 1 where an account is
    wrongly configured or, with --check, does not let us in.

    Example: orderline providers --check
    """
    states = asyncio.run(_read(ask=ask))
    described = [describe(name, states.get(name, [])) for name in sorted({*REGISTRY, *states})]
    if as_json:
        print_json(described)
    else:
        print_providers(described)
    if any(state.wrong for named in states.values() for state in named):
        raise typer.Exit(_FAILED)


async def _read(*, ask: bool) -> Mapping[str, list[AccountState]]:
    """Every account that is configured, or has orders, by provider."""
    async with opened() as session:
        read = read_accounts(session.settings.accounts)
        said = await _ask(session) if ask else {}
        reconciled = await newest_runs(session.db)
        loads = {(load.provider, load.account): load for load in await account_loads(session.db)}
    good = {(provider, name) for provider, named in read.good.items() for name in named}
    states: dict[str, list[AccountState]] = {}
    for provider, name in sorted({*good, *read.faults, *loads}):
        state = AccountState(
            name=name,
            account=read.good.get(provider, {}).get(name),
            faults=tuple(read.faults.get((provider, name), ())),
            load=loads.get((provider, name)) or AccountLoad(provider=provider, account=name),
            reconciled=reconciled.get((provider, name)),
            said=said.get((provider, name)),
        )
        states.setdefault(provider, []).append(state)
    return states


async def _ask(session: Session) -> dict[tuple[str, str], tuple[bool, str]]:
    """Whether each account lets us in, and its own words for that; all at the same time."""
    async with session.runtime() as rt:
        answers = await asyncio.gather(*(check(desk, rt) for desk in rt.desks.values()))
        await compare_clocks(rt)  # with those that just answered
    return {
        key: (isinstance(answer, Checked), sentence(answer))
        for key, answer in zip(rt.desks, answers, strict=True)
    }
