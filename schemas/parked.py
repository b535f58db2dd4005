"""Views of what waits for a person: parked orders, and orders that are there once too often.

Like all views they hold no secret and no code; see ``schemas.orders``.
"""

from datetime import datetime

from schemas.base import Schema
from schemas.orders import AttemptView, LineView, OrderView


class ChoiceView(Schema):
    """One decision: ``means`` is what it says, ``refusal`` why it cannot be made, if so."""

    decision: str
    means: str
    refusal: str | None


class SurplusView(Schema):
    """One more at the provider than we asked for. ``decision`` is missing while it is open."""

    provider_ref: str | None
    reason: str
    found_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    decision: str | None = None
    why: str | None = None


class ParkedView(Schema):
    """An order about which a person has to decide something, with all that bears on it.

    ``attempt`` is the newest one, with the provider's answer as far as there was one.
    ``choices`` are empty where the order itself is not parked, or where its account is not
    configured here, which ``hint`` then says.
    """

    order: OrderView
    lines: tuple[LineView, ...]
    attempt: AttemptView | None
    surplus: tuple[SurplusView, ...]
    choices: tuple[ChoiceView, ...] = ()
    hint: str | None = None
