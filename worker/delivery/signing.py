"""Signatures after Standard Webhooks 1.0.0, verifiable with anybody's library for it.

Symmetric scheme ``v1`` only. This module signs; it neither stores secrets nor sends.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import os
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from worker.errors import OrderlineError

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)
_NEW_KEY_BYTES: Final = 32
# The specification forbids only the dot, which would let two messages share one signed text;
# the rest keeps an id from ending the header it stands in.
_WEBHOOK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class UnusableSecret(OrderlineError):
    """A webhook secret is not ``whsec_`` and the base64 of 24 to 64 bytes."""


def new_secret() -> str:
    """A fresh webhook secret of 32 random bytes."""
    return _PREFIX + base64.b64encode(os.urandom(_NEW_KEY_BYTES)).decode()


class Signer:
    """Signs for one endpoint. Made once per endpoint, so its secrets are decoded once.

    ``secrets`` are all the live ones, the current one first: during a rotation every message
    carries a signature for each, and the receiver needs to know only one of them.
    Raises ``UnusableSecret``.
    """

    __slots__ = ("_keys",)

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise UnusableSecret("An endpoint needs at least one webhook secret.")
        self._keys = tuple(_decode(secret) for secret in secrets)

    def sign(self, webhook_id: str, timestamp: datetime, body: bytes) -> dict[str, str]:
        """The three headers for one try.

        ``webhook_id`` is the same for every try of a message (letters, digits, ``-``, ``_``;
        else ``ValueError``); ``timestamp`` is that of this try, aware; ``body`` is exactly
        what will be sent.
        """
        if _WEBHOOK_ID.fullmatch(webhook_id) is None:
            raise ValueError("a webhook id is 1 to 128 letters, digits, '-' or '_'")
        seconds = int(timestamp.timestamp())
        signed = b"%b.%d.%b" % (webhook_id.encode(), seconds, body)
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join([_signature(key, signed) for key in self._keys]),
        }


def _signature(key: bytes, signed: bytes) -> str:
    digest = hmac.digest(key, signed, "sha256")
    return "v1," + binascii.b2a_base64(digest, newline=False).decode()


def _decode(secret: str) -> bytes:
    """The key inside a secret. The message of the error never shows any of it."""
    encoded = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if encoded == secret or len(key) not in _KEY_BYTES:
        raise UnusableSecret(
            "A webhook secret is 'whsec_' followed by the base64 of 24 to 64 bytes."
        )
    return key
