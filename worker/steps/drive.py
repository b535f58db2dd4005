"""Take a claimed order through its steps for as long as it can go on without waiting."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from worker.change import carried_on
from worker.desk import Desk
from worker.lifecycle import Step
from worker.order import Claimed
from worker.pump import Pump
from worker.runtime import Runtime
from worker.steps.cancel import cancel
from worker.steps.confirm import confirm
from worker.steps.decided import Decided
from worker.steps.place import place
from worker.steps.poll import poll
from worker.steps.reconcile import reconcile
from worker.steps.settle import ELSEWHERE, settle
from worker.store.notifications import Owed

OneStep = Callable[[Claimed, Desk, Runtime], Awaitable[Decided]]

STEPS: Final[Mapping[Step, OneStep]] = {
    Step.PLACE: place,
    Step.CONFIRM: confirm,
    Step.POLL: poll,
    Step.CANCEL: cancel,
    Step.RECONCILE: reconcile,
}


async def drive(claimed: Claimed, desk: Desk, mail: Pump[Owed], rt: Runtime) -> str:
    """The state the order was left in."""
    while True:
        decided = await STEPS[claimed.step](claimed, desk, rt)
        settled = await settle(decided, desk, mail, rt)
        if settled.at is None:
            return ELSEWHERE
        if not decided.change.goes_on:
            return decided.change.state
        claimed = carried_on(decided.claimed, decided.change, settled.at)
