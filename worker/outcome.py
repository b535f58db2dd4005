"""What a call to a provider came to. Returned and matched exhaustively, never raised.

    Confirmed   the provider said yes, explicitly
    Refused     the provider said no, explicitly: nothing was bought
    Pending     the provider took it and has not decided
    NotSent     it surely was not executed: no connection existed, our own deadline had
                passed, or the provider proved it did nothing (401, 429)
    InDoubt     it may or may not have been executed; never repeated blindly

    Absent      only a look-up answers this: the provider was asked and does not have it

Only an explicit yes is yes and only an explicit no is no. An adapter that cannot read an
answer returns ``InDoubt``, whatever the HTTP status was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from schemas.money import Money
from worker.lifecycle import LineState


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a person may read about a call later. Already scrubbed: holds no secret.

    ``request_ref`` is the reference the provider can find our call by; ``body`` is the
    scrubbed answer, cut to a readable length.
    """

    status: int | None = None
    request_ref: str | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Goods:
    """Delivered codes of one line, as the provider gave them. Secret: never printed."""

    items: tuple[dict[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LineReport:
    """What a provider says of one line, matched by our own ``line_ref``.

    ``price`` is the total of the line. ``reason`` is the provider's own text, or our own word
    about what was left out. ``details`` are further facts a producer may want (a subscription's
    id, the offer that a preview returned): not secret, kept with the line, told in its events.
    """

    line_ref: str
    state: LineState
    provider_line_ref: str | None = None
    price: Money | None = None
    goods: Goods | None = None
    reason: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An explicit yes to this call.

    ``provider_ref`` is the provider's id of the order; it is ``None`` only where the provider
    gives none. ``total`` is what it charges or, for the first of two phases, asks.
    ``expires_at`` is when its frozen price dies. ``surplus`` are ids of further orders that a
    look-up found under the same key: bought, or at least recorded there, more than once.
    """

    provider_ref: str | None
    lines: tuple[LineReport, ...] = ()
    total: Money | None = None
    expires_at: datetime | None = None
    surplus: tuple[str, ...] = ()
    evidence: Evidence = Evidence()


class RefusalCode(StrEnum):
    """Why a provider said no, in our words. The provider's own words are in ``reason``."""

    INVALID = "invalid"
    """What was asked for is not allowed as it is."""
    OUT_OF_STOCK = "out_of_stock"
    """There is none left, or not enough."""
    PRICE_CHANGED = "price_changed"
    """It does not cost any more what was named."""
    PRICE_ABOVE_MAX = "price_above_max"
    """It costs more than the intent's ``max_total``, or is in another currency."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    """Our account there cannot pay for it."""
    UNKNOWN_PRODUCT = "unknown_product"
    """There is no such product, or not for us."""
    FORBIDDEN = "forbidden"
    """Our account may not do this."""
    EXPIRED = "expired"
    """The price was held for some time, which is over."""
    CANCELLED = "cancelled"
    """It was called off there."""
    OTHER = "other"
    """None of these, or the provider did not say."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An explicit no: nothing was bought and nothing will be by this call.

    ``lines`` says which lines were to blame, where the provider tells.
    """

    code: RefusalCode
    reason: str
    lines: tuple[LineReport, ...] = ()
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider has it and has not decided; ``lines`` is what is known so far."""

    provider_ref: str | None = None
    lines: tuple[LineReport, ...] = ()
    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not executed, so it may be tried again.

    ``retry_after`` is the provider's own wish. ``token_rejected`` asks the step to renew the
    account's token and call once more. ``throttled``: the provider has too much to do.
    ``unanswered``: it could not be reached.
    """

    reason: str
    retry_after: timedelta | None = None
    token_rejected: bool = False
    evidence: Evidence = Evidence()
    throttled: bool = False
    unanswered: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The request may have been executed; nobody here can tell.

    ``unanswered``: no whole answer came, and that was not our doing.
    """

    reason: str
    evidence: Evidence = Evidence()
    unanswered: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Absent:
    """A look-up was answered, completely, and the order was not in the answer."""

    evidence: Evidence = Evidence()


@dataclass(frozen=True, slots=True)
class Checked:
    """The account lets us in. ``balances`` are what it holds, where the provider tells."""

    balances: tuple[Money, ...] = ()
    evidence: Evidence = Evidence()


Outcome = Confirmed | Refused | Pending | NotSent | InDoubt
LookUp = Outcome | Absent
Check = Checked | Refused | NotSent | InDoubt


class OutcomeName(StrEnum):
    """An outcome's word, as recorded with its attempt."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    PENDING = "pending"
    NOT_SENT = "not_sent"
    IN_DOUBT = "in_doubt"


_NAMES: Final[Mapping[type[Outcome], OutcomeName]] = {
    Confirmed: OutcomeName.CONFIRMED,
    Refused: OutcomeName.REFUSED,
    Pending: OutcomeName.PENDING,
    NotSent: OutcomeName.NOT_SENT,
    InDoubt: OutcomeName.IN_DOUBT,
}


def name_of(outcome: Outcome) -> OutcomeName:
    """The word for an outcome."""
    return _NAMES[type(outcome)]
