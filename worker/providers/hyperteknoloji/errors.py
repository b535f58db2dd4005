"""What a tenant's errors mean, as data: by HTTP status, and by the stems of its own words.

The documentation lists 400, 401, 403 and 404; 429 is what public clients handle. A refusal's text
is free and in the tenant's language, no list of codes is public: so it is only searched for stems.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from worker.http import Reply
from worker.outcome import NotSent, RefusalCode, Refused
from worker.providers.reading import not_now, plain, wish

_BY_STATUS: Final[Mapping[int, Refused | NotSent]] = {
    401: NotSent("unauthorized", token_rejected=True),
    403: Refused(RefusalCode.FORBIDDEN, "forbidden"),
    404: NotSent("api_off"),  # "the API integration is off for this tenant"
    429: NotSent("throttled"),
}
"""Statuses that mean the same in every answer: nothing was executed."""

_TURNED_AWAY: Final = frozenset({401, 429})
"""Statuses that say nothing of the order that was asked about; 404 may say that there is none."""

_LOGIN: Final[Mapping[int, str]] = {
    400: "login_refused",
    401: "login_refused",
    403: "login_refused",
    404: "api_off",
    429: "login_throttled",
}
"""Why there is no token, by status."""

_STEMS: Final[Sequence[tuple[RefusalCode, tuple[str, ...]]]] = (
    (RefusalCode.INSUFFICIENT_FUNDS, ("bakiye", "balance", "funds")),
    (RefusalCode.OUT_OF_STOCK, ("stok", "stock", "tuken")),
    (RefusalCode.PRICE_CHANGED, ("fiyat", "price")),
)
"""Stems of the documented refusals, in English and Turkish, without accents; the first counts."""


def by_status(reply: Reply) -> Refused | NotSent | None:
    """What a status alone says; ``None`` where that is nothing."""
    outcome = _BY_STATUS.get(reply.status)
    if isinstance(outcome, NotSent):
        return replace(outcome, retry_after=wish(reply), throttled=reply.throttles)
    return outcome


def unasked(reply: Reply) -> NotSent | None:
    """Whether a question about an order was turned away, so that the next one would be too."""
    outcome = by_status(reply) if reply.status in _TURNED_AWAY else None
    return outcome if isinstance(outcome, NotSent) else None


def no_login(reply: Reply, *, refused: bool) -> NotSent:
    """Why there is no token. A login changes nothing, so that is never doubt."""
    reason = _LOGIN.get(reply.status, "login_refused" if refused else "login_unreadable")
    return not_now(reply, reason)


def code_of(said: str, default: RefusalCode) -> RefusalCode:
    """Why the provider refused, by its own words."""
    text = plain(said)
    matches = (code for code, stems in _STEMS if any(stem in text for stem in stems))
    return next(matches, default)
