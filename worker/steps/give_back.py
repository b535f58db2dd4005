"""Find out whether orders could be given back by calling them off, without doing it."""

from collections.abc import Mapping, Sequence

from schemas.books import GivingBack
from schemas.ids import OrderId
from worker.decisions import cancels
from worker.order import Claimed
from worker.runtime import Runtime
from worker.store.claimed import peek


async def may_give_back(ids: Sequence[OrderId], rt: Runtime) -> Mapping[OrderId, GivingBack]:
    """What a wish to call these orders off would be answered, by what is known of them now."""
    return {each.order.order_id: _answer(each, rt) for each in await peek(rt.db, rt.vault, ids)}


def _answer(claimed: Claimed, rt: Runtime) -> GivingBack:
    desk = rt.desks.get((claimed.provider, claimed.account))
    if desk is None:
        return GivingBack(known=False)
    rules = desk.decider_for(claimed)
    refusal = cancels.refusal(rules, claimed)
    if refusal is not None:
        return GivingBack(known=True, refusal=refusal)
    within, ended = rules.capabilities.returns_for, claimed.finished_at
    until = None if within is None or ended is None else ended + within
    return GivingBack(known=True, possible=True, until=until)
