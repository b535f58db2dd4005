"""A desk: everything one provider account needs to be called. One per account and process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from worker.budget import RetryBudget
from worker.decisions import Decider
from worker.decisions.breaker import failed
from worker.http import Channel
from worker.order import Claimed, Ordered
from worker.order_tokens import CallbackUrls
from worker.outcome import LookUp, NotSent
from worker.pace import Grant, Pace
from worker.provider import Provider
from worker.rests import AccountKey
from worker.tallies import Probe, Tally
from worker.tokens import TokenKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One account's adapter, connections, token and rules.

    ``lease`` outlasts any call made from here; ``start_grace`` is how long after its attempt
    was recorded a call may still begin, ``call_timeout`` its hard deadline after that.
    ``rate`` is how many calls a second all workers together may make, ``pace`` what sees to it
    here, and ``grant`` what the order at hand was claimed with. ``books_rate`` is how many calls a
    second a reconciliation may make. ``callback_urls`` knows where the provider reaches our
    gateway, if there is one. ``budget`` is this process's own. ``tally`` counts how the calls went;
    those of an order that is a ``probe`` are told to that instead.
    """

    provider_name: str
    account: str
    provider: Provider
    channel: Channel
    decider: Decider
    tokens: TokenKeeper | None
    permits: int
    start_grace: timedelta
    call_timeout: timedelta
    lease: timedelta
    rate: float | None = None
    pace: Pace | None = None
    grant: Grant | None = None
    books_rate: float = 4.0
    callback_urls: CallbackUrls | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    tally: Tally = field(default_factory=Tally)
    probe: Probe | None = None

    @property
    def key(self) -> AccountKey:
        """Provider and account name."""
        return self.provider_name, self.account

    def decider_for(self, claimed: Claimed) -> Decider:
        """The rules for one order: what its intent asks may change how the provider behaves."""
        capabilities = self.provider.capabilities_for(claimed.order.intent)
        return replace(self.decider, capabilities=capabilities)

    def addressed(self, order: Ordered) -> Ordered:
        """The order as it is handed to the adapter: with where to call back about it."""
        if self.callback_urls is None:
            return order
        return replace(order, callback_url=self.callback_urls.url_of(order.order_id))

    def note(self, outcome: LookUp, now: float) -> None:
        """Count a call that has ended, where that says something of the provider.

        ``now`` is in seconds of the monotonic clock.
        """
        it_failed = failed(outcome)
        if it_failed is None:
            return
        if self.probe is not None:
            self.probe.note(failed=it_failed)
        else:
            self.tally.note(failed=it_failed, now=now)

    @property
    def total(self) -> timedelta:
        """From recording an attempt to the latest end of its call."""
        return self.start_grace + self.call_timeout

    async def token(self, *, rejected: str | None = None) -> str | NotSent | None:
        """A living token; ``None`` where this provider needs none."""
        return None if self.tokens is None else await self.tokens.get(rejected=rejected)

    @contextmanager
    def granted(self) -> Iterator["Desk"]:
        """This desk for an order that was claimed just now; its grant goes back if it is unused."""
        if self.pace is None:
            yield self
            return
        grant = Grant(self.pace)
        try:
            yield replace(self, grant=grant)
        finally:
            grant.close()

    async def may_call(self) -> NotSent | None:
        """Wait until the account's rate allows one call; why not, where that takes too long."""
        if self.grant is not None:
            return await self.grant.ensure()
        return None if self.pace is None else await self.pace.wait()

    async def depart(self) -> NotSent | None:
        """Wait a moment until a call may leave, as the account's rate has it; why it may not."""
        if self.grant is not None:
            return await self.grant.depart()
        return None if self.pace is None else await self.pace.depart()
