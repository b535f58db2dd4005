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

from schemas.intents import Intent
from worker.books import BookPage
from worker.capabilities import CallsBack, Capabilities, Doubt
from worker.http import Channel, Deadline
from worker.lifecycle import Step
from worker.order import Attempted, Ordered, OrderedLine
from worker.outcome import Check, InDoubt, LookUp, NotSent, Outcome, Refused

__all__ = [
    "Account",
    "Accounts",
    "Attempted",
    "CallsBack",
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
    concurrency: int = 128
    """How many calls to this account may be under way at once, per worker process."""
    rate: float | None = None
    """How many calls a second all workers together make to this account; as many as they can,
    unless set."""
    call_timeout: float = 30.0
    """Hard deadline of one call, in seconds: connect, send and read together."""
    books_rate: float = 4.0
    """How many calls a second a reconciliation makes at most to read the provider's books."""


class Provider(Protocol):
    """One provider account, ready to be called. Made once per account and worker process.

    ``worker.providers.base.Adapter`` has the verbs that a provider does not have.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    """As far as neither an account nor an intent changes them."""
    calls_back: ClassVar[CallsBack | None]
    """How it calls back; ``None`` where it does not."""
    account_model: ClassVar[type[Account]]

    def __init__(self, account: Any, channel: Channel) -> None:
        """``account`` is an ``account_model``; ``channel`` is bound to its ``base_url``."""

    @property
    def token_owner(self) -> str | None:
        """Whose access token this is: accounts of one owner share one, ``None`` shares with none.

        Kept in the database in clear, so never a credential itself.
        """

    def capabilities_for(self, intent: Intent) -> Capabilities:
        """How this account behaves for one intent."""

    def request(self, order: Ordered, step: Step, reference: str) -> bytes | None:
        """The exact request body of a call, where it may have to be sent again as it was.

        It is committed with the attempt before the first byte, and comes back as
        ``Attempted.request``. ``None`` where the capabilities send nothing again.
        """

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

    async def cancel(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> Outcome:
        """Call a placed order off (only where ``after_cancel``).

        ``Confirmed``: it is called off; its line reports say which lines. ``Pending``: the wish
        was taken, ``look_up`` will tell. ``Refused``: the order stands.
        """

    async def look_up(
        self, order: Ordered, attempt: Attempted, deadline: Deadline, token: str | None
    ) -> LookUp:
        """Find out what an attempt of unknown outcome came to. Changes nothing there.

        ``attempt.step`` says which call it made. ``Confirmed`` / ``Pending``: it is there (for
        two phases: it was committed). ``Refused``: it was not carried out and never will be.
        ``Absent``: it is not there (for a confirming attempt: the order is there, still
        uncommitted). ``NotSent`` / ``InDoubt``: this look-up itself gave no answer.

        For a cancelling attempt ``Confirmed`` says that the order is called off, ``Pending``
        that this is not decided, ``Refused`` that it stands for good, ``Absent`` that nobody
        there knows of the wish.
        """

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Where the placed order stands, line by line. Changes nothing there."""

    def shelf(self, order: Ordered) -> str | None:
        """The shelf of the provider's books on which an order stands (only for ``SHELVES``).

        ``None`` while nothing is known by which it could be asked for.
        """

    async def read_books(
        self, shelf: str, since: datetime, page: str | None, deadline: Deadline, token: str | None
    ) -> BookPage | Refused | NotSent | InDoubt:
        """One page of a shelf: at least every order made there since a moment, newest first.

        ``page`` is the ``next_page`` of the one before, kept as long as one likes; ``None`` for
        the first. Changes nothing there. ``Refused``: this shelf can never be read.
        """

    @staticmethod
    def mentioned(callback: bytes) -> frozenset[str]:
        """Our references in a callback's body: a ``line_ref``, or an order's id in hex.

        None where it cannot be read. Whatever else it says is not believed: it is asked for. Of one
        that came by an order's own URL nothing is read: the URL says which order it is about.
        """

    async def check(self, deadline: Deadline, token: str | None) -> Check:
        """Whether the account lets us in, and what it holds. Changes nothing there."""


Accounts = Mapping[str, Mapping[str, Account]]
"""Configured accounts by provider and account name."""
