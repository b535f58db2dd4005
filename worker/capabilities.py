"""How providers differ in behaviour, in terms the steps act on. Pure data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from worker.books import Books


class Doubt(StrEnum):
    """What may be done after a call whose outcome is unknown."""

    LOOK_UP = "look_up"
    """Ask the provider; absence is proof once it was seen often and late enough."""
    LOOK_UP_ONCE = "look_up_once"
    """Ask once; where it was not executed the call may be made again, since the provider
    refuses a repeat of one it did execute."""
    LOOK_UP_WEAK = "look_up_weak"
    """Ask the provider; presence is proof, absence is not: then a person decides."""
    HARMLESS = "harmless"
    """Repeating is harmless: the call alone buys nothing."""
    REPLAY = "replay"
    """Send the very same request again: one that was executed is answered, not executed twice.
    Where that brings no answer either, look up, as for ``LOOK_UP``."""
    RESEND = "resend"
    """Send the very same request once more, because the account says that this is acceptable.
    Whatever comes of it but a yes goes to a person."""
    NONE = "none"
    """Nothing can be proven: a person decides."""


SENT_AGAIN = frozenset({Doubt.REPLAY, Doubt.RESEND})
"""After which the very same request, kept with its attempt, is sent again."""

LOOKED_UP = frozenset({Doubt.LOOK_UP, Doubt.LOOK_UP_ONCE, Doubt.LOOK_UP_WEAK, Doubt.REPLAY})
"""After which the provider can be asked what became of the call."""

MADE_ANEW = frozenset({Doubt.HARMLESS, Doubt.LOOK_UP_ONCE})
"""After which another call may be made while an earlier one is still in doubt."""


class Polling(StrEnum):
    """How it is found out where a placed order stands."""

    ORDER = "order"
    """By the provider's id of the order."""
    LINE = "line"
    """By its id of each line."""
    NONE = "none"
    """Not at all: an order that was taken has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsBack:
    """How a provider calls back, and what it wants to be answered; the gateway acts on it.

    ``proof_header`` is where it shows that it is the provider, ``proof_field`` the field of our
    account that holds what must stand there. Without that field set, only an order's own URL
    tells a genuine callback. ``taken`` and ``unproven`` are status and JSON body of the answers to
    one that was taken, and to one whose proof is missing or wrong.
    """

    proof_header: str | None = None
    proof_field: str | None = None
    taken: tuple[int, str] = (200, "{}")
    unproven: tuple[int, str] = (401, "{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """How a provider behaves, in terms the steps act on.

    ``after_place``, ``after_confirm`` and ``after_cancel`` say what an unknown outcome of that
    call allows. ``after_confirm`` is ``None`` for a provider whose placing call already commits
    money, ``after_cancel`` for one that documents no way to call an order off.
    ``returns_for`` is how long after an order was fulfilled its goods can be given back by
    that call; ``None`` where only goods that have not come yet can be called off.

    ``books`` says how the provider's own books can be read, for a reconciliation.
    ``polls`` says by which of the provider's ids a placed order is asked after.
    ``ends_quotes`` says that its quotes end by its own clock; others' ends are counted by ours.
    ``charge_by_poll`` says that only a poll tells what an order costs.
    ``poll_every`` are the waits between polls while goods are awaited; the last one repeats.
    ``repeats`` bounds how often a ``HARMLESS`` call is made again after doubt, and a ``REPLAY``
    sent again before it is looked up. ``replay_for`` is how long after its first sending the
    provider still knows a request that is replayed.

    ``token_early`` is how long before its end an access token is renewed, ``login_rest`` the
    longest pause after logins that failed.
    """

    after_place: Doubt
    after_confirm: Doubt | None = None
    after_cancel: Doubt | None = None
    returns_for: timedelta | None = None
    books: Books = Books.NONE
    polls: Polling = Polling.ORDER
    charge_by_poll: bool = False
    ends_quotes: bool = False
    poll_every: Sequence[timedelta] = (timedelta(seconds=30),)
    needs_token: bool = False
    token_early: timedelta = timedelta(seconds=60)
    login_rest: timedelta = timedelta(minutes=5)
    repeats: int = 2
    replay_for: timedelta = timedelta(days=5)

    @property
    def two_phase(self) -> bool:
        """Whether placing only reserves and a second call commits the money."""
        return self.after_confirm is not None

    @property
    def buys(self) -> bool:
        """Whether an order commits money at all: a preview, say, does not."""
        return self.two_phase or self.after_place is not Doubt.HARMLESS

    @property
    def cancels(self) -> bool:
        """Whether a placed order can be called off by a call."""
        return self.after_cancel is not None
