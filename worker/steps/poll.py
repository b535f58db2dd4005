"""Ask where a placed order stands."""

from functools import partial

from worker.desk import Desk
from worker.metrics.meters import Call
from worker.order import Claimed
from worker.runtime import Runtime
from worker.steps.ask import ask_about
from worker.steps.decided import Decided


async def poll(claimed: Claimed, desk: Desk, rt: Runtime) -> Decided:
    """Read the order's lines at the provider and move ours accordingly."""
    instead = desk.decider_for(claimed).before_poll(claimed)
    if instead is not None:
        return Decided(claimed, instead)
    outcome = await ask_about(Call.POLL, partial(desk.provider.poll, claimed.order), desk, rt)
    return Decided(claimed, desk.decider_for(claimed).after_poll(claimed, outcome, rt.chance()))
