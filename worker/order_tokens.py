"""Order tokens: what makes the URL unguessable at which a provider calls back about one order.

A token names its order and proves that we made it, for one account of one provider. Nothing is
kept of it: whoever has the keys can tell a genuine one, so the gateway needs no database for that.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.ids import OrderId

_PURPOSE: Final = b"orderline order token v1"
_SHAPE: Final = re.compile(r"([0-9a-f]{32})\.([A-Za-z0-9_-]{43})")


class OrderTokens:
    """Makes tokens with the first key, knows those of any of them.

    ``keys`` are the vault's, already checked by it. What is used here is derived from them for
    this purpose alone, so that no token says anything about what they seal.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [_derived(key) for key in keys]

    def issue(self, provider: str, account: str, order_id: OrderId) -> str:
        """The token of one order. The same every time, as long as the first key is the same."""
        proof = _proof(self._keys[0], provider, account, order_id)
        return f"{order_id.hex}.{proof}"

    def read(
        self, provider: str, accounts: Iterable[str], token: str
    ) -> tuple[str, OrderId] | None:
        """The account and the order that a token was made for; ``None`` where we made it not.

        ``accounts`` are the provider's, as they are configured: a token of no other is known.
        """
        shaped = _SHAPE.fullmatch(token)
        if shaped is None:
            return None
        order_id, said = OrderId(UUID(shaped[1])), shaped[2]
        found = None
        for account in accounts:
            for key in self._keys:
                if hmac.compare_digest(_proof(key, provider, account, order_id), said):
                    found = account, order_id
        return found


class CallbackUrls:
    """Where providers call back about one account's orders: a URL for each of them."""

    def __init__(self, public_url: str, tokens: OrderTokens, provider: str, account: str) -> None:
        self._base = f"{public_url.rstrip('/')}/callbacks/{provider}/"
        self._tokens = tokens
        self._of = provider, account

    def url_of(self, order_id: OrderId) -> str:
        """The order's own URL. Whoever knows it can have the order looked at: it is a secret."""
        return self._base + self._tokens.issue(*self._of, order_id)


def looks_like_token(name: str) -> bool:
    """Whether this may be a token: no account's name has a dot."""
    return "." in name


def _derived(key: str) -> bytes:
    made = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE)
    return made.derive(base64.urlsafe_b64decode(key))


def _proof(key: bytes, provider: str, account: str, order_id: OrderId) -> str:
    said = b"\0".join((provider.encode(), account.encode(), order_id.bytes))
    mac = hmac.digest(key, said, "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
