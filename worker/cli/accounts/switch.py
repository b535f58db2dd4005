"""``orderline pause`` and ``orderline resume``."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final

import typer

from schemas.accounts import AccountView
from schemas.orders import span
from worker.cli.accounts.chosen import Account, read_account, refuse_unknown
from worker.cli.operator import By
from worker.cli.options import Why, read_span
from worker.cli.output import Json, print_json, printable, say
from worker.cli.session import opened
from worker.operating.hand import Hand
from worker.operating.rests import known_accounts
from worker.rests import AccountKey
from worker.store import pauses
from worker.store.deeds import Act
from worker.store.tables_operators import Via
from worker.store.views_accounts import account_story

_UNCHANGED: Final = 1
_LONGEST: Final = timedelta(days=365)


def pause(
    account: Account,
    *,
    by: By,
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="Ends by itself after so long: 30m, 2h, 1d."),
    ] = None,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Call nothing for an account's orders until it is resumed, or for some time.

    Calls that are under way end as they do; orders wait where they are, also for look-ups and to be
    called off. One whose quote ends sooner than the pause ends early, and its producer is told. A
    pause takes the place of an earlier one.

    Example: orderline pause gifthub/default --for 30m --why "their maintenance, ticket 4711"
    """
    key = read_account(account)
    length = None if lasts is None else read_span(lasts, "--for", _LONGEST)
    found = asyncio.run(_pause(key, length, by, why))
    if as_json:
        print_json({"changed": True, "account": found})
    else:
        say(printable(f"Account {account} is paused until {found.until_told}; {_waiting(found)}."))


def resume(
    account: Account,
    *,
    by: By,
    breaker: Annotated[
        bool, typer.Option("--breaker", help="Close its breaker, too: the provider is back.")
    ] = False,
    why: Why = None,
    as_json: Json = False,
) -> None:
    """Let an account's orders go on that somebody paused.

    Its breaker is another matter: it closes by itself once its provider answers probes. --breaker
    closes it now; it opens again if calls still fail.

    Ends with 0 when it was resumed, 1 when there was nothing to change, 2 when it was called
    wrongly.

    Example: orderline resume gifthub/default --breaker --why "they say they are back"
    """
    key = read_account(account)
    (ended, closed), found = asyncio.run(_resume(key, by, why, breaker=breaker))
    changed = ended or closed
    if as_json:
        print_json({"changed": changed, "account": found})
    else:
        say(printable(f"Account {account} {_resumed(found, ended=ended, closed=closed)}"))
    if not changed:
        raise typer.Exit(_UNCHANGED)


async def _pause(
    key: AccountKey, length: timedelta | None, by: str, why: str | None
) -> AccountView:
    async with opened() as session:
        refuse_unknown(key, await known_accounts(session.db, session.settings))
        lasts = None if length is None else span(length)
        deed = Hand(by, Via.COMMAND).deed(Act.PAUSED, about="/".join(key), why=why, lasts=lasts)
        await pauses.pause(session.db, key, length, by=by, why=why, deed=deed)
        story = await account_story(session.db, key)
        assert story is not None  # noqa: S101 -- a pause makes its row
        return story.account


async def _resume(
    key: AccountKey, by: str, why: str | None, *, breaker: bool
) -> tuple[tuple[bool, bool], AccountView | None]:
    async with opened() as session:
        refuse_unknown(key, await known_accounts(session.db, session.settings))
        about = "/".join(key)
        deed = Hand(by, Via.COMMAND).deed(Act.RESUMED, about=about, why=why, breaker=breaker)
        done = await pauses.resume(session.db, key, by=by, why=why, breaker=breaker, deed=deed)
        story = await account_story(session.db, key)
        return done, None if story is None else story.account


def _resumed(found: AccountView | None, *, ended: bool, closed: bool) -> str:
    resting = found is not None and found.state != "closed"
    if found is not None and resting:
        still = f"{found.told}; it is probed, and `orderline resume --breaker` closes it now"
        return f"is not paused any more, but {still}." if ended else f"is not paused, but {still}."
    if ended or closed:
        return f"takes orders again; {_waiting(found)}."
    return "was not paused: nothing to resume."


def _waiting(found: AccountView | None) -> str:
    count = 0 if found is None else found.due
    return f"{count} order{'' if count == 1 else 's'} due"
