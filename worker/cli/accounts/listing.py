"""``orderline accounts``: which provider accounts take orders, and how their calls go."""

import asyncio
import json
from typing import Final

from rich.text import Text

from schemas.accounts import AccountStory, AccountView
from schemas.orders import stamp
from worker.cli.accounts.chosen import AnyAccount, read_account, refuse_unknown
from worker.cli.output import (
    NOTHING,
    Cell,
    Column,
    Json,
    print_json,
    print_pairs,
    print_table,
    printable,
    say,
)
from worker.cli.session import opened
from worker.operating.rests import known_accounts, story_of
from worker.rests import AccountKey
from worker.store.views_accounts import accounts as read_accounts

_COLUMNS: Final = (
    Column("state", whole=True),
    Column("account", whole=True),
    Column("since", whole=True),
    Column("until", whole=True),
    Column("calls", right=True),
    Column("failed", right=True),
    Column("unfinished", right=True),
    Column("due", right=True),
    Column("why"),
)
_STYLES: Final = {"paused": "yellow", "probing": "yellow", "open": "bold red"}
_NOTHING: Final = "No account had an order yet; `orderline providers` shows those configured."


def accounts(account: AnyAccount = None, *, as_json: Json = False) -> None:
    """List the provider accounts and whether they take orders; with ACCOUNT, what happened to one.

    An account rests while its breaker is open (its provider did not answer; single orders probe it
    from time to time) and while somebody paused it. Its orders wait, untouched. Calls are those of
    the last minute, counted only while some fail.

    Example: orderline accounts gifthub/default
    """
    if account is None:
        found = asyncio.run(_list())
        if as_json:
            print_json(found)
        else:
            print_table(_COLUMNS, [_row(each) for each in found], _NOTHING)
        return
    story = asyncio.run(_read(read_account(account)))
    if as_json:
        print_json(story)
    else:
        _tell(story)


async def _list() -> list[AccountView]:
    async with opened() as session:
        return await read_accounts(session.db)


async def _read(key: AccountKey) -> AccountStory:
    async with opened() as session:
        refuse_unknown(key, await known_accounts(session.db, session.settings))
        return await story_of(session.db, session.settings, key)


def _row(each: AccountView) -> list[Cell]:
    return [
        Text(each.state, style=_STYLES.get(each.state, "")),
        f"{each.provider}/{each.account}",
        NOTHING if each.since is None else stamp(each.since),
        each.until_told or NOTHING,
        NOTHING if each.calls is None else str(each.calls),
        NOTHING if each.failed is None else str(each.failed),
        str(each.unfinished),
        str(each.due),
        each.why or NOTHING,
    ]


def _tell(story: AccountStory) -> None:
    found = story.account
    calls = None if found.calls is None else f"{found.calls} in a minute, {found.failed} failed"
    probes = f"{found.probes} answered in a row" if found.state == "probing" else None
    say(Text(printable(f"Account {found.provider}/{found.account}"), "bold"))
    print_pairs(
        [
            ("state", found.told),
            ("until", found.until_told),
            ("openings", f"{found.openings} in a row" if found.openings else None),
            ("probes", probes),
            ("calls", calls),
            ("orders", f"{found.unfinished} unfinished, {found.due} of them due"),
            *(
                ("event", f"{stamp(each.at)}  {each.type}  {json.dumps(dict(each.data))}")
                for each in story.events
            ),
        ],
        indent=2,
    )
