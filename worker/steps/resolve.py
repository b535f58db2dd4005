"""Carry out what a person decided about a parked order: held, checked, written once.

Two people may decide at the same time. Each takes the order's fence, the later one last, and
only under the newest fence anything is written; whoever is too late is told what was decided.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from schemas.ids import OrderId
from worker.capabilities import Polling
from worker.change import Change
from worker.decisions import resolutions
from worker.decisions.resolutions import Choice, Decision, Resolution
from worker.desk import Desk
from worker.errors import OrderlineError
from worker.lifecycle import OrderState
from worker.metrics.meters import Call
from worker.order import Claimed
from worker.outcome import Confirmed, Pending
from worker.runtime import Runtime
from worker.steps.ask import ask_about
from worker.store import claims, orders
from worker.store.claimed import peek
from worker.store.orders import Settling
from worker.store.surplus import still_open

_NOT_PARKED: Final = "it is not parked: nothing is to be decided about it"


class Undecidable(OrderlineError):
    """A decision that cannot be carried out. The message says why, and what could be said."""


async def consider(ids: Sequence[OrderId], rt: Runtime) -> Mapping[OrderId, list[Choice]]:
    """What may be decided about these orders, as far as they are parked and configured here."""
    surplus = await still_open(rt.db, ids)
    return {
        claimed.order.order_id: resolutions.choices(
            desk.decider_for(claimed), claimed, surplus.get(claimed.order.order_id, ())
        )
        for claimed in await peek(rt.db, rt.vault, ids)
        if claimed.state is OrderState.PARKED and (desk := _desk(claimed, rt)) is not None
    }


async def resolve(
    order_id: OrderId, decision: Decision, rt: Runtime, *, unchecked: bool = False
) -> Change:
    """Decide about a parked order. Raises ``Undecidable``, and then nothing is changed.

    Where a person says that the provider has it, the provider is asked first, unless
    ``unchecked``: its id is written once and for ever.
    """
    found = await peek(rt.db, rt.vault, [order_id])
    if not found or found[0].state is not OrderState.PARKED:
        raise Undecidable(_NOT_PARKED)
    desk = await _considered(found[0], decision, rt)
    if decision.resolution is Resolution.PLACED and not unchecked:
        await _ask_first(found[0], decision, desk, rt)
    held = await claims.hold(rt.db, rt.vault, order_id)
    if held is None:
        raise Undecidable(f"{_NOT_PARKED} any more, or it is just being looked up")
    await _considered(held, decision, rt)  # it may have changed while its provider was asked
    change = resolutions.resolved(desk.decider_for(held), held, decision)
    settled = await orders.settle(rt.db, rt.vault, [Settling(change)])
    if not settled[0].held:
        raise Undecidable("somebody else was faster; look at it again")
    return change


async def _considered(claimed: Claimed, decision: Decision, rt: Runtime) -> Desk:
    """The order's desk, when this decision can be carried out."""
    desk = _desk(claimed, rt)
    if desk is None:
        raise Undecidable(
            f"its account {claimed.account!r} of {claimed.provider} is not configured here, and"
            " what may be decided depends on it"
        )
    order_id, decider = claimed.order.order_id, desk.decider_for(claimed)
    surplus = await still_open(rt.db, [order_id])
    for choice in resolutions.choices(decider, claimed, surplus.get(order_id, ())):
        if choice.resolution is decision.resolution and choice.refusal is not None:
            raise Undecidable(choice.refusal)
    if (lack := resolutions.missing(decider, claimed, decision)) is not None:
        raise Undecidable(lack)
    if decision.ref and (other := await claims.bearer_of(rt.db, claimed, decision.ref)):
        raise Undecidable(f"{decision.ref} is the provider's id of another order, {other}")
    return desk


async def _ask_first(claimed: Claimed, decision: Decision, desk: Desk, rt: Runtime) -> None:
    """Hold what a person says against what the provider says of that order."""
    if desk.decider_for(claimed).capabilities.polls is Polling.NONE:
        return
    order = decision.under(claimed.order)
    said = await ask_about(Call.POLL, partial(desk.provider.poll, order), desk, rt)
    if not isinstance(said, Confirmed | Pending):
        raise Undecidable(
            f"the provider does not confirm it: {said.reason}; --unchecked records it all the same"
        )


def _desk(claimed: Claimed, rt: Runtime) -> Desk | None:
    return rt.desks.get((claimed.provider, claimed.account))
