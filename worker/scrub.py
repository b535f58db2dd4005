"""Turning a provider's answer into evidence a person may read: shape and chosen fields only.

What is kept is listed, never what is hidden: a field nobody thought of stays out.
"""

import hashlib
import json
import re
from typing import Any, Final

_HIDDEN: Final = "…"
_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_-]{0,38}[0-9]{0,2}")
"""Some answers use codes or addresses as keys; those do not look like this."""
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL refuses NUL, and a lone surrogate has no UTF-8."""


def scrub(body: bytes, keep: frozenset[str], limit: int = 2000) -> str:
    """Return ``body`` with every value hidden whose field is not in ``keep``, in any case.

    A value in a list belongs to the field that holds the list. Numbers stay as written, in
    quotes. Of a body that is not JSON only its length and the start of its hash are told.
    At most ``limit`` characters.
    """
    kept = frozenset(name.lower() for name in keep)
    try:
        # Numbers as text: neither 19.90 nor an id of 400 digits comes out another.
        document = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
        text = json.dumps(_hide(document, None, kept), ensure_ascii=False)
    except (ValueError, RecursionError):
        return f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:8]}"[:limit]
    return text if len(text) <= limit else text[: limit - 1] + _HIDDEN


def _hide(value: Any, field: str | None, kept: frozenset[str]) -> Any:
    """Copy ``value``, which ``field`` holds."""
    if isinstance(value, dict):
        return {_name(key, kept): _hide(item, key.lower(), kept) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item, field, kept) for item in value]
    if field not in kept:
        return _HIDDEN
    return _UNSTORABLE.sub("", value) if isinstance(value, str) else value


def _name(key: str, kept: frozenset[str]) -> str:
    """Show a key that names a field; one that is data itself is hidden."""
    return key if key.lower() in kept or _FIELD_NAME.fullmatch(key) else _HIDDEN
