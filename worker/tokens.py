"""Access tokens of provider accounts: shared by all workers, renewed by one of them, early."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from worker.calls import Calls
from worker.clock import Clock
from worker.crypto import Vault
from worker.outcome import InDoubt, NotSent, Outcome
from worker.provider import Token
from worker.store import tokens as store
from worker.store.session import Database, is_transient

_FIRST_REST: Final = timedelta(seconds=1)
"""Nobody logs in for so long after a failed login; doubled with each further failure."""
_CACHED: Final = 30.0
"""Seconds for which a token is used without asking the database for a newer one."""
_LOOK_EVERY: Final = 0.1


@dataclass(frozen=True, slots=True)
class TokenCare:
    """How a token is looked after.

    ``patience`` bounds a login, and how long others wait for it. A token is renewed ``early``
    before it dies, so that none dies on the way. ``longest_rest`` bounds the pause that logins
    which failed bring about.
    """

    patience: timedelta
    early: timedelta
    longest_rest: timedelta


class TokenKeeper:
    """Gives out an account's living token; logs in when there is none.

    ``owner`` is whose token it is: the account's own, or one that several accounts share.
    ``login`` makes the one call that gets a new token.
    """

    def __init__(
        self,
        db: Database,
        vault: Vault,
        clock: Clock,
        calls: Calls,
        *,
        provider: str,
        owner: str,
        login: Callable[[], Awaitable[Token | Outcome]],
        care: TokenCare,
    ) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._calls = calls
        self._provider = provider
        self._owner = owner
        self._login = login
        self._care = care
        self._lock = asyncio.Lock()
        self._value: str | None = None
        self._fresh_until = 0.0
        self._failure = NotSent("nobody has tried yet")
        self._failed_at = float("-inf")

    async def get(self, *, rejected: str | None = None) -> str | NotSent:
        """A living token, never ``rejected``; ``NotSent`` when there is none to be had now."""
        if self._value not in {None, rejected} and self._clock.monotonic() < self._fresh_until:
            assert self._value is not None  # noqa: S101 -- said by the line above
            return self._value
        asked_at = self._clock.monotonic()
        async with self._lock:
            if self._failed_at >= asked_at:
                return self._failure  # of a login made while we waited: ours would be no other
            try:
                answer = await self._shared(rejected)
            except Exception as error:
                if not is_transient(error):
                    raise
                answer = NotSent("no access token: the database is away")
            if isinstance(answer, NotSent):
                self._failure, self._failed_at = answer, self._clock.monotonic()
            return answer

    async def _shared(self, rejected: str | None) -> str | NotSent:
        give_up_at = self._clock.monotonic() + self._care.patience.total_seconds()
        while self._clock.monotonic() < give_up_at and not self._calls.stopped:
            stored = await store.read(
                self._db, self._vault, self._provider, self._owner, self._care.early
            )
            if stored.alive and stored.value is not None and stored.value != rejected:
                return self._keep(stored.value)
            if stored.rests_for:
                return NotSent("no access token: logins failed, and rest", stored.rests_for)
            if await store.claim_renewal(
                self._db, self._provider, self._owner, stored.version, 2 * self._care.patience
            ):
                return await self._renew(stored.version)
            await asyncio.sleep(_LOOK_EVERY)  # another worker is logging in
        return NotSent("no access token: another worker is still logging in")

    async def _renew(self, version: int) -> str | NotSent:
        stopping = NotSent("the worker is stopping")
        token = await self._calls.make(self._login, unmade=stopping, cut=stopping)
        if isinstance(token, Token):
            await store.renew(
                self._db,
                self._vault,
                self._provider,
                self._owner,
                version=version,
                value=token.value,
                expires_at=token.expires_at,
            )
            return self._keep(token.value)
        rest = _FIRST_REST
        match token:
            case NotSent():
                failure = NotSent(
                    f"no access token: {token.reason}",
                    token.retry_after,
                    throttled=token.throttled,
                )
                rest = max(rest, token.retry_after or rest)
            case InDoubt():
                failure = NotSent(f"no access token: {token.reason}")
            case _:
                failure = NotSent("no access token: the provider refuses our login")
        await store.give_up(
            self._db,
            self._provider,
            self._owner,
            version,
            first=timedelta() if token is stopping else rest,
            longest=self._care.longest_rest,
        )
        return failure

    def _keep(self, value: str) -> str:
        self._value = value
        self._fresh_until = self._clock.monotonic() + _CACHED
        return value
