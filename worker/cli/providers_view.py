"""How providers and accounts are shown: chosen facts only, since the others may be secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from rich.text import Text

from schemas.books import RunView
from schemas.orders import AccountLoad, distance, span
from worker.books import Books
from worker.cli.output import NOTHING, Cell, Column, print_table, say
from worker.outcome import Check, Checked
from worker.provider import Account, Capabilities
from worker.providers import REGISTRY, needed
from worker.store.views import price

_PROVIDERS: Final = (
    Column("provider", whole=True),
    Column("phases"),
    Column("unknown outcome of placing"),
    Column("of confirming"),
    Column("can be called off"),
    Column("logs in"),
    Column("its books"),
    Column("accounts", right=True),
)
_ACCOUNTS: Final = (
    Column("account", whole=True),
    Column("reached at, or what is wrong"),
    Column("calls at once", right=True),
    Column("deadline", right=True),
    Column("unfinished", right=True),
    Column("due", right=True),
    Column("in doubt", right=True),
    Column("parked", right=True),
    Column("clock", right=True),
    Column("reconciled"),
    Column("says"),
)
_BOOKS: Final[Mapping[Books, str]] = {
    Books.NONE: NOTHING,
    Books.ACCOUNT: "one list of the account",
    Books.SHELVES: "a list for each customer, shop order or order",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One account: its settings or their faults, its orders, and what it said when asked."""

    name: str
    account: Account | None
    faults: tuple[str, ...]
    load: AccountLoad
    reconciled: RunView | None = None
    """The newest run over its books that has ended."""
    said: tuple[bool, str] | None = None

    @property
    def wrong(self) -> bool:
        """Whether somebody has to mend something."""
        return bool(self.faults) or (self.said is not None and not self.said[0])


def sentence(answer: Check) -> str:
    """What an account said, in a few words."""
    if isinstance(answer, Checked):
        shown = [price(money.amount, money.currency) for money in answer.balances]
        holds = ", ".join(f"{one.amount} {one.currency}" for one in shown if one is not None)
        return f"lets us in; holds {holds}" if holds else "lets us in"
    return f"does not let us in: {answer.reason}"


def describe(provider: str, states: Sequence[AccountState]) -> dict[str, Any]:
    """A provider and its accounts, as JSON-able values."""
    registered = provider in REGISTRY
    return {
        "provider": provider,
        "registered": registered,
        "capabilities": _capabilities(REGISTRY[provider].capabilities) if registered else None,
        "needs": needed(provider) if registered else [],
        "accounts": [_account(state) for state in states],
    }


def print_providers(described: Sequence[Mapping[str, Any]]) -> None:
    """Print both tables, and what a provider without an account needs."""
    print_table(_PROVIDERS, [_provider_row(each) for each in described], "none")
    rows = [
        _account_row(each["provider"], account)
        for each in described
        for account in each["accounts"]
    ]
    say("")
    print_table(_ACCOUNTS, rows, "No account is configured.")
    for each in described:
        if each["registered"] and not each["accounts"]:
            say(f"{each['provider']} has no account; one needs {', '.join(each['needs'])}")


def _capabilities(capabilities: Capabilities) -> dict[str, Any]:
    return {
        "phases": 2 if capabilities.two_phase else 1,
        "after_place": capabilities.after_place,
        "after_confirm": capabilities.after_confirm,
        "after_cancel": capabilities.after_cancel,
        "returns_for_seconds": _seconds(capabilities.returns_for),
        "books": capabilities.books,
        "poll_every_seconds": [wait.total_seconds() for wait in capabilities.poll_every],
        "needs_token": capabilities.needs_token,
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _account(state: AccountState) -> dict[str, Any]:
    described: dict[str, Any] = {
        "account": state.name,
        "configured": state.account is not None,
        "faults": list(state.faults),
        **state.load.model_dump(exclude={"provider", "account"}),
    }
    if state.account is not None:
        described |= {
            "base_url": state.account.base_url,
            "concurrency": state.account.concurrency,
            "rate": state.account.rate,
            "call_timeout": state.account.call_timeout,
        }
    if (run := state.reconciled) is not None:
        described |= {"reconciled_at": run.ended_at, "reconciled_as": run.state}
        described["reconciled"] = _reconciled(run)
    if state.said is not None:
        described |= {"lets_us_in": state.said[0], "says": state.said[1]}
    return described


def _provider_row(each: Mapping[str, Any]) -> list[Cell]:
    accounts = str(len(each["accounts"]))
    told = each["capabilities"]
    if told is None:
        return [
            each["provider"],
            Text("not registered", style="bold red"),
            *[NOTHING] * 5,
            accounts,
        ]
    returns = told["returns_for_seconds"]
    cancel = NOTHING if told["after_cancel"] is None else "before delivery"
    if returns is not None:
        cancel = f"also delivered, for {span(timedelta(seconds=returns))}"
    return [
        each["provider"],
        str(told["phases"]),
        told["after_place"],
        told["after_confirm"] or NOTHING,
        cancel,
        "yes" if told["needs_token"] else NOTHING,
        _BOOKS[told["books"]],
        accounts,
    ]


def _account_row(provider: str, account: Mapping[str, Any]) -> list[Cell]:
    counts = [str(account[name]) for name in ("unfinished", "due", "in_doubt", "parked")]
    counts.append(_clock(account["clock_ahead"], account["clock_unsure"]))
    counts.append(account.get("reconciled") or NOTHING)
    says = account.get("says") or NOTHING
    name = f"{provider}/{account['account']}".removesuffix("/")
    if not account["configured"]:
        wrong = "; ".join(account["faults"]) or "not configured"
        return [name, Text(wrong, style="bold red"), *[NOTHING] * 2, *counts, says]
    return [
        name,
        account["base_url"],
        _at_once(account["concurrency"], account["rate"]),
        f"{account['call_timeout']:g} s",
        *counts,
        says,
    ]


def _at_once(concurrency: int, rate: float | None) -> str:
    """How many calls an account may have under way per worker, and a second in all."""
    return str(concurrency) if rate is None else f"{concurrency}, {rate:g}/s"


def _reconciled(run: RunView) -> str:
    """When an account's books were last held beside ours, and whether that went well."""
    ended = run.ended_at or run.started_at
    return f"{run.state} {distance(ended, run.as_of)}"


def _clock(ahead: float | None, unsure: float | None) -> str:
    """How far an account's clock is ahead of the database's: ``+0.3 s ±0.5``."""
    return NOTHING if ahead is None else f"{ahead:+.1f} s ±{unsure or 0.0:.1f}"
