"""The quote: what the producer's customer was promised, and until when it holds. Pure."""

from datetime import datetime, timedelta
from typing import Final, Self

from pydantic import model_validator

from schemas.intents.faults import FaultCode, IntentFault, broken
from schemas.intents.parts import Amount, Currency, Instant, Part

DEFAULT_WINDOW: Final = timedelta(minutes=10)
"""How long a quote holds that does not say so itself."""
MAX_SKEW: Final = timedelta(seconds=60)
"""How far a producer's clock may run ahead of ours."""


class Quote(Part):
    """The price a customer agreed to, and how long it may be acted on."""

    quoted_at: Instant
    """When the price was quoted."""
    expires_at: Instant | None = None
    """When the quote ends; ten minutes after `quoted_at` where this is left out."""
    max_total: Amount | None = None
    """The most that the whole order may cost. Above it, nothing is bought."""
    currency: Currency | None = None
    """The currency of `max_total`, by the provider's own code."""
    requote: bool = False
    """Whether the provider may be asked for a new price once this quote, or its own, has ended
    unbought. The order then goes on if that is within `max_total`. Only where a price is quoted
    before it is bought: Gifthub, and Adobe with `preview_first`."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.expires_at is not None and self.expires_at <= self.quoted_at:
            detail = "A quote expires after it was quoted"
            raise broken(FaultCode.QUOTE_WINDOW, detail, "expires_at")
        if self.requote and self.max_total is None:
            detail = "A new price needs a max_total to be held against"
            raise broken(FaultCode.MISSING_FIELD, detail, "max_total")
        if self.max_total is not None and self.currency is None:
            detail = "max_total needs its currency"
            raise broken(FaultCode.MISSING_FIELD, detail, "currency")
        return self


def window(
    quote: Quote | None, received_at: datetime, default: timedelta = DEFAULT_WINDOW
) -> datetime | None:
    """When the order may no longer be bought; ``None`` for never.

    A quote without an end of its own ends ``default`` after ``quoted_at``, and never later
    than ``default`` after its receipt: the producer's clock may run ahead.
    """
    if quote is None:
        return None
    return quote.expires_at or min(quote.quoted_at, received_at) + default


def check_window(
    quote: Quote | None, received_at: datetime, max_skew: timedelta = MAX_SKEW
) -> None:
    """Raise ``IntentFault`` where a quote was made later than clocks may disagree about."""
    if quote is not None and quote.quoted_at - received_at > max_skew:
        raise IntentFault(
            FaultCode.QUOTE_IN_FUTURE,
            "quote.quoted_at",
            f"A quote may lie at most {max_skew.total_seconds():g} seconds ahead of its receipt",
        )
