"""What an adapter is: the protocol every provider speaks to us through.

An adapter sends and classifies. It keeps nothing, decides nothing, and touches no store.
What differs between providers in *behaviour* is declared as ``Capabilities`` and acted on by
the steps, so that no step ever asks which provider it is talking to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from worker.capabilities import Capabilities, Doubt
from worker.http import Channel, Deadline
from worker.order import Attempted, Ordered, OrderedLine
from worker.outcome import LookUp, Outcome

__all__ = [
    "Account",
    "Accounts",
    "Attempted",
    "Capabilities",
    "Doubt",
    "Ordered",
    "OrderedLine",
    "Provider",
    "Token",
]


@dataclass(frozen=True, slots=True)
class Token:
    """A provider's access token. ``expires_at`` is ``None`` when it said nothing."""

    value: str = field(repr=False)
    expires_at: datetime | None = None


class Account(BaseModel):
    """What every provider account is configured with; adapters add their own fields.

    Each field is set by ``ORDERLINE_ACCOUNTS__<PROVIDER>__<ACCOUNT>__<FIELD>``.
    """

    base_url: str
    """Where the provider's API lives; never a constant, every tenant has its own."""
    concurrency: int = 32
    """How many calls to this account may be under way at once, per worker process."""
    call_timeout: float = 30.0
    """Hard deadline of one call, in seconds: connect, send and read together."""


class Provider(Protocol):
    """One provider account, ready to be called. Made once per account and worker process."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    account_model: ClassVar[type[Account]]

    def __init__(self, account: Any, channel: Channel) -> None:
        """``account`` is an ``account_model``; ``channel`` is bound to its ``base_url``."""

    async def login(self, deadline: Deadline) -> Token | Outcome:
        """Get a new access token (only where ``needs_token``)."""

    async def place(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Create the order. ``Confirmed`` means placed or, for two phases, quoted."""

    async def confirm(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Commit the order that ``place`` reserved (only for two phases)."""

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Find out what an attempt of unknown outcome came to. Changes nothing there.

        ``Confirmed`` / ``Pending``: it is there (for two phases: it was committed).
        ``Refused``: it was not carried out and never will be. ``Absent``: it is not there (for a
        confirming attempt: it is there, still uncommitted). ``NotSent`` / ``InDoubt``: this
        look-up itself gave no answer.
        """

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Where the placed order stands, line by line. Changes nothing there."""


Accounts = Mapping[str, Mapping[str, Account]]
"""Configured accounts by provider and account name."""
