"""Find out what an attempt of unknown outcome came to, before anything is sent again."""

from functools import partial

from worker.desk import Desk
from worker.metrics.meters import Call
from worker.order import Claimed
from worker.runtime import Runtime
from worker.steps.ask import ask_about
from worker.steps.decided import Decided


async def reconcile(claimed: Claimed, desk: Desk, rt: Runtime) -> Decided:
    """Look the newest attempt up at the provider, where it can be asked."""
    assert claimed.attempt is not None  # noqa: S101 -- only an attempt can be in doubt
    instead = desk.decider_for(claimed).before_look_up(claimed)
    if instead is not None:
        return Decided(claimed, instead)
    question = partial(desk.provider.look_up, claimed.order, claimed.attempt)
    finding = await ask_about(Call.RECONCILE, question, desk, rt)
    return Decided(claimed, desk.decider_for(claimed).after_look_up(claimed, finding, rt.chance()))
