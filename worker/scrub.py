"""Turning what others answered into evidence a person may read.

Of a provider's answer ``scrub`` keeps shape and chosen fields: what is kept is listed, never what
is hidden, so a field nobody thought of stays out. A receiver's answer to a webhook has no shape
that we know; ``scrub_text`` keeps its words and hides what may be an address, a secret or a code.
"""

import hashlib
import json
import re
from collections.abc import Collection
from typing import Any, Final

from pydantic_core import to_json

_HIDDEN: Final = "…"
_NUMBERS_AS_WRITTEN: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
"""Numbers as text: neither 19.90 nor an id of 400 digits comes out another."""
_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_-]{0,38}[0-9]{0,2}")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL refuses NUL, and a lone surrogate has no UTF-8."""

_NAMES: Final = (
    r"auth\w{0,20}|cookie|session\w{0,20}|sign|sig|signature|pwd|key|codes?|serial|voucher"
    r"|\w{0,20}(?:api[-_]?key|licen[cs]e\w?|pass\w{0,20}|secret|token)\w{0,20}|pin"
)
_VALUE: Final = r"(?:\"[^\"]{0,999}\"?|'[^']{0,999}'?|[^\s\"'<>,;&}\]]{1,999})"
_TEXT_RULES: Final = (
    # An e-mail address, with whatever stands close to it; also with its @ percent-encoded.
    (re.compile(r"[^\s\"'<>()\[\]{},;:=]{1,64}(?:@|%40)[^\s\"'<>()\[\]{},;]{1,255}"), _HIDDEN),
    # A URL's query.
    (re.compile(r"\?[\w.~%+-]{1,64}=[^\s\"'<>]*"), f"?{_HIDDEN}"),
    # What a name says to be secret: a header, a JSON field, an assignment, a sentence.
    (
        re.compile(
            rf"(?i)(?<![a-z0-9])({_NAMES})([\"']?\s{{0,3}}[:=]\s{{0,3}})"
            rf"(?:(?:bearer|basic|digest)\s{{1,3}})?{_VALUE}"
        ),
        rf"\1\2{_HIDDEN}",
    ),
    (
        re.compile(
            r"(?i)(?<![a-z0-9])((?:bearer|basic|token|secret|password|pin)(?: is)?\s{1,3})"
            rf"(?=\S{{0,99}}\d){_VALUE}"
        ),
        rf"\1{_HIDDEN}",
    ),
    # What no word looks like: very long, or long and with a digit; a code or a number in groups.
    (re.compile(r"[\w+/=-]{32,}"), _HIDDEN),
    (re.compile(r"(?=[\w+/=-]{0,31}\d)[\w+/=-]{10,}"), _HIDDEN),
    (re.compile(r"\b[A-Z0-9]{3,8}(?:[- ][A-Z0-9]{3,8}){2,}\b"), _HIDDEN),
    (re.compile(r"\+?\d(?:[ ().-]{0,2}\d){8,}"), _HIDDEN),
)
"""Each replaces what it finds. In this order: a name says more than a look."""


def scrub(body: bytes, keep: frozenset[str], limit: int = 2000) -> str:
    """Return ``body`` with every value hidden whose field is not in ``keep``, in any case.

    A value in a list belongs to the field that holds the list. Numbers stay as written, in
    quotes. Of a body that is not JSON only its length and the start of its hash are told.
    At most ``limit`` characters.
    """
    kept = frozenset(name.lower() for name in keep)
    try:
        document = _NUMBERS_AS_WRITTEN.decode(
            body.decode(json.detect_encoding(body), "surrogatepass")
        )
        text = to_json(_hide(document, None, kept)).decode()
    except (ValueError, RecursionError):
        return f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:8]}"[:limit]
    return text if len(text) <= limit else text[: limit - 1] + _HIDDEN


def scrub_text(text: str, known: Collection[str] = (), limit: int = 1_000) -> str:
    """Return ``text`` with hidden what may be personal or secret, at most ``limit`` characters.

    ``known`` are secrets that must not come back. Hides too much rather than too little: references
    and long numbers go, too.
    """
    for secret in known:
        if secret:
            text = text.replace(secret, _HIDDEN)
    for pattern, replacement in _TEXT_RULES:
        text = pattern.sub(replacement, text)
    return text if len(text) <= limit else text[: limit - 1] + _HIDDEN


def _hide(value: Any, field: str | None, kept: frozenset[str]) -> Any:
    """Copy ``value``, which ``field`` holds."""
    if isinstance(value, dict):
        shown = {}
        for key, item in value.items():
            lower = key.lower()
            # One that is data itself is hidden: some answers use codes or addresses as keys.
            name = key if lower in kept or _FIELD_NAME.fullmatch(key) else _HIDDEN
            shown[name] = _hide(item, lower, kept)
        return shown
    if isinstance(value, list):
        return [_hide(item, field, kept) for item in value]
    if field not in kept:
        return _HIDDEN
    return _UNSTORABLE.sub("", value) if isinstance(value, str) else value
