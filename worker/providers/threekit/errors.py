"""What Threekit's failures mean, as a table.

The page lists statuses and shows no body, so a body is never read for what it says. It only has
to be one JSON object that is no order: a page in HTML is a proxy's, not the API's, and whether the
API acted the proxy does not know. Then the look-up does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.http import Reply
from worker.outcome import InDoubt, NotSent, RefusalCode, Refused
from worker.providers.reading import document, not_now

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
THROTTLED: Final = 429

TURNED_AWAY: Final[Mapping[int, str]] = {
    UNAUTHORIZED: "unauthorized",
    FORBIDDEN: "forbidden",
    THROTTLED: "throttled",
}
"""Statuses that say "not executed, and not because of the order".

401 is a token that is invalid or was revoked, 403 one that is missing or of the wrong kind. Both
are the operator's to mend and the order waits for that inside its window: refused at once, every
order of an afternoon would be lost to one revoked token. There is no way to renew a token.
"""

REFUSALS: Final[Mapping[int, str]] = {
    400: "the order was called malformed",
    413: "the order was called too large",
    422: "a value in the order was not taken",
}
"""Statuses that say no to the order itself, for good (assumed: they are listed without a word)."""

UNKNOWN: Final = "a configuration of the order is not known there"
"""What the page means by 404. A wrong host or path is answered with the same, however."""


@dataclass(frozen=True, slots=True)
class Failures:
    """How one account reads failures of a creating call. ``missing_refuses``: 404 is a no."""

    missing_refuses: bool = False

    def of_creating(self, reply: Reply) -> Refused | NotSent | InDoubt:
        """What a creating call without a yes came to."""
        status = reply.status
        if status in {UNAUTHORIZED, THROTTLED} or (status == FORBIDDEN and _is_the_apis(reply)):
            return turned_away(reply)
        if status in REFUSALS and _is_the_apis(reply):
            return Refused(RefusalCode.INVALID, f"{REFUSALS[status]} (HTTP {status})")
        if status == NOT_FOUND and self.missing_refuses and _is_the_apis(reply):
            return Refused(RefusalCode.UNKNOWN_PRODUCT, f"{UNKNOWN} (HTTP {status})")
        return InDoubt(f"HTTP {status} says neither yes nor no")


def of_reading(reply: Reply, what: str) -> NotSent | InDoubt:
    """What a call that changes nothing came to, whose answer was not ``what`` was asked for."""
    if reply.status in TURNED_AWAY:
        return turned_away(reply)
    return InDoubt(f"{what} is unreadable (HTTP {reply.status})")


def turned_away(reply: Reply) -> NotSent:
    """The call was not executed, and may be made again."""
    reason = TURNED_AWAY[reply.status]
    return not_now(reply, reason) if reply.status == THROTTLED else NotSent(reason)


def _is_the_apis(reply: Reply) -> bool:
    answer = document(reply)
    return isinstance(answer, dict) and "id" not in answer
