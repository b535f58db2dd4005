"""``orderline providers``: the accounts we can order from, and how their orders stand."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from rich.text import Text

from schemas.orders import AccountLoad
from worker.cli.output import NOTHING, Cell, Column, Json, print_json, print_table
from worker.cli.session import opened
from worker.provider import Account, Accounts, Capabilities
from worker.providers import REGISTRY, load_accounts
from worker.store.views_upkeep import account_loads

_COLUMNS: Final = (
    Column("account", whole=True),
    Column("reached at"),
    Column("calls at once", right=True),
    Column("deadline", right=True),
    Column("how"),
    Column("unfinished", right=True),
    Column("due", right=True),
    Column("in doubt", right=True),
    Column("parked", right=True),
)


def providers(*, as_json: Json = False) -> None:
    """List provider accounts, how each behaves, and how many of its orders need what.

    An account whose orders wait although no setting configures it stands out. No secret is shown.

    Example: orderline providers --json
    """
    accounts, loads = asyncio.run(_read())
    keys = sorted({(p, name) for p, named in accounts.items() for name in named} | set(loads))
    described = [
        _described(
            accounts.get(provider, {}).get(name), loads.get((provider, name)), provider, name
        )
        for provider, name in keys
    ]
    if as_json:
        print_json(described)
    else:
        nothing = "No account is configured: set ORDERLINE_ACCOUNTS__<PROVIDER>__<ACCOUNT>__..."
        print_table(_COLUMNS, [_row(each) for each in described], nothing)


async def _read() -> tuple[Accounts, Mapping[tuple[str, str], AccountLoad]]:
    async with opened() as session:
        accounts = load_accounts(session.settings.accounts)
        loads = await account_loads(session.db)
        return accounts, {(load.provider, load.account): load for load in loads}


def _described(
    account: Account | None, load: AccountLoad | None, provider: str, name: str
) -> dict[str, Any]:
    """What may be known of an account: chosen fields only, since the others may be secret."""
    load = load or AccountLoad(provider=provider, account=name)
    described: dict[str, Any] = {"configured": account is not None, **load.model_dump()}
    if account is not None:
        described |= {
            "base_url": account.base_url,
            "concurrency": account.concurrency,
            "call_timeout": account.call_timeout,
            "how": _how(REGISTRY[provider].capabilities),
        }
    return described


def _how(capabilities: Capabilities) -> str:
    doubt = capabilities.after_confirm or capabilities.after_place
    phases = "two phases" if capabilities.two_phase else "one phase"
    token = ", logs in" if capabilities.needs_token else ""
    return f"{phases}, after doubt: {doubt}{token}"


def _row(described: Mapping[str, Any]) -> list[Cell]:
    counts = [str(described[name]) for name in ("unfinished", "due", "in_doubt", "parked")]
    account = f"{described['provider']}/{described['account']}"
    if not described["configured"]:
        return [account, Text("not configured", style="bold red"), *[NOTHING] * 3, *counts]
    return [
        account,
        described["base_url"],
        str(described["concurrency"]),
        f"{described['call_timeout']:g} s",
        described["how"],
        *counts,
    ]
