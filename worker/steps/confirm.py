"""Commit the money for an order that its provider has priced (two-phase providers)."""

from worker.desk import Desk
from worker.lifecycle import Step
from worker.order import Claimed
from worker.runtime import Runtime
from worker.steps.call import call
from worker.steps.decided import Decided


async def confirm(claimed: Claimed, desk: Desk, rt: Runtime) -> Decided:
    """Attempt to confirm, inside the quote's window."""
    return await call(claimed, Step.CONFIRM, desk.provider.confirm, desk, rt)
