"""Find what is due and was not rung for: the safety net under every lost bell."""

from datetime import timedelta
from typing import Final

from schemas.jobs import Bell, NotificationBell, OrderBell
from worker.runtime import Runtime
from worker.store import accounts

PATIENCE: Final = timedelta(seconds=5)
"""A bell that nobody answered for this long is believed lost."""


async def sweep(rt: Runtime) -> list[Bell]:
    """The bells to ring: one per account with due orders, one for due notifications."""
    bells: list[Bell] = [
        OrderBell(
            task=f"order.{due.step}",
            provider=due.provider,
            account=due.account,
            order_ids=tuple(due.order_ids),
            swept=True,
        )
        for due in await accounts.ring_due(rt.db, PATIENCE)
    ]
    if await accounts.any_owed(rt.db):
        bells.append(NotificationBell())
    return bells
