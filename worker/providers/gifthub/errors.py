"""What Gifthub's errors mean, as data.

Told apart by their text first and by the HTTP status second: "out of stock" comes as a 500. Every
error carries a ``message`` (introduction/errors); what has none was not said by Gifthub, so only
its 429 counts. That "code" in those pages is the HTTP status is assumed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.http import Reply
from worker.outcome import NotSent, RefusalCode, Refused
from worker.providers.reading import not_now, plain, words

_THROTTLED: Final = 429
_AN_ERROR: Final = 400
"""From this status on an answer is an error."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A documented error whose text holds all of ``parts``, under ``status`` where one is named."""

    means: RefusalCode | NotSent
    parts: tuple[str, ...]
    status: int | None = None


_TEXTS: Final[Sequence[_Text]] = (
    _Text(NotSent("insufficient_funds"), ("insufficient",), 400),  # may be topped up in time
    _Text(RefusalCode.OUT_OF_STOCK, ("out of stock",)),
    _Text(RefusalCode.INVALID, ("exchange", "not supported")),
    _Text(RefusalCode.INVALID, ("list", "bigger")),
    _Text(RefusalCode.INVALID, ("list", "well formatted")),
    _Text(RefusalCode.PRICE_CHANGED, ("quote", "match")),
    _Text(RefusalCode.INVALID, ("quote", "range")),
    _Text(RefusalCode.UNKNOWN_PRODUCT, ("product", "not found")),
    _Text(RefusalCode.INVALID, ("no valid orderid",)),
)
"""The documented texts; the first that fits counts."""

TOO_LATE: Final = Refused(RefusalCode.EXPIRED, "the frozen price has expired")

_BY_STATUS: Final[Mapping[int, Refused]] = {
    403: Refused(RefusalCode.FORBIDDEN, "the credentials were refused"),
}
"""Nothing was executed, and without a person nothing will be: "alert, no blind retry"."""
_BY_STATUS_CONFIRMING: Final[Mapping[int, Refused]] = {**_BY_STATUS, 419: TOO_LATE}


def refusal(
    reply: Reply, answer: Any, *, confirming: bool = False, personal: Sequence[str] = ()
) -> Refused | NotSent | None:
    """An explicit no; ``None`` where there is none. ``personal`` values are hidden in its words.

    404 to a confirming call is none: "not a pending order" is also what an order says that is
    confirmed already.
    """
    by_status = _BY_STATUS_CONFIRMING if confirming else _BY_STATUS
    match answer:
        case _ if reply.status < _AN_ERROR:
            return None
        case {"data": {"id": _}}:
            return None  # an order and an error at once
        case _ if reply.status == _THROTTLED:
            return not_now(reply, "throttled")
        case {"message": str(message)}:
            by_text = _by_text(reply.status, message, personal)
            return by_text or by_status.get(reply.status)
        case _:
            return None


def _by_text(status: int, message: str, personal: Sequence[str]) -> Refused | NotSent | None:
    text = plain(message)
    for known in _TEXTS:
        if known.status in {None, status} and all(part in text for part in known.parts):
            if isinstance(known.means, NotSent):
                return known.means
            return Refused(known.means, words(message, personal) or "refused without a reason")
    return None
