"""Encryption at rest: what must not be readable in a copy of the database goes through here.

Callers decide *what* is secret (codes, tokens, webhook secrets); this module only seals and
opens bytes. It reads no setting and keeps nothing but its keys.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from worker.errors import OrderlineError, SettingsError


class SealBroken(OrderlineError):
    """Sealed bytes cannot be opened: they were altered, or their key is no longer configured."""


class Vault:
    """Seals with the first key, opens with any of them; so a key is changed by adding one in front.

    Keys are Fernet keys: 32 bytes in URL-safe base64. Raises ``SettingsError`` where there is
    none, or for the first one that is malformed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise SettingsError("There is no encryption key; `orderline new-key` makes one.")
        self._fernet = MultiFernet(
            [_read_key(key, place) for place, key in enumerate(keys, start=1)]
        )

    @staticmethod
    def new_key() -> str:
        """A fresh random key."""
        return Fernet.generate_key().decode()

    def seal(self, plain: bytes) -> bytes:
        """Encrypt and authenticate. Sealing the same bytes twice gives different results."""
        return self._fernet.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """What ``seal`` was given.

        Raises ``SealBroken``.
        """
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise SealBroken(
                "A sealed value cannot be opened: it was altered, or the key that sealed it is"
                " missing. Put the old key back, behind the current one."
            ) from None


def _read_key(key: str, place: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise SettingsError(
            f"Encryption key {place} is not 32 bytes in URL-safe base64;"
            " `orderline new-key` makes one."
        ) from None
