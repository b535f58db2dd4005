"""What an adapter is: the protocol every provider speaks to us through.

An adapter sends and classifies. It keeps nothing, decides nothing, and touches no store.
What differs between providers in *behaviour* is declared as ``Capabilities`` and acted on by
the steps, so that no step ever asks which provider it is talking to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from schemas.ids import AttemptId, LineId, OrderId
from schemas.intents import Intent
from worker.http import Channel, Deadline
from worker.lifecycle import LineState
from worker.outcome import LookUp, Outcome


class Doubt(StrEnum):
    """What may be done after a call whose outcome is unknown."""

    LOOK_UP = "look_up"
    """Ask the provider; absence is proof once it was seen often and late enough."""
    LOOK_UP_WEAK = "look_up_weak"
    """Ask the provider; presence is proof, absence is not: then a person decides."""
    HARMLESS = "harmless"
    """Repeating is harmless: the call alone buys nothing."""
    REPLAY = "replay"
    """The same call with the same reference is answered, not executed again."""
    NONE = "none"
    """Nothing can be proven: a person decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """How a provider behaves, in terms the steps act on.

    ``after_place`` and ``after_confirm`` say what an unknown outcome of that call allows;
    ``after_confirm`` is ``None`` for a provider whose placing call already commits money.
    ``poll_every`` are the waits between polls while goods are awaited; the last one repeats.
    ``repeats`` bounds how often a ``HARMLESS`` call is made again after doubt.
    """

    after_place: Doubt
    after_confirm: Doubt | None = None
    poll_every: Sequence[timedelta] = (timedelta(seconds=30),)
    needs_token: bool = False
    repeats: int = 2

    @property
    def two_phase(self) -> bool:
        """Whether placing only reserves and a second call commits the money."""
        return self.after_confirm is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedLine:
    """One line of an order as an adapter sees it; ``index`` is its place in the intent."""

    line_id: LineId
    index: int
    deliver_id: str
    line_ref: str
    state: LineState
    sequence: int
    provider_line_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The facts of one order that an adapter may use. Everything in it is already committed."""

    order_id: OrderId
    intent: Intent
    lines: tuple[OrderedLine, ...]
    provider_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One numbered try. ``reference`` is ours, fixed and committed before the first byte."""

    attempt_id: AttemptId
    number: int
    reference: str
    opened_at: datetime


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
        ``Refused``: it is there and came to nothing. ``Absent``: it is not there (for a
        confirming attempt: it is there, still uncommitted). ``NotSent`` / ``InDoubt``: this
        look-up itself gave no answer.
        """

    async def poll(self, order: Ordered, deadline: Deadline, token: str | None) -> Outcome:
        """Where the placed order stands, line by line. Changes nothing there."""


Accounts = Mapping[str, Mapping[str, Account]]
"""Configured accounts by provider and account name."""
