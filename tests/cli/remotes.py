"""Providers with books, orders bought there, and other hands in those books."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

import pytest
from sqlalchemy import text

from tests.cli.conftest import Ran
from tests.cli.program import PATIENCE
from tests.cli.world import World
from tests.crash.nursery import Nursery
from worker.engine import Engine
from worker.runtime import open_runtime
from worker.sandbox import Change, Sandbox, SandboxSettings
from worker.settings import load_settings
from worker.store.session import Boundary

HYPER: Final = "hyperteknoloji"
ADOBE: Final = "adobe_vipm"

_SECRET: Final = {"password", "token", "client_secret", "callback_api_key", "email"}


@dataclass(frozen=True, slots=True)
class Remotes:
    """The simulated providers, and our accounts with them in the environment."""

    sandbox: Sandbox
    world: World
    secrets: Sequence[str]
    nursery: Nursery

    async def buy(self, *bodies: Any) -> list[str]:
        """Have intents taken in and worked on until nothing is due; the orders' ids."""
        heaps = await self.world.accept(*bodies)
        async with open_runtime(load_settings()) as rt:
            engine = Engine(rt)
            engine.start()
            async with asyncio.timeout(60):
                while await self.rows("SELECT FROM orders WHERE due_at IS NOT NULL"):
                    await asyncio.gather(*(pump.see(()) for pump in engine.orders.values()))
                    while any(pump.working for pump in engine.orders.values()):
                        await asyncio.sleep(0.005)
                    await self.execute(
                        "UPDATE orders SET due_at = orderline_now()"
                        " WHERE due_at IS NOT NULL AND lease_until IS NULL"
                    )
            await engine.stop(5)
        return [str(each.order_id) for each in heaps.fresh]

    def tamper(self, provider: str, change: Change, **what: Any) -> list[str]:
        return self.sandbox.tamper(provider, change, **what)

    async def program(self, *arguments: str) -> Ran:
        """The command as a process of its own, as it is run in a pipe."""
        folder = Path(mkdtemp(dir=Path.cwd()))
        out, err = folder / "out", folder / "err"
        err.touch()
        child = self.nursery.start("program", "worker.cli", arguments, os.environ, out, err)
        code = await asyncio.to_thread(child.wait, PATIENCE)
        assert code is not None
        return Ran(code, out.read_text(), err.read_text())

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.world.db.reading() as connection:
            return list((await connection.execute(text(sql), values)).all())

    async def execute(self, sql: str, **values: Any) -> None:
        async with self.world.db.transaction(Boundary.PRODUCER) as connection:
            await connection.execute(text(sql), values)


@asynccontextmanager
async def open_remotes(
    world: World, patch: pytest.MonkeyPatch, nursery: Nursery, *providers: str
) -> AsyncIterator[Remotes]:
    """The providers, with an account of each that is named."""
    async with Sandbox(settings=SandboxSettings(callbacks=False)) as sandbox:
        secrets = []
        for provider in providers:
            fields = sandbox.account_settings()[provider]["default"] | {"books_rate": "200"}
            for name, value in fields.items():
                patch.setenv(f"ORDERLINE_ACCOUNTS__{provider}__DEFAULT__{name}".upper(), value)
                secrets += [value] if name in _SECRET and value != "sandbox" else []
        yield Remotes(sandbox, world, secrets, nursery)


def licences(intent_id: str, *, max_total: str | None = None, quantity: int = 2) -> dict[str, Any]:
    """An intent for licences from Adobe, 365.00 USD each."""
    now = datetime.now(UTC).isoformat()
    quote = {"quoted_at": now, "currency": "USD", "max_total": max_total}
    return {
        "intent_id": intent_id,
        "provider": ADOBE,
        "customer_id": "9876543210",
        "order_type": "NEW",
        "currency": "USD",
        "lines": [{"deliver_id": f"{intent_id}-1", "offer_id": "sandbox-ok", "quantity": quantity}],
        **({} if max_total is None else {"quote": quote}),
    }
