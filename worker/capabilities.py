"""How providers differ in behaviour, in terms the steps act on. Pure data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


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
