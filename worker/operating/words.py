"""What people write: reasons, ids and names, as they are kept. Whatever does not fit is said."""

import re
from datetime import timedelta
from typing import Final

LONGEST_WHY: Final = 1000
LONGEST_ID: Final = 200

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(rf"([0-9]{{1,6}})([{''.join(_UNITS)}])")
_OPERATOR: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Unfit(ValueError):
    """Something that a person wrote and that cannot be taken; the message says what can."""


def read_why(text: str) -> str:
    """A reason, of one line or several. Raises ``Unfit``."""
    said = text.strip()
    if not 0 < len(said) <= LONGEST_WHY or "\0" in said:
        raise Unfit(f"1 to {LONGEST_WHY} characters, for whoever reads it later")
    return said


def read_id(text: str) -> str:
    """A provider's id of something. Raises ``Unfit``."""
    if not (0 < len(text) <= LONGEST_ID and text.isprintable()):
        raise Unfit(f"an id is 1 to {LONGEST_ID} printable characters")
    return text


def read_length(text: str) -> timedelta | None:
    """Some time, like ``90m``, ``24h`` or ``7d``; ``None`` where it is not written so."""
    some = _SPAN.fullmatch(text)
    return timedelta(**{_UNITS[some[2]]: int(some[1])}) if some else None


def read_operator(text: str) -> str:
    """A name under which somebody signs in. Raises ``Unfit``."""
    if not _OPERATOR.fullmatch(text):
        raise Unfit(
            "an operator's name is 1 to 64 small letters, digits, dots, dashes, underscores or @,"
            " and begins with a letter or a digit"
        )
    return text
