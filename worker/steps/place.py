"""Create the order at its provider."""

from worker.desk import Desk
from worker.lifecycle import Step
from worker.order import Claimed
from worker.runtime import Runtime
from worker.steps.call import call
from worker.steps.decided import Decided


async def place(claimed: Claimed, desk: Desk, rt: Runtime) -> Decided:
    """Attempt to place; for a two-phase provider this only gets a price."""
    return await call(claimed, Step.PLACE, desk.provider.place, desk, rt)
