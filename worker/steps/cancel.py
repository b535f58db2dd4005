"""Call a placed order off at its provider."""

from worker.desk import Desk
from worker.lifecycle import Step
from worker.order import Claimed
from worker.runtime import Runtime
from worker.steps.call import call
from worker.steps.decided import Decided


async def cancel(claimed: Claimed, desk: Desk, rt: Runtime) -> Decided:
    """Attempt to call it off, where its provider and its state allow that; else say why not."""
    return await call(claimed, Step.CANCEL, desk.provider.cancel, desk, rt)
