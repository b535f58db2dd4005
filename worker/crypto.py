"""Encryption at rest: what must not be readable in a copy of the database goes through here.

Callers decide *what* is secret (codes, tokens, webhook secrets); this module only seals and
opens bytes. It reads no setting and keeps nothing but its keys.

Sealed bytes are ``<key id>.<Fernet token>``: the id says which key opens them, and nothing of the
key. Those from before there were ids are a token alone, and are tried with every key.
"""

import base64
import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from worker.errors import OrderlineError, SettingsError

KEY_ID_LENGTH: Final = 8
"""Characters of a key's id: the beginning of its SHA-256, in hex."""

_NAMED: Final = re.compile(rb"([0-9a-f]{%d})\.(.*)" % KEY_ID_LENGTH, re.DOTALL)
"""A token alone never fits: its alphabet has no dot."""


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
        read = [(_id_of(key), _read_key(key, place)) for place, key in enumerate(keys, start=1)]
        self._keys: tuple[tuple[str, Fernet], ...] = tuple(read)

    @staticmethod
    def new_key() -> str:
        """A fresh random key."""
        return Fernet.generate_key().decode()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of its keys, that of the one that seals first."""
        return tuple(dict.fromkeys(key_id for key_id, _ in self._keys))

    def seal(self, plain: bytes) -> bytes:
        """Encrypt and authenticate. Sealing the same bytes twice gives different results."""
        key_id, fernet = self._keys[0]
        return b"%b.%b" % (key_id.encode(), fernet.encrypt(plain))

    def unseal(self, sealed: bytes) -> bytes:
        """What ``seal`` was given.

        Raises ``SealBroken``.
        """
        named = _NAMED.fullmatch(sealed)
        key_id, token = (named[1].decode(), named[2]) if named else (None, sealed)
        fitting = [fernet for known, fernet in self._keys if key_id in (None, known)]
        if not fitting:
            raise SealBroken(
                f"A sealed value cannot be opened: its key {key_id} is missing. Put the old key"
                " back, behind the current one."
            )
        for fernet in fitting:
            try:
                return fernet.decrypt(token)
            except InvalidToken:
                continue
        raise SealBroken(
            f"A sealed value cannot be opened: it was altered, although its key {key_id} is there."
            if key_id
            else "A sealed value cannot be opened: it was altered, or the key that sealed it is"
            " missing. Put the old key back, behind the current one."
        )


def _id_of(key: str) -> str:
    """What names a key, and says nothing of it: 256 random bits cannot be guessed from a hash."""
    try:
        material = base64.urlsafe_b64decode(key)
    except ValueError:
        return ""  # as ``_read_key`` says
    return sha256(material).hexdigest()[:KEY_ID_LENGTH]


def _read_key(key: str, place: int) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        raise SettingsError(
            f"Encryption key {place} is not 32 bytes in URL-safe base64;"
            " `orderline new-key` makes one."
        ) from None
