"""By what a callback shows that it is the provider's: its URL, and the provider's own proof.

Read from the accounts' raw settings: a gateway needs to know which accounts there are, and their
proofs, but no credential by which anything could be bought.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from schemas.ids import OrderId
from worker.errors import SettingsError
from worker.order_tokens import OrderTokens, looks_like_token
from worker.provider import CallsBack
from worker.providers import REGISTRY, RawAccounts
from worker.providers.account import fits_header

_PREFIX: Final = "ORDERLINE_ACCOUNTS"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls back by a URL: an account, and the one order that it is about, if it names one.

    ``proof`` is what the provider has to show besides; ``None`` where the URL alone tells.
    """

    provider: str
    account: str
    order_id: OrderId | None
    manners: CallsBack
    proof: bytes | None = field(repr=False)

    def is_proven_by(self, shown: list[bytes]) -> bool:
        """Whether these values of the proof's header are the proof. Constant time."""
        if self.proof is None:
            return True
        return len(shown) == 1 and hmac.compare_digest(shown[0], self.proof)


@dataclass(frozen=True, slots=True)
class Callers:
    """Every account that may call back, by provider and name, with its proof."""

    tokens: OrderTokens
    proofs: Mapping[str, Mapping[str, bytes | None]] = field(repr=False)

    def find(self, provider: str, name: str) -> Caller | None:
        """Who calls at ``/callbacks/{provider}/{name}``; ``None`` where that is no URL of ours.

        An account's own URL can be guessed: it is one only where the account has a proof.
        """
        accounts = self.proofs.get(provider)
        if accounts is None:
            return None
        manners = REGISTRY[provider].calls_back
        assert manners is not None  # noqa: S101 -- no other provider is in ``proofs``
        if looks_like_token(name):
            read = self.tokens.read(provider, accounts, name)
            if read is None:
                return None
            account, order_id = read
            return Caller(provider, account, order_id, manners, accounts[account])
        proof = accounts.get(name)
        return None if proof is None else Caller(provider, name, None, manners, proof)


def open_callers(raw: RawAccounts, tokens: OrderTokens) -> Callers:
    """The callers that the accounts' settings allow. Raises ``SettingsError`` for a bad proof."""
    return Callers(
        tokens,
        {
            provider: {
                account: _proof(provider, account, fields, manners)
                for account, fields in accounts.items()
            }
            for provider, accounts in raw.items()
            if (adapter := REGISTRY.get(provider)) is not None
            if (manners := adapter.calls_back) is not None
        },
    )


def _proof(
    provider: str, account: str, fields: Mapping[str, SecretStr], manners: CallsBack
) -> bytes | None:
    if manners.proof_field is None or manners.proof_field not in fields:
        return None
    said = fields[manners.proof_field].get_secret_value()
    if not fits_header(said):
        name = f"{_PREFIX}__{provider}__{account}__{manners.proof_field}".upper()
        raise SettingsError(f"{name}: must be printable ASCII, without spaces or line breaks")
    return bytes(said, "ascii")
