"""A whole answer. That it arrived says nothing yet: adapters read what it means."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn

_LONGEST_WAIT: Final = timedelta(days=365)
_TOO_MANY: Final = 429
_AWAY: Final = 503


class Unreadable(ValueError):
    """An answer's body is not JSON."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers (looked up in any case) and the complete, decompressed body.

    Body and headers stay out of the ``repr``: they hold delivered codes and tokens.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON, fractions as ``Decimal``.

        Raises ``Unreadable``, whose text and causes quote nothing of the body.
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_refuse)
        except (ValueError, ArithmeticError, RecursionError):
            # ArithmeticError: an exponent beyond what Decimal holds.
            raise Unreadable("the answer is not JSON") from None

    def retry_after(self, now: datetime) -> timedelta | None:
        """How long the provider asks us to wait, never negative; ``None`` if it does not say.

        Seconds and dates alike (RFC 9110 §10.2.3). At most a year: callers clamp further,
        but not every number fits a ``timedelta``.
        """
        wish = self.headers.get("retry-after", "").strip()
        if wish.isascii() and wish.isdigit():
            within_a_year = len(wish.lstrip("0")) < len(str(10**8))
            return (
                min(timedelta(seconds=int(wish)), _LONGEST_WAIT) if within_a_year else _LONGEST_WAIT
            )
        moment = _http_date(wish)
        return None if moment is None else min(max(moment - now, timedelta()), _LONGEST_WAIT)

    @property
    def throttles(self) -> bool:
        """Whether it says that there is too much to do: 429, or 503 that names its wait."""
        return self.status == _TOO_MANY or (self.status == _AWAY and "retry-after" in self.headers)

    @property
    def date(self) -> datetime | None:
        """When the answer was made, by the provider's clock, in whole seconds."""
        return _http_date(self.headers.get("date", ""))


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):  # the latter: a number beyond what a date holds
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _refuse(constant: str) -> NoReturn:
    """``NaN`` and ``Infinity`` are Python's, not JSON's (RFC 8259 §6)."""
    raise Unreadable(f"{constant} is not JSON")
