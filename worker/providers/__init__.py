"""The providers we can order from: one folder each, found by the name ``PROVIDERS`` gives it.

Adapters never import each other or the store. What they share: ``base`` (verbs they do not
have), ``asked`` (what an order wants), ``reading`` (answers) and ``account`` (settings).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Final

from pydantic import SecretStr, ValidationError

from schemas.intents.registry import PROVIDERS
from worker.errors import SettingsError
from worker.provider import Account, Accounts, Provider

__all__ = ["REGISTRY", "RawAccounts", "ReadAccounts", "load_accounts", "needed", "read_accounts"]

REGISTRY: Final[Mapping[str, type[Provider]]] = {
    name: import_module(f"{__name__}.{name}").ADAPTER for name in PROVIDERS
}

RawAccounts = Mapping[str, Mapping[str, Mapping[str, SecretStr]]]
"""Settings as they were read: provider, account name, field."""

_PREFIX: Final = "ORDERLINE_ACCOUNTS"


@dataclass(frozen=True, slots=True)
class ReadAccounts:
    """Configured accounts: the good ones, and what is wrong with the others.

    ``faults`` name variables and what is allowed there, never a value, by provider and account
    name; that name is empty where there is no such provider.
    """

    good: Mapping[str, Mapping[str, Account]]
    faults: Mapping[tuple[str, str], Sequence[str]]


def load_accounts(raw: RawAccounts) -> Accounts:
    """Check every configured account against its provider's model.

    Raises ``SettingsError``: each wrong variable and what is allowed there, never its value.
    """
    read = read_accounts(raw)
    if read.faults:
        raise SettingsError("; ".join(chain.from_iterable(read.faults.values())))
    return read.good


def read_accounts(raw: RawAccounts) -> ReadAccounts:
    """Every configured account, the faulty ones by their faults. Raises nothing."""
    good: dict[str, dict[str, Account]] = {}
    faults: dict[tuple[str, str], Sequence[str]] = {}
    for provider, named in raw.items():
        adapter = REGISTRY.get(provider)
        if adapter is None:
            known = ", ".join(sorted(REGISTRY))
            faults[provider, ""] = [f"{_variable(provider)}: no such provider (there are {known})"]
            continue
        for name, fields in named.items():
            try:
                account = adapter.account_model.model_validate(_opened(fields))
            except ValidationError as error:
                faults[provider, name] = _faults(error, adapter.account_model, provider, name)
            else:
                good.setdefault(provider, {})[name] = account
    return ReadAccounts(good, faults)


def needed(provider: str, account: str = "default") -> list[str]:
    """The variables without which an account of this provider cannot be."""
    fields = REGISTRY[provider].account_model.model_fields
    return [
        _variable(provider, account, name) for name, field in fields.items() if field.is_required()
    ]


def _opened(fields: Mapping[str, SecretStr]) -> dict[str, str]:
    """The fields in clear; the model closes those again that are secrets."""
    return {name: value.get_secret_value() for name, value in fields.items()}


def _faults(error: ValidationError, model: type[Account], provider: str, name: str) -> list[str]:
    known = ", ".join(sorted(field.upper() for field in model.model_fields))
    return [
        f"{_variable(provider, name, *fault['loc'])}: "
        + (
            f"no such field (there are {known})"
            if fault["type"] == "extra_forbidden"
            else fault["msg"]
        )
        for fault in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _variable(*path: str | int) -> str:
    return "__".join([_PREFIX, *(str(part).upper() for part in path)])
