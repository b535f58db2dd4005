"""What a gateway process holds, wired in one place from its settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from redis.asyncio import Redis

from worker.crypto import Vault
from worker.errors import SettingsError
from worker.gateway.crowds import Crowds
from worker.gateway.keys import KeyRing
from worker.gateway.proofs import Callers, open_callers
from worker.gateway.rates import Rates
from worker.gateway.standing import Standing
from worker.metrics.meters import watch_loop
from worker.metrics.requests import RequestMeters
from worker.runtime import open_database, open_tokens, open_vault
from worker.settings import Settings
from worker.store.session import Database

PATIENCE: Final = 3.0
"""Seconds after which a server that does not answer is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What requests are answered with. Closed by whoever opened it."""

    settings: Settings
    redis: Redis
    db: Database
    vault: Vault
    callers: Callers
    keys: KeyRing
    rates: Rates
    crowds: Crowds
    standing: Standing
    meters: RequestMeters


def check_settings(settings: Settings) -> None:
    """Find out now what ``open_gate`` would refuse. Raises ``SettingsError``."""
    open_vault(settings)
    open_callers(settings.accounts, open_tokens(settings))
    _connected(settings)


@asynccontextmanager
async def open_gate(settings: Settings) -> AsyncIterator[Gate]:
    """Wire a gate on the running loop; both servers may still be away. Raises ``SettingsError``."""
    async with AsyncExitStack() as stack:
        vault = open_vault(settings)
        db = open_database(settings)
        stack.push_async_callback(db.close)
        redis = _connected(settings)
        stack.push_async_callback(redis.aclose)
        keys = KeyRing(db, PATIENCE)
        refreshing = asyncio.create_task(keys.keep_fresh())
        stack.push_async_callback(_end, refreshing)
        crowds = Crowds(db, redis, settings.open_per_producer, PATIENCE)
        stack.push_async_callback(_end, asyncio.create_task(crowds.keep_fresh()))
        meters = RequestMeters()
        watching = watch_loop(meters.loop_lag, asyncio.Event())
        stack.push_async_callback(_end, asyncio.create_task(watching))
        yield Gate(
            settings=settings,
            redis=redis,
            db=db,
            vault=vault,
            callers=open_callers(settings.accounts, open_tokens(settings)),
            keys=keys,
            rates=Rates(settings),
            crowds=crowds,
            standing=Standing(db, redis, settings.accounts),
            meters=meters,
        )


def gate_of(request: Request) -> Gate:
    """The gate by which a request came in."""
    gate: Gate = request.state.gate
    return gate


def _connected(settings: Settings) -> Redis:
    try:
        return Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
        )
    except ValueError:
        raise SettingsError(
            "ORDERLINE_REDIS_URL: is not a URL; a special character in its password is written"
            " percent-encoded"
        ) from None


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
