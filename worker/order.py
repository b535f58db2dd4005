"""An order as the steps and the adapters see it: facts that are already committed. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.ids import AttemptId, LineId, OrderId
from schemas.intents import Intent
from schemas.money import Money
from worker.lifecycle import LineState, OrderState, Step
from worker.outcome import OutcomeName


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
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """The facts of one order that an adapter may use. Everything in it is already committed.

    ``callback_url`` is where the provider may call back about it, and nobody else: a secret, added
    by its desk and never kept. ``None`` where there is no gateway.
    """

    order_id: OrderId
    intent: Intent
    lines: tuple[OrderedLine, ...]
    provider_ref: str | None = None
    callback_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One numbered try. ``reference`` is ours, fixed and committed before the first byte.

    ``sends`` counts how often its request was, or is now, sent: more than once only where the
    very same one may be sent again. ``opened_at`` is the first time, ``sent_at`` the last.
    ``request`` are the exact bytes, where the provider's adapter wants them kept for that.
    """

    attempt_id: AttemptId
    number: int
    step: Step
    reference: str
    opened_at: datetime
    sent_at: datetime
    sends: int = 1
    request: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An order whose lease we hold, as it was when we claimed it.

    ``fence`` is the number every write made under this lease must carry. ``tries`` counts how
    often ``step`` was tried in a row. ``attempt`` is the newest attempt and ``attempt_outcome``
    what it came to (``None``: it was left open). ``now`` is the database's time at the claim.
    ``reason`` is the last thing said of it. ``cancel_asked_at`` is set while somebody's wish to
    call the order off has no answer. ``may_requote`` says that its producer allows a new quote
    once one has ended, ``requotes`` how often one was asked for.
    """

    order: Ordered
    producer: str
    provider: str
    account: str
    notify_url: str
    state: OrderState
    step: Step
    fence: int
    tries: int
    created_at: datetime
    now: datetime
    attempt: Attempted | None = None
    attempt_outcome: OutcomeName | None = None
    look_ups: int = 0
    expires_at: datetime | None = None
    max_total: Money | None = None
    may_requote: bool = False
    requotes: int = 0
    reason: str | None = None
    parked_reason: str | None = None
    finished_at: datetime | None = None
    cancel_asked_at: datetime | None = None

    @property
    def attempt_step(self) -> Step | None:
        """The call that the newest attempt made."""
        return None if self.attempt is None else self.attempt.step

    @property
    def age(self) -> timedelta:
        """How long ago the intent was accepted."""
        return self.now - self.created_at

    @property
    def since_attempt(self) -> timedelta:
        """How long ago the newest attempt was last sent; nothing where there was none."""
        return timedelta() if self.attempt is None else self.now - self.attempt.sent_at

    @property
    def left_open(self) -> bool:
        """Whether a lease ended with a call under way: its outcome is unknown."""
        return self.attempt is not None and self.attempt_outcome is None
