"""Views of provider accounts: whether they take orders. See ``schemas.orders``."""

from collections.abc import Mapping
from datetime import datetime

from schemas.base import Schema
from schemas.orders import distance, stamp


class AccountEventView(Schema):
    """Its breaker opened or closed, or somebody paused or resumed it."""

    at: datetime
    type: str
    data: Mapping[str, object]


class AccountView(Schema):
    """One account of a provider.

    ``state`` is ``closed`` (its breaker: all is well), ``open``, ``probing`` (single orders find
    out whether the provider is back) or ``paused`` (by somebody, whatever its breaker says).
    ``since``, ``until`` and ``why`` are of that state. ``calls`` and ``failed`` count the last
    minute, by all workers; they are kept only while some fail. ``unfinished`` orders are those that
    something is still to be done for, ``due`` those that it could be done for now.
    """

    provider: str
    account: str
    state: str
    since: datetime | None = None
    until: datetime | None = None
    why: str | None = None
    openings: int = 0
    probes: int = 0
    calls: int | None = None
    failed: int | None = None
    unfinished: int = 0
    due: int = 0
    as_of: datetime

    @property
    def told(self) -> str:
        """Its state, in a sentence."""
        if self.state == "closed":
            return "closed: it takes orders"
        since = "" if self.since is None else f" since {self._when(self.since)}"
        why = "" if self.why is None else f": {self.why}"
        return f"{self.state}{since}{why}"

    @property
    def until_told(self) -> str | None:
        """When that ends by itself, or is put to the proof."""
        if self.state == "closed":
            return None
        if self.until is None:
            return "it is resumed" if self.state == "paused" else "the probes are answered"
        return self._when(self.until)

    def _when(self, moment: datetime) -> str:
        return f"{stamp(moment)} ({distance(moment, self.as_of)})"


class AccountStory(Schema):
    """An account with what happened to it, the latest first."""

    account: AccountView
    events: tuple[AccountEventView, ...]
