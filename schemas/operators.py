"""Views of those who operate Orderline, and of what they did. See ``schemas.orders``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.base import Schema


class OperatorView(Schema):
    """Somebody who may sign in to the console, or could before ``disabled_at``."""

    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None
    sessions: int


class DeedView(Schema):
    """What a person did. ``via`` is ``console`` (``by`` had signed in) or ``command``."""

    deed_id: UUID
    at: datetime
    by: str
    via: str
    action: str
    order_id: UUID | None
    about: str | None
    why: str | None
    data: Mapping[str, Any]


class Standing(Schema):
    """How everything stands at one moment, in numbers.

    ``states`` counts orders that have not ended, by their state; ``ended`` those that ended within
    the last day. ``overdue`` could be worked on now, the first of them since ``overdue_since``.
    ``ending`` are quotes whose window closes within a minute, unbought. ``waiting`` notifications
    are owed, the oldest since ``waiting_since``; ``exhausted`` ones were given up (``None``: not
    counted). ``resting``
    accounts take no orders; ``troubled`` endpoints fail, rest or are disabled.
    """

    states: Mapping[str, int]
    ended: Mapping[str, int]
    overdue: int
    overdue_since: datetime | None
    ending: int
    surplus: int
    quarantined: int
    waiting: int
    waiting_since: datetime | None
    exhausted: int | None
    resting: int
    troubled: int
    differences: int
    as_of: datetime
