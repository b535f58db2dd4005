"""Makes an installation for a test, and takes it away again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from tests.crash.nursery import Nursery, kill_all
from tests.crash.receiver import PatientReceiver
from tests.crash.works import SHOP, Works
from worker.crypto import Vault
from worker.demo.installing import register
from worker.embedded import Servers
from worker.embedded.system import System
from worker.redises import connect
from worker.sandbox import Sandbox, SandboxSettings
from worker.store.session import Database

SETTINGS: Final = {
    "ORDERLINE_START_GRACE": "0.5",
    "ORDERLINE_LEASE_MARGIN": "0.5",
    "ORDERLINE_BREAKER_PAUSE": "1",
    "ORDERLINE_RETRY_BASE": "0.2",
    "ORDERLINE_RETRY_CAP": "1",
    "ORDERLINE_RETRY_FLOOR": "100",
    "ORDERLINE_MAX_TRIES": "1000",
    "ORDERLINE_LOOK_UP_WAITS": "0.5,0.5,0.5",
    "ORDERLINE_ABSENCE_AFTER": "3",
    "ORDERLINE_DELIVERY_TIMEOUT": "2",
    "ORDERLINE_GRACE": "5",
    "ORDERLINE_LOG_FORMAT": "json",
}
_CALL_TIMEOUT: Final = {"threekit": "1"}
"""Seconds; its absence is believed after five of them."""
_SECRET: Final = ("token", "callback_api_key", "client_secret")


@asynccontextmanager
async def installed(servers: Servers, home: Path, nursery: Nursery) -> AsyncIterator[Works]:
    """An installation on a migrated database, with a producer; what it runs is killed after."""
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(PatientReceiver())
        sandbox = await stack.enter_async_context(
            Sandbox(settings=SandboxSettings(pace=0.5, callbacks=False))
        )
        given = sandbox.account_settings()
        system = System(
            home=home,
            servers=servers,
            encryption_key=Vault.new_key(),
            accounts={
                provider: {
                    name: {**fields, "call_timeout": _CALL_TIMEOUT.get(provider, "2")}
                    for name, fields in accounts.items()
                }
                for provider, accounts in given.items()
            },
            development_hosts=receiver.host,
            overrides=SETTINGS,
        )
        db = Database(f"postgresql+psycopg://{servers.database_url.partition('://')[2]}")
        stack.push_async_callback(db.close)
        redis = await stack.enter_async_context(connect(servers.redis_url))
        webhook_secrets = await register((SHOP,), db, Vault([system.encryption_key]), receiver)
        credentials = [
            fields[name]
            for accounts in given.values()
            for fields in accounts.values()
            for name in _SECRET
            if name in fields
        ]
        works = Works(
            system, nursery, sandbox, receiver, db, redis, secrets=[*webhook_secrets, *credentials]
        )
        stack.push_async_callback(asyncio.to_thread, kill_all, works.running)
        yield works
