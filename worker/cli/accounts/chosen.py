"""Reading which account a person means."""

from collections.abc import Iterable
from typing import Annotated

import typer

from worker.rests import AccountKey

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Which one, as provider/account.")]
AnyAccount = Annotated[
    str | None, typer.Argument(metavar="[ACCOUNT]", help="Only this one, as provider/account.")
]


def read_account(name: str) -> AccountKey:
    """``gifthub/default``, in its two parts. Raises ``BadParameter``."""
    provider, _, account = name.partition("/")
    if not provider or not account or "/" in account:
        raise typer.BadParameter(
            f"{name!r} is no account: it is written provider/account, as in gifthub/default",
            param_hint="ACCOUNT",
        )
    return provider, account


def refuse_unknown(key: AccountKey, known: Iterable[AccountKey]) -> None:
    """An account that is neither configured nor ever had an order is a typing mistake."""
    names = sorted({f"{provider}/{account}" for provider, account in known})
    if "/".join(key) not in names:
        raise typer.BadParameter(
            f"there is no account {'/'.join(key)} (there are: {', '.join(names) or 'none'})",
            param_hint="ACCOUNT",
        )
