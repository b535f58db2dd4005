"""What the audit is made from: our rows, the remotes' books, what receivers and producers noted.

Plain values, so that an audit can be tested with books that somebody cooked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from worker.chaos.submitting import Key, Sent
from worker.demo.books import AT_REST
from worker.demo.receiver import Received
from worker.sandbox.books import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order of ours."""

    order_id: str
    producer: str
    intent_id: str
    fingerprint: str
    provider: str
    state: str
    expires_at: datetime | None = None
    parked_reason: str | None = None
    previews: bool = False
    """Whether it only asks for a price."""
    refs: tuple[str, ...] = ()
    """Every reference by which its provider may know it."""
    cancels: int = 0
    """How many wishes to call it off were written down."""
    wish_open: bool = False
    surplus: bool = False
    """Whether we know that the provider has one too many."""

    @property
    def key(self) -> Key:
        """Its producer and its intent's id."""
        return self.producer, self.intent_id

    @property
    def at_rest(self) -> bool:
        """Whether it is finished or parked."""
        return self.state in AT_REST


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """One entry that was set aside. ``code`` is the kind of its fault."""

    stream: str
    entry_id: str
    digest: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event that its producer has to hear: of a DeliverID, or of an entry in quarantine."""

    webhook_id: str
    producer: str
    subject: str
    sequence: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OurBooks:
    """What our database says."""

    orders: Sequence[Order]
    quarantined: Sequence[Quarantined]
    told: Sequence[Told]
    begun_late: Sequence[str]
    """Purchases that were begun when they could not surely end within their window."""
    owed: int
    """Notifications that are not acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the run itself noted."""

    seed: int
    wanted: int
    troubles: Mapping[str, int] = field(default_factory=dict)
    """How many happened, by kind."""
    kills: int = 0
    callbacks: Mapping[str, int] = field(default_factory=dict)
    ended: Sequence[str] = ()
    """Processes that ended by themselves."""
    gave_up: str | None = None
    """Why we stopped waiting for quiet, if we did."""
    longest_lag: float = 0.0
    """The most seconds for which this process, remotes and receivers with it, stood still."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the audit is made from."""

    sent: Sequence[Sent]
    unsure: frozenset[str] = frozenset()
    """Digests of entries that may have arrived without an acknowledgement."""
    ours: OurBooks
    theirs: Mapping[str, Sequence[Row]]
    """The remotes' rows, by their names."""
    received: Received
    left_in_streams: int = 0
    run: Run
