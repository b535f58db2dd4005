"""How values stand in a line of text: moments as people read them, the rest as it is."""

import re
from datetime import datetime
from typing import Any, Final

import pydantic_core

from schemas.orders import stamp

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def worded(value: Any) -> str:
    """A value of an event or a deed."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, str):
        return stamp(datetime.fromisoformat(value)) if _is_moment(value) else value
    return pydantic_core.to_json(value).decode()


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return False
    return True
